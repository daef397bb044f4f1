-- Calendars: the days on which the offices of a jurisdiction work; the unit of an hour in the rules, and the deed of a case.

CREATE TABLE calendars (
    jurisdiction text NOT NULL CONSTRAINT calendars_jurisdiction_fkey REFERENCES jurisdictions (code),
    name text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL,
    weekly_days_off text[] NOT NULL CONSTRAINT calendars_weekly_days_off_known CHECK (weekly_days_off <@ ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']),
    first_year smallint NOT NULL,
    last_year smallint NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT calendars_pkey PRIMARY KEY (jurisdiction),
    CONSTRAINT calendars_years CHECK (first_year <= last_year)
);
COMMENT ON TABLE calendars IS 'The calendar by which the offices of a jurisdiction count working days; one at a time';
COMMENT ON COLUMN calendars.version IS 'The same name and version never stand for two contents';
COMMENT ON COLUMN calendars.digest IS 'SHA-256 of the file, hexadecimal';
COMMENT ON COLUMN calendars.first_year IS 'The first year it speaks for; of those before it and after last_year it says nothing';
COMMENT ON COLUMN calendars.revision IS 'Revision of the jurisdiction in which it was set';

CREATE TABLE calendar_days (
    jurisdiction text NOT NULL CONSTRAINT calendar_days_calendar_fkey REFERENCES calendars (jurisdiction) ON DELETE CASCADE,
    day date NOT NULL,
    working boolean NOT NULL,
    name_vi text NOT NULL,
    name_en text NOT NULL,
    document text,
    article text,
    confidence text NOT NULL CONSTRAINT calendar_days_confidence_known CHECK (confidence IN ('law', 'default', 'check')),
    note text,
    CONSTRAINT calendar_days_pkey PRIMARY KEY (jurisdiction, day)
);
COMMENT ON TABLE calendar_days IS 'The days of which the calendar of a jurisdiction says something';
COMMENT ON COLUMN calendar_days.working IS 'It is worked on, though it is a day of the week that is off; else it is off';
COMMENT ON COLUMN calendar_days.document IS 'The document it stands in; null where nobody looked it up';
COMMENT ON COLUMN calendar_days.confidence IS 'law: read in the document; default: our own choice; check: somebody has to look it up';

CREATE TABLE calendars_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE calendars);
ALTER TABLE calendars_history ADD CONSTRAINT calendars_history_pkey PRIMARY KEY (jurisdiction, ended_revision);
COMMENT ON TABLE calendars_history IS 'Calendars that others took the place of';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON calendars FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE calendar_days_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE calendar_days);
ALTER TABLE calendar_days_history ADD CONSTRAINT calendar_days_history_pkey PRIMARY KEY (jurisdiction, ended_revision, day);
COMMENT ON TABLE calendar_days_history IS 'Days of the calendars in calendars_history';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON calendar_days FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE FUNCTION version_digest(c calendars_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        c.jurisdiction, c.name, c.version, c.digest, c.weekly_days_off, c.first_year, c.last_year
    )::text || coalesce(string_agg(ROW(
        d.day, d.working, d.name_vi, d.name_en, d.document, d.article, d.confidence, d.note
    )::text, '' ORDER BY d.day), ''), 'UTF8'))
    FROM calendar_days_history AS d WHERE d.jurisdiction = c.jurisdiction AND d.ended_revision = c.ended_revision
$$;
CREATE FUNCTION version_digest(c calendars) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        c.jurisdiction, c.name, c.version, c.digest, c.weekly_days_off, c.first_year, c.last_year
    )::text || coalesce(string_agg(ROW(
        d.day, d.working, d.name_vi, d.name_en, d.document, d.article, d.confidence, d.note
    )::text, '' ORDER BY d.day), ''), 'UTF8'))
    FROM calendar_days AS d WHERE d.jurisdiction = c.jurisdiction
$$;

DO $do$
BEGIN
    -- Whatever registers versions stands in this view, whichever migration added it.
    EXECUTE 'CREATE OR REPLACE VIEW versions AS ' || rtrim(pg_get_viewdef('versions'::regclass), E'; \n') || $view$
        UNION ALL
        SELECT jurisdiction, '00000000-0000-0000-0000-000000000000', revision, NULL, version_digest(c) FROM calendars AS c
        UNION ALL
        SELECT jurisdiction, '00000000-0000-0000-0000-000000000000', revision, ended_revision, version_digest(c) FROM calendars_history AS c
    $view$;
END $do$;

GRANT SELECT, INSERT, DELETE ON calendars, calendar_days TO clearway_service;
GRANT SELECT ON calendars_history, calendar_days_history TO clearway_service;

ALTER TABLE rule_parameters DROP CONSTRAINT rule_parameters_unit_known;
ALTER TABLE rule_parameters ADD CONSTRAINT rule_parameters_unit_known CHECK (unit IN ('m', 'km', 'm2', 'deg', 'kv', 'w', 'w_m2', 'mhz', 'vnd', 'minute', 'day', 'working_day', 'month', 'year', 'count', 'ratio'));

ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password', 'step'));
