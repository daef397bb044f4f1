-- What instances follow is kept for a while, and not for ever: whoever is further behind reads everything anew. What happened
-- stands in audit_events.
ALTER TABLE revisions ADD COLUMN changes_after bigint NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD CONSTRAINT revisions_changes_after_past CHECK (changes_after BETWEEN 0 AND revision);
COMMENT ON COLUMN revisions.changes_after IS 'What changed in later revisions is kept in changes; what did up to this one is not any more';

-- The service may add changes and take none away, but for those that are old.
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION forget_changes(chain text, days integer, newest bigint, most bigint) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = %s AS $body$
        DECLARE
            head revisions;
            upto bigint;
            forgotten bigint;
        BEGIN
            SELECT * INTO head FROM revisions WHERE jurisdiction = chain;
            SELECT max(revision) INTO upto FROM audit_events
            WHERE jurisdiction = chain AND revision > head.changes_after
                AND revision <= least(head.changes_after + most, head.revision - newest)
                AND recorded_at < now() - greatest(days, 1) * interval '1 day';
            IF upto IS NULL THEN
                RETURN 0;
            END IF;
            DELETE FROM changes WHERE jurisdiction = chain AND revision <= upto;
            GET DIAGNOSTICS forgotten = ROW_COUNT;
            -- Last, for writers wait for this row.
            UPDATE revisions SET changes_after = upto WHERE jurisdiction = chain AND changes_after < upto;
            RETURN forgotten;
        END
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION forget_changes(text, integer, bigint, bigint) IS 'Deletes what changed in revisions that are older than some days, at least one, and not among the newest, of so many revisions at most';
REVOKE ALL ON FUNCTION forget_changes(text, integer, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_changes(text, integer, bigint, bigint) TO clearway_service;
