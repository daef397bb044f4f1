ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password'));
DELETE FROM rule_parameters WHERE unit = 'minute';
ALTER TABLE rule_parameters DROP CONSTRAINT rule_parameters_unit_known;
ALTER TABLE rule_parameters ADD CONSTRAINT rule_parameters_unit_known CHECK (unit IN ('m', 'km', 'm2', 'deg', 'kv', 'w', 'w_m2', 'mhz', 'vnd', 'day', 'working_day', 'month', 'year', 'count', 'ratio'));
DO $do$
DECLARE
    -- What was added to the view was added at its end.
    whole constant text := pg_get_viewdef('versions'::regclass);
    before constant text := split_part(whole, 'FROM calendars c', 1);
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW versions AS ' || regexp_replace(before, '\s*UNION ALL\s+SELECT((?!UNION ALL).)*$', '');
END $do$;
DROP FUNCTION version_digest(calendars);
DROP FUNCTION version_digest(calendars_history);
DROP TABLE calendar_days_history;
DROP TABLE calendars_history;
DROP TABLE calendar_days;
DROP TABLE calendars;
