DROP FUNCTION in_the_way(text[], geometry[], bigint[], double precision[], double precision, double precision, double precision, double precision, date);
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    -- No function of PostGIS is leakproof, and who decides may see less than what stands in the way: by the rights of the owner,
    -- ids and words alone. The constant radius comes first, for one that differs by row uses no index.
    EXECUTE format($create$
        CREATE FUNCTION in_the_way(places text[], spots geometry[], sinces bigint[], reach double precision, widest double precision, far double precision, on_day date)
        RETURNS TABLE (id uuid, why text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            WITH held AS MATERIALIZED (
                SELECT ST_Expand(ST_Envelope(z.geom), 0.0001) AS box FROM unnest(places, spots) AS k (place, spot)
                JOIN reference_features AS z ON z.jurisdiction = k.place AND z.kind = 'zone' AND ST_DWithin(z.geom_grid, k.spot, reach)
            )
            SELECT w.id, w.why FROM unnest(places, spots, sinces) AS k (place, spot, since) CROSS JOIN LATERAL (
                SELECT c.id, 'blocks' AS why FROM corridors AS c
                WHERE c.jurisdiction = k.place AND ST_DWithin(c.geom_grid, k.spot, reach + widest)
                    AND ST_DWithin(c.geom_grid, k.spot, coalesce(c.clearance_m, 0))
                    AND c.status IN ('in_force', 'handed_over')
                    AND (c.in_force_from IS NULL OR c.in_force_from <= on_day) AND (c.in_force_to IS NULL OR on_day <= c.in_force_to)
                UNION ALL
                SELECT c.id, 'changed' FROM corridors AS c
                WHERE c.jurisdiction = k.place AND c.revision > k.since AND ST_DWithin(c.geom_grid, k.spot, reach + widest)
                UNION ALL
                SELECT h.id, 'changed' FROM corridors_history AS h
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND ST_DWithin(h.geom_grid, k.spot, reach + widest)
                UNION ALL
                SELECT w.id, 'changed' FROM works AS w
                WHERE w.jurisdiction = k.place AND w.revision > k.since AND ST_DWithin(w.geom_grid, k.spot, reach + widest)
                UNION ALL
                SELECT h.id, 'changed' FROM works_history AS h
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND ST_DWithin(h.geom_grid, k.spot, reach + widest)
                UNION ALL
                SELECT r.id, 'changed' FROM reference_features AS r
                WHERE r.jurisdiction = k.place AND r.revision > k.since AND ST_DWithin(r.geom_grid, k.spot, far)
                UNION ALL
                SELECT h.id, 'changed' FROM reference_features_history AS h
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND ST_DWithin(h.geom_grid, k.spot, far)
                UNION ALL
                SELECT m.id, 'changed' FROM held AS z JOIN works AS m ON m.geom && z.box
                WHERE m.jurisdiction = k.place AND m.revision > k.since
                UNION ALL
                SELECT h.id, 'changed' FROM held AS z JOIN works_history AS h ON h.geom && z.box
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since
                UNION ALL
                SELECT r.id, 'changed' FROM held AS z JOIN reference_features AS r ON r.geom && z.box
                WHERE r.jurisdiction = k.place AND r.revision > k.since AND r.kind = 'site_request'
                    AND lower(btrim(r.class)) = 'permitted'
                UNION ALL
                SELECT h.id, 'changed' FROM held AS z JOIN reference_features_history AS h ON h.geom && z.box
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND h.kind = 'site_request'
                    AND lower(btrim(h.class)) = 'permitted'
                UNION ALL
                SELECT NULL::uuid, 'rules' FROM rule_packs AS p WHERE p.jurisdiction = k.place AND p.revision > k.since
                UNION ALL
                SELECT a.id, 'coverage' FROM coverage_areas AS a WHERE a.jurisdiction = k.place AND a.revision > k.since
                UNION ALL
                SELECT a.id, 'coverage' FROM coverage_areas_history AS a
                WHERE a.jurisdiction = k.place AND a.ended_revision > k.since
            ) AS w
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) IS 'Corridors of some jurisdictions that block a place on a day, and whatever changed after a revision of each within a reach of it, or of reference features farther away';
REVOKE ALL ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) TO clearway_service;
