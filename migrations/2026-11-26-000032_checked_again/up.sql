-- What a decision rests on is looked at again under the lock: of a plan the zones near which something changed, of either what the
-- neighbours changed, too.

ALTER TABLE plan_checks ADD COLUMN reach_m double precision;
ALTER TABLE plan_checks ADD COLUMN seen_jurisdictions text[];
ALTER TABLE plan_checks ADD COLUMN seen_revisions bigint[];
ALTER TABLE plan_checks ADD COLUMN said_zones uuid[];
ALTER TABLE plan_checks ADD COLUMN said text[];
COMMENT ON COLUMN plan_checks.reach_m IS 'How far round its zones it looked for what brings no reach of its own, m; null with what follows: of a check kept before that was';
COMMENT ON COLUMN plan_checks.seen_revisions IS 'The revision of each jurisdiction in seen_jurisdictions that it looked at';
COMMENT ON COLUMN plan_checks.said IS 'What each check said of a zone in said_zones, with what blocks it: what another one is compared with';
ALTER TABLE plan_events ADD COLUMN checked_again uuid[];
COMMENT ON COLUMN plan_events.checked_again IS 'The zones that were checked again under the lock, for something near them had changed since the check; null: the step rests on none';

-- Of what was kept before, the digest stays.
CREATE OR REPLACE FUNCTION version_digest(e plan_events) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN e.checked_again IS NULL THEN sha256(convert_to(ROW(
        e.jurisdiction, e.plan, e.seq, e.event, e.from_state, e.to_state, e.actor, e.organisation, e.at AT TIME ZONE 'UTC', e.reason, e.data
    )::text, 'UTF8')) ELSE sha256(convert_to(ROW(
        e.jurisdiction, e.plan, e.seq, e.event, e.from_state, e.to_state, e.actor, e.organisation, e.at AT TIME ZONE 'UTC', e.reason, e.data,
        e.checked_again
    )::text, 'UTF8')) END
$$;
CREATE OR REPLACE FUNCTION version_digest(c plan_checks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.reach_m IS NULL THEN sha256(convert_to(ROW(
        c.jurisdiction, c.id, c.plan, c.zones_digest, c.at AT TIME ZONE 'UTC', c.day, c.recorded_at AT TIME ZONE 'UTC', c.looked_at, c.actor,
        c.organisation, c.verdict, c.zones, c.warned, c.blocked_zones, c.blocked_codes, c.met_zones, c.met_corridors, c.shown_layers,
        c.shown_jurisdictions, c.shown_ids, sha256(convert_to(c.document, 'UTF8')), c.hash
    )::text, 'UTF8')) ELSE sha256(convert_to(ROW(
        c.jurisdiction, c.id, c.plan, c.zones_digest, c.at AT TIME ZONE 'UTC', c.day, c.recorded_at AT TIME ZONE 'UTC', c.looked_at, c.actor,
        c.organisation, c.verdict, c.zones, c.warned, c.blocked_zones, c.blocked_codes, c.met_zones, c.met_corridors, c.shown_layers,
        c.shown_jurisdictions, c.shown_ids, sha256(convert_to(c.document, 'UTF8')), c.hash, c.reach_m, c.seen_jurisdictions, c.seen_revisions,
        c.said_zones, c.said
    )::text, 'UTF8')) END
$$;

DROP FUNCTION zones_touched(text, uuid, bigint, double precision);
DROP FUNCTION in_the_way(text, geometry, double precision, double precision, double precision, date, bigint);
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    -- Whoever sees it. The first of the places is where the plan is; what neighbours have is kept on other grids, so it is looked for
    -- by boxes in degrees, which hold more. Of requests only those that were granted say something of an area.
    EXECUTE format($create$
        CREATE FUNCTION zones_touched(drawn uuid, places text[], sinces bigint[], reach double precision, ruled double precision, widest double precision, kinds text[], reaches double precision[], from_day date, to_day date)
        RETURNS TABLE (zone uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            WITH asked AS (
                SELECT place, since, n = 1 AS home, CASE n WHEN 1 THEN reach + ruled ELSE reach + widest END AS unless_own
                FROM unnest(places, sinces) WITH ORDINALITY AS p (place, since, n)
            ), changed AS (
                SELECT a.home, w.geom, w.geom_grid, 0::double precision AS within FROM asked AS a
                JOIN works AS w ON w.jurisdiction = a.place AND w.revision > a.since
                UNION ALL
                SELECT a.home, w.geom, w.geom_grid, 0 FROM asked AS a
                JOIN works_history AS w ON w.jurisdiction = a.place AND w.ended_revision > a.since
                UNION ALL
                SELECT a.home, c.geom, c.geom_grid, coalesce(reach + c.clearance_m, a.unless_own) FROM asked AS a
                JOIN corridors AS c ON c.jurisdiction = a.place AND c.revision > a.since
                UNION ALL
                SELECT a.home, c.geom, c.geom_grid, coalesce(reach + c.clearance_m, a.unless_own) FROM asked AS a
                JOIN corridors_history AS c ON c.jurisdiction = a.place AND c.ended_revision > a.since
                UNION ALL
                SELECT a.home, r.geom, r.geom_grid, reach + k.own FROM asked AS a
                JOIN reference_features AS r ON r.jurisdiction = a.place AND r.revision > a.since
                JOIN unnest(kinds, reaches) AS k (kind, own) ON k.kind = r.kind AND (r.kind <> 'site_request' OR r.class = 'permitted')
                UNION ALL
                SELECT a.home, r.geom, r.geom_grid, reach + k.own FROM asked AS a
                JOIN reference_features_history AS r ON r.jurisdiction = a.place AND r.ended_revision > a.since
                JOIN unnest(kinds, reaches) AS k (kind, own) ON k.kind = r.kind AND (r.kind <> 'site_request' OR r.class = 'permitted')
                -- What begins or ends by its day.
                UNION ALL
                SELECT a.home, w.geom, w.geom_grid, 0 FROM asked AS a JOIN works AS w ON w.jurisdiction = a.place
                WHERE from_day < to_day
                    AND (w.valid_from > from_day AND w.valid_from <= to_day OR w.valid_to >= from_day AND w.valid_to < to_day)
                UNION ALL
                SELECT a.home, c.geom, c.geom_grid, coalesce(reach + c.clearance_m, a.unless_own) FROM asked AS a
                JOIN corridors AS c ON c.jurisdiction = a.place
                WHERE from_day < to_day AND (c.in_force_from > from_day AND c.in_force_from <= to_day
                    OR c.in_force_to >= from_day AND c.in_force_to < to_day)
                UNION ALL
                SELECT a.home, r.geom, r.geom_grid, reach + k.own FROM asked AS a
                JOIN reference_features AS r ON r.jurisdiction = a.place
                JOIN unnest(kinds, reaches) AS k (kind, own) ON k.kind = r.kind AND (r.kind <> 'site_request' OR r.class = 'permitted')
                WHERE from_day < to_day
                    AND (r.valid_from > from_day AND r.valid_from <= to_day OR r.valid_to >= from_day AND r.valid_to < to_day)
            )
            SELECT z.id FROM zones AS z WHERE z.jurisdiction = places[1] AND z.plan = drawn AND (
                EXISTS (SELECT FROM rule_packs AS p JOIN asked AS a ON a.place = p.jurisdiction WHERE p.revision > a.since)
                OR EXISTS (SELECT FROM rule_packs_history AS p JOIN asked AS a ON a.place = p.jurisdiction WHERE p.ended_revision > a.since)
                OR EXISTS (SELECT FROM coverage_areas AS p JOIN asked AS a ON a.place = p.jurisdiction WHERE p.revision > a.since)
                OR EXISTS (SELECT FROM coverage_areas_history AS p JOIN asked AS a ON a.place = p.jurisdiction WHERE p.ended_revision > a.since)
            )
            UNION
            SELECT z.id FROM changed AS c
            JOIN zones AS z ON z.jurisdiction = places[1] AND z.plan = drawn AND z.geom_grid && ST_Expand(c.geom_grid, c.within)
            WHERE c.home AND ST_DWithin(z.geom_grid, c.geom_grid, c.within)
            UNION
            SELECT z.id FROM changed AS c
            JOIN zones AS z ON z.jurisdiction = places[1] AND z.plan = drawn AND z.geom && ST_Expand(
                c.geom,
                (c.within + 1) / (100000 * greatest(cos(radians(greatest(abs(ST_YMin(c.geom)), abs(ST_YMax(c.geom))) + 1)), 0.01)),
                (c.within + 1) / 110000
            )
            WHERE NOT c.home
        $body$
    $create$, path);
    -- No function of PostGIS is leakproof, and who decides may see less than what stands in the way: by the rights of the owner,
    -- ids and words alone. The constant radius comes first, for one that differs by row uses no index.
    EXECUTE format($create$
        CREATE FUNCTION in_the_way(places text[], spots geometry[], sinces bigint[], reach double precision, widest double precision, far double precision, on_day date)
        RETURNS TABLE (id uuid, why text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
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
COMMENT ON FUNCTION zones_touched(uuid, text[], bigint[], double precision, double precision, double precision, text[], double precision[], date, date) IS 'Zones of a plan near which something changed after the revisions of some jurisdictions, or comes in force or ends between two days; all of them where rules or coverage changed';
COMMENT ON FUNCTION in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) IS 'Corridors of some jurisdictions that block a place on a day, and whatever changed after a revision of each within a reach of it, or of reference features farther away';
REVOKE ALL ON FUNCTION zones_touched(uuid, text[], bigint[], double precision, double precision, double precision, text[], double precision[], date, date), in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zones_touched(uuid, text[], bigint[], double precision, double precision, double precision, text[], double precision[], date, date), in_the_way(text[], geometry[], bigint[], double precision, double precision, double precision, date) TO clearway_service;
