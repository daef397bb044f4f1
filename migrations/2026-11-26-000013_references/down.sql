DELETE FROM coverage_areas WHERE kind IS NOT NULL;
CREATE OR REPLACE FUNCTION version_digest(a coverage_areas_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(a.jurisdiction, a.id, a.layer, a.source, a.as_of, a.geom, a.geom_grid)::text, 'UTF8'))
$$;
ALTER TABLE coverage_areas DROP CONSTRAINT coverage_areas_kind_of_references;
ALTER TABLE coverage_areas DROP COLUMN kind;
ALTER TABLE coverage_areas_history DROP COLUMN kind;
DO $do$
DECLARE
    -- As the policies of the other layers.
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION features_meeting(layer text, places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %s AS $body$
        BEGIN
            IF layer NOT IN ('works', 'corridors') THEN
                RAISE EXCEPTION 'no layer with a visibility: %%', layer;
            END IF;
            RETURN QUERY EXECUTE format(
                'SELECT id FROM %%I WHERE jurisdiction = ANY ($1) AND ($3 IS NULL OR id > $3) AND (%%s) AND (%%s) ORDER BY id LIMIT $4',
                layer, %L,
                (SELECT string_agg(format('ST_Intersects(geom, $2[%%s])', n), ' OR ') FROM generate_subscripts(boxes, 1) AS n)
            ) USING places, boxes, after, most;
        END $body$
    $create$, path, seen_row);
END $do$;
CREATE OR REPLACE VIEW versions AS
    SELECT jurisdiction, id, revision, NULL::bigint AS ended_revision, version_digest(w) AS digest FROM works AS w
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(w) FROM works_history AS w
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(c) FROM corridors AS c
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(c) FROM corridors_history AS c
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(a) FROM coverage_areas AS a
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(a) FROM coverage_areas_history AS a
    UNION ALL
    SELECT jurisdiction, '00000000-0000-0000-0000-000000000000', revision, NULL, version_digest(p) FROM rule_packs AS p
    UNION ALL
    SELECT jurisdiction, '00000000-0000-0000-0000-000000000000', revision, ended_revision, version_digest(p)
    FROM rule_packs_history AS p
    UNION ALL
    SELECT code, '00000000-0000-0000-0000-000000000000', 1, NULL, version_digest(j) FROM jurisdictions AS j;
DROP FUNCTION version_digest(reference_features);
DROP FUNCTION version_digest(reference_features_history);
DROP TABLE reference_features_history;
DROP TABLE reference_features;
