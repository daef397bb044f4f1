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
    SELECT code, '00000000-0000-0000-0000-000000000000', 1, NULL, version_digest(j) FROM jurisdictions AS j;
DROP INDEX site_check_waivers_revision_idx;
DROP FUNCTION version_digest(site_check_waivers);
DROP FUNCTION version_digest(site_checks);
DO $do$
DECLARE
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR '* restricted' = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' restricted') = ANY ((SELECT seen())::text[])
    $policy$;
BEGIN
    EXECUTE format('ALTER POLICY seen ON site_checks USING (%s) WITH CHECK (%s)', seen_row, seen_row);
END $do$;
DROP TABLE site_check_unanswered;
ALTER TABLE site_check_marks DROP COLUMN hidden_cells;
ALTER TABLE site_check_marks DROP COLUMN shown_ids;
ALTER TABLE site_check_marks DROP COLUMN shown_jurisdictions;
ALTER TABLE site_check_marks DROP COLUMN shown_layers;
ALTER TABLE site_check_marks DROP COLUMN ground_ids;
ALTER TABLE site_check_marks DROP COLUMN ground_jurisdictions;
ALTER TABLE site_check_marks DROP COLUMN ground_layers;
ALTER TABLE site_checks DROP COLUMN ground_ids;
ALTER TABLE site_checks DROP COLUMN ground_jurisdictions;
ALTER TABLE site_checks DROP COLUMN ground_layers;
