ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password'));
DELETE FROM rule_parameters WHERE unit = 'minute';
ALTER TABLE rule_parameters DROP CONSTRAINT rule_parameters_unit_known;
ALTER TABLE rule_parameters ADD CONSTRAINT rule_parameters_unit_known CHECK (unit IN ('m', 'km', 'm2', 'deg', 'kv', 'w', 'w_m2', 'mhz', 'vnd', 'day', 'working_day', 'month', 'year', 'count', 'ratio'));
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
DROP FUNCTION version_digest(calendars);
DROP FUNCTION version_digest(calendars_history);
DROP TABLE calendar_days_history;
DROP TABLE calendars_history;
DROP TABLE calendar_days;
DROP TABLE calendars;
