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
ALTER TABLE plan_checks DROP COLUMN holds_in;
ALTER TABLE plan_checks DROP COLUMN roles;
