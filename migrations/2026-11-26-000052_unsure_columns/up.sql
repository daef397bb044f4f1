-- A column stands as far away from where it is recorded as its position is not known: so far outside a zone it may count for the quota
-- of that, and so far from a place it may be too near. What changed was looked for in zones widened by some 11 m, whatever its accuracy,
-- and round a place no farther than the widest clearance. By boxes in degrees, which hold more: whoever finds something looks once more.
DROP FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date);
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
        CREATE FUNCTION in_the_way(places text[], spots geometry[], sinces bigint[], unsures double precision[], reach double precision, widest double precision, worst double precision, far double precision, on_day date)
        RETURNS TABLE (id uuid, why text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            WITH held AS MATERIALIZED (
                -- A degree of longitude in metres is at least so many wherever a column may stand that counts for the zone.
                SELECT ST_Envelope(z.geom) AS box,
                    110000 * greatest(0.01, cos(radians(least(90, 0.2 + greatest(abs(ST_YMax(z.geom)), abs(ST_YMin(z.geom))))))) AS per_degree
                FROM unnest(places, spots) AS k (place, spot)
                JOIN reference_features AS z ON z.jurisdiction = k.place AND z.kind = 'zone' AND ST_DWithin(z.geom_grid, k.spot, reach)
            )
            SELECT w.id, w.why FROM unnest(places, spots, sinces, unsures) AS k (place, spot, since, unsure) CROSS JOIN LATERAL (
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
                WHERE w.jurisdiction = k.place AND w.revision > k.since AND ST_DWithin(w.geom_grid, k.spot, reach + greatest(widest, worst))
                    AND ST_DWithin(w.geom_grid, k.spot, reach + greatest(widest, coalesce(w.position_accuracy_m, k.unsure)))
                UNION ALL
                SELECT h.id, 'changed' FROM works_history AS h
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND ST_DWithin(h.geom_grid, k.spot, reach + greatest(widest, worst))
                    AND ST_DWithin(h.geom_grid, k.spot, reach + greatest(widest, coalesce(h.position_accuracy_m, k.unsure)))
                UNION ALL
                SELECT r.id, 'changed' FROM reference_features AS r
                WHERE r.jurisdiction = k.place AND r.revision > k.since AND ST_DWithin(r.geom_grid, k.spot, far)
                UNION ALL
                SELECT h.id, 'changed' FROM reference_features_history AS h
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since AND ST_DWithin(h.geom_grid, k.spot, far)
                UNION ALL
                SELECT m.id, 'changed' FROM held AS z JOIN works AS m ON m.geom && ST_Expand(z.box, 0.0001 + worst / z.per_degree)
                WHERE m.jurisdiction = k.place AND m.revision > k.since
                    AND m.geom && ST_Expand(z.box, 0.0001 + coalesce(m.position_accuracy_m, k.unsure) / z.per_degree)
                UNION ALL
                SELECT h.id, 'changed' FROM held AS z JOIN works_history AS h ON h.geom && ST_Expand(z.box, 0.0001 + worst / z.per_degree)
                WHERE h.jurisdiction = k.place AND h.ended_revision > k.since
                    AND h.geom && ST_Expand(z.box, 0.0001 + coalesce(h.position_accuracy_m, k.unsure) / z.per_degree)
                UNION ALL
                SELECT r.id, 'changed' FROM held AS z JOIN reference_features AS r ON r.geom && ST_Expand(z.box, 0.0001)
                WHERE r.jurisdiction = k.place AND r.revision > k.since AND r.kind = 'site_request'
                    AND lower(btrim(r.class)) = 'permitted'
                UNION ALL
                SELECT h.id, 'changed' FROM held AS z JOIN reference_features_history AS h ON h.geom && ST_Expand(z.box, 0.0001)
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
COMMENT ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision[], double precision, double precision, double precision, double precision, date) IS 'Corridors of some jurisdictions that block a place on a day, and whatever changed after a revision of each within a reach of it or in a zone that may hold it, columns as far away as their position is not known (where it states nothing, that of the jurisdiction; none is worse than the worst), or of reference features farther away';
REVOKE ALL ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision[], double precision, double precision, double precision, double precision, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision[], double precision, double precision, double precision, double precision, date) TO clearway_service;
