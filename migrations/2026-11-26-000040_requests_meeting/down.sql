-- As they were looked for before.
DO $do$
DECLARE
    found_row constant text := $policy$
        ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (state <> 'draft' AND (
            '* government' = ANY ((SELECT seen())::text[])
            OR (jurisdiction || ' government') = ANY ((SELECT seen())::text[])
            OR (asked <> '{}' AND state <> 'returned_for_supplement' AND EXISTS (
                SELECT FROM unnest(asked) AS c (code)
                WHERE ('* ?' || c.code) = ANY ((SELECT seen())::text[])
                    OR (jurisdiction || ' ?' || c.code) = ANY ((SELECT seen())::text[])
            ))
        ))
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION site_requests_meeting(places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT id FROM site_requests WHERE jurisdiction = ANY (places) AND (after IS NULL OR id > after)
                AND EXISTS (SELECT FROM unnest(boxes) AS b (around) WHERE ST_Intersects(geom, b.around))
                AND (%s) ORDER BY id LIMIT most
        $body$
    $create$, path, found_row);
END $do$;
