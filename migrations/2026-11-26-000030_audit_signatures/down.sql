DROP FUNCTION audit_heads(text, bigint[]);
ALTER TABLE audit_events DROP COLUMN signature, DROP COLUMN signer;
-- The hash of an entry says nothing but that the trail up to it is what it was: whoever sees a decision may write it down.
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION audit_heads(place text, revisions bigint[]) RETURNS TABLE (revision bigint, hash bytea)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT e.revision, e.hash FROM audit_events AS e WHERE e.jurisdiction = place AND e.revision = ANY (revisions)
                AND e.hash IS NOT NULL
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION audit_heads(text, bigint[]) IS 'The heads that the audit trail of a jurisdiction had after these revisions';
REVOKE ALL ON FUNCTION audit_heads(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_heads(text, bigint[]) TO clearway_service;
