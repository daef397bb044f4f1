-- What kept site checks rest on, so that what is hidden later is hidden in them, too; and their digests among the versions, so
-- that none is changed, forged or deleted unnoticed.

ALTER TABLE site_checks ADD COLUMN ground_layers text[];
ALTER TABLE site_checks ADD COLUMN ground_jurisdictions text[];
ALTER TABLE site_checks ADD COLUMN ground_ids uuid[];
COMMENT ON COLUMN site_checks.ground_ids IS 'Every feature that the findings rest on, listed or not, with their layers and jurisdictions; null where it was kept before that was known';

ALTER TABLE site_check_marks ADD COLUMN ground_layers text[];
ALTER TABLE site_check_marks ADD COLUMN ground_jurisdictions text[];
ALTER TABLE site_check_marks ADD COLUMN ground_ids uuid[];
ALTER TABLE site_check_marks ADD COLUMN shown_layers text[] NOT NULL DEFAULT '{}';
ALTER TABLE site_check_marks ADD COLUMN shown_jurisdictions text[] NOT NULL DEFAULT '{}';
ALTER TABLE site_check_marks ADD COLUMN shown_ids uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE site_check_marks ADD COLUMN hidden_cells text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN site_check_marks.ground_ids IS 'Every feature that the findings rest on now, as of the run';
COMMENT ON COLUMN site_check_marks.shown_ids IS 'Those of them that were restricted, with their layers and jurisdictions';
COMMENT ON COLUMN site_check_marks.hidden_cells IS 'The cells in which something is hidden from the asker that the answer of now tells of: jurisdiction, source, column and row';

-- Runs that could not be answered again when they should have been: they are tried again.
CREATE TABLE site_check_unanswered (
    jurisdiction text NOT NULL,
    run uuid NOT NULL,
    failed_at timestamptz NOT NULL,
    CONSTRAINT site_check_unanswered_pkey PRIMARY KEY (jurisdiction, run),
    CONSTRAINT site_check_unanswered_run_fkey FOREIGN KEY (jurisdiction, run) REFERENCES site_checks (jurisdiction, id)
);
COMMENT ON TABLE site_check_unanswered IS 'Runs that could not be answered again, to be tried once more';
GRANT SELECT, INSERT, DELETE ON site_check_unanswered TO clearway_service;

-- The organisation that asked, and whoever sees what is restricted in every jurisdiction that was looked at: what the asker saw
-- because it is his own, nobody else sees by the visibilities that he sees.
DO $do$
DECLARE
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR '* restricted' = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR ((jurisdiction || ' restricted') = ANY ((SELECT seen())::text[]) AND NOT EXISTS (
            SELECT FROM jsonb_object_keys(revisions) AS looked (code)
            WHERE (code || ' restricted') <> ALL ((SELECT seen())::text[])
        ))
    $policy$;
BEGIN
    EXECUTE format('ALTER POLICY seen ON site_checks USING (%s) WITH CHECK (%s)', seen_row, seen_row);
END $do$;

-- No text of a moment, a day or bytes depends on a setting of whoever asks.
CREATE FUNCTION version_digest(s site_checks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        s.jurisdiction, s.id, s.name, s.lonlat, s.geom_grid, s.reach_m, s.subject, extract(epoch FROM s.at),
        to_char(s.day, 'YYYY-MM-DD'), extract(epoch FROM s.recorded_at), s.revisions, s.pack_name, s.pack_version,
        s.pack_digest, s.actor, s.organisation, s.roles, s.jurisdictions, s.told_by_budget, s.codes, s.verdicts,
        (SELECT string_agg(encode(d.digest, 'hex'), ' ' ORDER BY d.n) FROM unnest(s.digests) WITH ORDINALITY AS d (digest, n)),
        s.shown_layers, s.shown_jurisdictions, s.shown_ids, s.ground_layers, s.ground_jurisdictions, s.ground_ids,
        s.document, encode(s.hash, 'hex')
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(w site_check_waivers) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        w.jurisdiction, w.run, w.code, w.actor, w.organisation, w.role, w.reason, extract(epoch FROM w.recorded_at)
    )::text, 'UTF8'))
$$;
CREATE INDEX site_check_waivers_revision_idx ON site_check_waivers (jurisdiction, revision);

-- A run or a waiver whose event says nothing of versions is older than this; of a run that event has the hash.
CREATE OR REPLACE VIEW versions AS
    SELECT jurisdiction, id, revision, NULL::bigint AS ended_revision, version_digest(w) AS digest FROM works AS w
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(w) FROM works_history AS w
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(c) FROM corridors AS c
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(c) FROM corridors_history AS c
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(r) FROM reference_features AS r
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(r) FROM reference_features_history AS r
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
    SELECT code, '00000000-0000-0000-0000-000000000000', 1, NULL, version_digest(j) FROM jurisdictions AS j
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(s) FROM site_checks AS s WHERE NOT EXISTS (
        SELECT FROM audit_events AS e WHERE e.jurisdiction = s.jurisdiction AND e.revision = s.revision
            AND e.after IS NULL AND e.detail->>'what' = 'site_checks'
    )
    UNION ALL
    SELECT jurisdiction, run, revision, NULL, version_digest(w) FROM site_check_waivers AS w WHERE NOT EXISTS (
        SELECT FROM audit_events AS e WHERE e.jurisdiction = w.jurisdiction AND e.revision = w.revision
            AND e.after IS NULL AND e.detail->>'what' = 'site_check_waiver'
    );
