-- What is hidden now is hidden in the history, too: of a version that has ended that is seen which the transaction sees by what the
-- version says itself and by what the newest one says, or of a feature that is gone the last.

DO $do$
DECLARE
    layer text;
    seen_row constant text := $policy$
        ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    FOREACH layer IN ARRAY ARRAY['works', 'corridors', 'reference_features'] LOOP
        -- By the rights of the owner, who sees the newest version whoever asks; nothing is said of it but whether he may see it.
        EXECUTE format($create$
            CREATE FUNCTION %1$I(place text, feature uuid) RETURNS boolean
            LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = %4$s AS $body$
                SELECT coalesce((
                    SELECT sees(jurisdiction, visibility, organisation) FROM %2$I WHERE jurisdiction = place AND id = feature
                ), (
                    SELECT sees(jurisdiction, visibility, organisation) FROM %3$I WHERE jurisdiction = place AND id = feature
                    ORDER BY version DESC LIMIT 1
                ), false)
            $body$
        $create$, layer || '_newest_seen', layer, layer || '_history', path);
        EXECUTE format(
            'COMMENT ON FUNCTION %I(text, uuid) IS %L', layer || '_newest_seen',
            'The transaction sees the newest version of a feature, or the last'
        );
        EXECUTE format('REVOKE ALL ON FUNCTION %I(text, uuid) FROM PUBLIC', layer || '_newest_seen');
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I(text, uuid) TO clearway_service', layer || '_newest_seen');
        -- Whoever sees everything, as the index does when it loads what there was, is asked once for a statement and not for each row.
        EXECUTE format(
            'ALTER POLICY seen ON %I USING ((SELECT sees_all()) OR ((%s) AND %I(jurisdiction, id)))',
            layer || '_history', seen_row, layer || '_newest_seen'
        );
    END LOOP;
END $do$;
