DROP FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date);
DROP FUNCTION zones_touched(uuid, text[], bigint[], double precision, double precision, double precision, text[], double precision[], date, date);
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION zones_touched(place text, drawn uuid, since bigint, near double precision) RETURNS TABLE (zone uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            WITH changed AS (
                SELECT geom_grid, 0::double precision AS within FROM works WHERE jurisdiction = $1 AND revision > $3
                UNION ALL
                SELECT geom_grid, 0 FROM works_history WHERE jurisdiction = $1 AND ended_revision > $3
                UNION ALL
                SELECT geom_grid, CASE kind WHEN 'runway' THEN 4 * $4 ELSE $4 END FROM reference_features
                WHERE jurisdiction = $1 AND revision > $3 AND kind <> 'site_request'
                UNION ALL
                SELECT geom_grid, CASE kind WHEN 'runway' THEN 4 * $4 ELSE $4 END FROM reference_features_history
                WHERE jurisdiction = $1 AND ended_revision > $3 AND kind <> 'site_request'
            )
            SELECT DISTINCT z.id FROM changed AS c
            JOIN zones AS z ON z.jurisdiction = $1 AND z.plan = $2 AND z.geom_grid && ST_Expand(c.geom_grid, c.within)
            WHERE ST_DWithin(z.geom_grid, c.geom_grid, c.within)
        $body$
    $create$, path);
    EXECUTE format($create$
        CREATE FUNCTION in_the_way(place text, spot geometry, reach double precision, widest double precision, far double precision, on_day date, since bigint)
        RETURNS TABLE (id uuid, why text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT c.id, 'blocks' FROM corridors AS c
            WHERE c.jurisdiction = place AND ST_DWithin(c.geom_grid, spot, reach + widest)
                AND ST_DWithin(c.geom_grid, spot, coalesce(c.clearance_m, 0))
                AND c.status IN ('in_force', 'handed_over')
                AND (c.in_force_from IS NULL OR c.in_force_from <= on_day) AND (c.in_force_to IS NULL OR on_day <= c.in_force_to)
            UNION ALL
            SELECT c.id, 'changed' FROM corridors AS c
            WHERE c.jurisdiction = place AND c.revision > since AND ST_DWithin(c.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT h.id, 'changed' FROM corridors_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT w.id, 'changed' FROM works AS w
            WHERE w.jurisdiction = place AND w.revision > since AND ST_DWithin(w.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT h.id, 'changed' FROM works_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT r.id, 'changed' FROM reference_features AS r
            WHERE r.jurisdiction = place AND r.revision > since AND ST_DWithin(r.geom_grid, spot, far)
            UNION ALL
            SELECT h.id, 'changed' FROM reference_features_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, far)
            UNION ALL
            SELECT NULL::uuid, 'rules' FROM rule_packs AS p WHERE p.jurisdiction = place AND p.revision > since
            UNION ALL
            SELECT a.id, 'coverage' FROM coverage_areas AS a WHERE a.jurisdiction = place AND a.revision > since
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION zones_touched(text, uuid, bigint, double precision) IS 'Zones of a plan near which a work or a reference feature changed after a revision';
COMMENT ON FUNCTION in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) IS 'Corridors that block a place on a day, and whatever changed after a revision within a reach of it, or of reference features farther away';
REVOKE ALL ON FUNCTION zones_touched(text, uuid, bigint, double precision), in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zones_touched(text, uuid, bigint, double precision), in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) TO clearway_service;
CREATE OR REPLACE FUNCTION version_digest(e plan_events) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        e.jurisdiction, e.plan, e.seq, e.event, e.from_state, e.to_state, e.actor, e.organisation, e.at AT TIME ZONE 'UTC', e.reason, e.data
    )::text, 'UTF8'))
$$;
CREATE OR REPLACE FUNCTION version_digest(c plan_checks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        c.jurisdiction, c.id, c.plan, c.zones_digest, c.at AT TIME ZONE 'UTC', c.day, c.recorded_at AT TIME ZONE 'UTC', c.looked_at, c.actor,
        c.organisation, c.verdict, c.zones, c.warned, c.blocked_zones, c.blocked_codes, c.met_zones, c.met_corridors, c.shown_layers,
        c.shown_jurisdictions, c.shown_ids, sha256(convert_to(c.document, 'UTF8')), c.hash
    )::text, 'UTF8'))
$$;
ALTER TABLE plan_events DROP COLUMN checked_again;
ALTER TABLE plan_checks DROP COLUMN said;
ALTER TABLE plan_checks DROP COLUMN said_zones;
ALTER TABLE plan_checks DROP COLUMN seen_revisions;
ALTER TABLE plan_checks DROP COLUMN seen_jurisdictions;
ALTER TABLE plan_checks DROP COLUMN reach_m;
