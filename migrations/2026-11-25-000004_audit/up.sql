-- What happened, for ever: audit events in a chain of hashes, and every version of every feature.

-- A chain of its own for what belongs to no jurisdiction: organisations, accounts, sessions, tokens.
ALTER TABLE revisions DROP CONSTRAINT revisions_jurisdiction_fkey;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_jurisdiction_fkey;
ALTER TABLE changes DROP CONSTRAINT changes_jurisdiction_fkey;
ALTER TABLE revisions ADD COLUMN recorded_at timestamptz;
ALTER TABLE revisions ADD COLUMN audit_hash bytea;
COMMENT ON TABLE revisions IS 'One counter for each jurisdiction, and one called access for what belongs to none; a row lock on it puts writes in commit order, without gaps';
COMMENT ON COLUMN revisions.recorded_at IS 'When this revision was recorded';
COMMENT ON COLUMN revisions.audit_hash IS 'Hash of the last event of the chain: the next one names it';

ALTER TABLE audit_events ADD COLUMN on_behalf_of text;
ALTER TABLE audit_events ADD COLUMN reason text;
ALTER TABLE audit_events ADD COLUMN before bytea;
ALTER TABLE audit_events ADD COLUMN after bytea;
ALTER TABLE audit_events ADD COLUMN previous bytea;
ALTER TABLE audit_events ADD COLUMN hash bytea;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_hashed CHECK ((hash IS NULL) = (previous IS NULL));
COMMENT ON COLUMN audit_events.jurisdiction IS 'The chain: a jurisdiction, or access';
COMMENT ON COLUMN audit_events.on_behalf_of IS 'The owner of what was written, where that is another organisation than the actor''s';
COMMENT ON COLUMN audit_events.reason IS 'Why, as the actor says';
COMMENT ON COLUMN audit_events.before IS 'SHA-256 over the digests of the versions that this event ended, by id; null where there are none';
COMMENT ON COLUMN audit_events.after IS 'The same of the versions that it began';
COMMENT ON COLUMN audit_events.previous IS 'Hash of the event before; zeros in the first. Null where the event is older than the chain';
COMMENT ON COLUMN audit_events.hash IS 'SHA-256 of the event in its canonical form (RFC 8785)';

CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay();

-- The version that ends goes to the table of the same name with _history, whatever statement ends it.
-- There the two columns stand in front, so that a column added to both tables stands in the same place.
CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %I SELECT r.revision, coalesce(r.recorded_at, clock_timestamp()), ($1).* FROM revisions AS r WHERE r.jurisdiction = $2',
        TG_TABLE_NAME || '_history'
    ) USING OLD, OLD.jurisdiction;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_history() IS 'Keeps the version that an update or a delete ends, with the revision that ends it';

CREATE TABLE works_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE works);
ALTER TABLE works_history ADD CONSTRAINT works_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
COMMENT ON TABLE works_history IS 'Versions of works that have ended: recorded from recorded_at to ended_at';
CREATE INDEX works_history_ended_idx ON works_history (jurisdiction, ended_revision);
CREATE INDEX works_history_revision_idx ON works_history (jurisdiction, revision);
CREATE INDEX works_history_id_idx ON works_history (id);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON works FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE corridors_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE corridors);
ALTER TABLE corridors_history ADD CONSTRAINT corridors_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
COMMENT ON TABLE corridors_history IS 'Versions of corridors that have ended: recorded from recorded_at to ended_at';
CREATE INDEX corridors_history_ended_idx ON corridors_history (jurisdiction, ended_revision);
CREATE INDEX corridors_history_revision_idx ON corridors_history (jurisdiction, revision);
CREATE INDEX corridors_history_id_idx ON corridors_history (id);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON corridors FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE coverage_areas_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE coverage_areas);
ALTER TABLE coverage_areas_history ADD CONSTRAINT coverage_areas_history_pkey PRIMARY KEY (jurisdiction, id, ended_revision);
COMMENT ON TABLE coverage_areas_history IS 'Coverage areas that were withdrawn';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON coverage_areas FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE rule_packs_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE rule_packs);
ALTER TABLE rule_packs_history ADD CONSTRAINT rule_packs_history_pkey PRIMARY KEY (jurisdiction, ended_revision);
COMMENT ON TABLE rule_packs_history IS 'Rule packs that others took the place of';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON rule_packs FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE rule_parameters_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE rule_parameters);
ALTER TABLE rule_parameters_history ADD CONSTRAINT rule_parameters_history_pkey PRIMARY KEY (jurisdiction, ended_revision, number);
COMMENT ON TABLE rule_parameters_history IS 'Parameters of the packs in rule_packs_history';
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON rule_parameters FOR EACH ROW EXECUTE FUNCTION keep_history();

-- What a version says, as one digest. Columns are named one by one: one that is added later is appended only where it is
-- not null, so that no digest of an older version changes.
CREATE FUNCTION version_digest(w works_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        w.jurisdiction, w.id, w.version, w.code, w.name, w.organisation, w.kind, w.status, w.column_class, w.height_agl_m,
        w.position_accuracy_m, w.capture_method, w.importance, w.visibility, w.tenants, w.spare_capacity, w.valid_from,
        w.valid_to, w.source, w.recorded_crs, w.recorded_geom, w.geom, w.geom_grid
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(w works) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, w.recorded_at, w.*)::works_history)
$$;
CREATE FUNCTION version_digest(c corridors_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        c.jurisdiction, c.id, c.version, c.code, c.name, c.kind, c.class, c.status, c.project, c.organisation, c.in_force_from,
        c.in_force_to, c.hand_over_on, c.clearance_m, c.half_width_left_m, c.half_width_right_m, c.visibility, c.source,
        c.recorded_crs, c.recorded_geom, c.centreline, c.centreline_grid, c.geom, c.geom_grid, c.voltage_kv
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(c corridors) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, c.recorded_at, c.*)::corridors_history)
$$;
CREATE FUNCTION version_digest(a coverage_areas_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(a.jurisdiction, a.id, a.layer, a.source, a.as_of, a.geom, a.geom_grid)::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(a coverage_areas) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, a.recorded_at, a.*)::coverage_areas_history)
$$;
CREATE FUNCTION version_digest(p rule_packs_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(p.jurisdiction, p.name, p.version, p.digest)::text || coalesce(string_agg(ROW(
        r.number, r.key, r.value, r.unit, r.corridor_kind, r.corridor_class, r.voltage_from_kv, r.voltage_to_kv, r.work_kind,
        r.document, r.article, r.valid_from, r.valid_to, r.confidence, r.note
    )::text, '' ORDER BY r.number), ''), 'UTF8'))
    FROM rule_parameters_history AS r WHERE r.jurisdiction = p.jurisdiction AND r.ended_revision = p.ended_revision
$$;
CREATE FUNCTION version_digest(p rule_packs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(p.jurisdiction, p.name, p.version, p.digest)::text || coalesce(string_agg(ROW(
        r.number, r.key, r.value, r.unit, r.corridor_kind, r.corridor_class, r.voltage_from_kv, r.voltage_to_kv, r.work_kind,
        r.document, r.article, r.valid_from, r.valid_to, r.confidence, r.note
    )::text, '' ORDER BY r.number), ''), 'UTF8'))
    FROM rule_parameters AS r WHERE r.jurisdiction = p.jurisdiction
$$;
CREATE FUNCTION version_digest(j jurisdictions) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        j.code, j.name_vi, j.name_en, j.grid_srid, j.time_zone, j.related_crs, j.boundary
    )::text, 'UTF8'))
$$;

-- What has one version at a time and no id of its own stands under the id of zeros.
CREATE VIEW versions AS
    SELECT jurisdiction, id, revision, NULL::bigint AS ended_revision, version_digest(w) AS digest FROM works AS w
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(w) FROM works_history AS w
    UNION ALL
    SELECT jurisdiction, id, revision, NULL, version_digest(c) FROM corridors AS c
    UNION ALL
    SELECT jurisdiction, id, revision, ended_revision, version_digest(c) FROM corridors_history AS c
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
COMMENT ON VIEW versions IS 'Every version there is or was of whatever a jurisdiction registers, with its digest; an audit event names what it began and ended by them';
