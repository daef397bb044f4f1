-- Reference features: what is there besides works and corridors, and matters to whoever builds.

CREATE TABLE reference_features (
    jurisdiction text NOT NULL CONSTRAINT reference_features_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    code text NOT NULL,
    dataset text NOT NULL,
    kind text NOT NULL CONSTRAINT reference_features_kind_known CHECK (kind IN ('boundary', 'heritage', 'monument', 'government_front', 'school', 'hospital', 'runway', 'road', 'power_line', 'defence_area', 'urban_area', 'building', 'transmitter', 'zone', 'freeze_window', 'site_request', 'other')),
    name text,
    organisation text NOT NULL,
    visibility text NOT NULL CONSTRAINT reference_features_visibility_known CHECK (visibility IN ('public', 'carriers', 'government', 'restricted')),
    valid_from date,
    valid_to date,
    source text,
    source_date date,
    licence text,
    class text,
    voltage_kv double precision CONSTRAINT reference_features_voltage_kv_positive CHECK (voltage_kv > 0),
    half_width_m double precision CONSTRAINT reference_features_half_width_m_not_negative CHECK (half_width_m >= 0),
    height_agl_m double precision CONSTRAINT reference_features_height_agl_m_not_negative CHECK (height_agl_m >= 0),
    elevation_from_m double precision,
    elevation_to_m double precision,
    column_classes text[] NOT NULL DEFAULT '{}' CONSTRAINT reference_features_column_classes_known CHECK (column_classes <@ ARRAY['A1a', 'A1b', 'A2a', 'A2b', 'A2c']),
    height_max_m double precision CONSTRAINT reference_features_height_max_m_not_negative CHECK (height_max_m >= 0),
    quota integer CONSTRAINT reference_features_quota_not_negative CHECK (quota >= 0),
    spacing_m double precision CONSTRAINT reference_features_spacing_m_not_negative CHECK (spacing_m >= 0),
    sharing_required boolean NOT NULL DEFAULT false,
    occupied boolean,
    eirp_w double precision CONSTRAINT reference_features_eirp_w_positive CHECK (eirp_w > 0),
    frequency_mhz double precision CONSTRAINT reference_features_frequency_mhz_positive CHECK (frequency_mhz > 0),
    azimuth_deg double precision CONSTRAINT reference_features_azimuth_deg_a_turn CHECK (azimuth_deg BETWEEN 0 AND 360),
    recorded_crs integer NOT NULL,
    recorded_geom geometry NOT NULL,
    geom geometry(Geometry, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL CONSTRAINT reference_features_revision_positive CHECK (revision > 0),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT reference_features_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT reference_features_code_key UNIQUE (jurisdiction, code, organisation, visibility)
);
COMMENT ON TABLE reference_features IS 'Boundaries, heritage, schools, hospitals, runways, roads, lines: what site checks look at besides works and corridors';
COMMENT ON COLUMN reference_features.dataset IS 'The reference layer it belongs to, by the name somebody gave it';
COMMENT ON COLUMN reference_features.elevation_from_m IS 'Above the sea: of a runway, the end where its line begins';
COMMENT ON COLUMN reference_features.source_date IS 'Of which day the source is: how old the layer is goes by it';
CREATE INDEX reference_features_geom_grid_idx ON reference_features USING gist (jurisdiction, geom_grid);
CREATE INDEX reference_features_geom_idx ON reference_features USING gist (jurisdiction, geom);
CREATE INDEX reference_features_id_idx ON reference_features (id);
CREATE INDEX reference_features_revision_idx ON reference_features (jurisdiction, revision);

CREATE TABLE reference_features_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE reference_features);
ALTER TABLE reference_features_history ADD CONSTRAINT reference_features_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
ALTER TABLE reference_features_history ADD CONSTRAINT reference_features_history_revision_positive CHECK (revision > 0 AND ended_revision > 0);
COMMENT ON TABLE reference_features_history IS 'Versions of reference features that have ended: recorded from recorded_at to ended_at';
CREATE INDEX reference_features_history_ended_idx ON reference_features_history (jurisdiction, ended_revision);
CREATE INDEX reference_features_history_revision_idx ON reference_features_history (jurisdiction, revision);
CREATE INDEX reference_features_history_id_idx ON reference_features_history (id);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON reference_features FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE FUNCTION version_digest(r reference_features_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        r.jurisdiction, r.id, r.version, r.code, r.dataset, r.kind, r.name, r.organisation, r.visibility, r.valid_from, r.valid_to,
        r.source, r.source_date, r.licence, r.class, r.voltage_kv, r.half_width_m, r.height_agl_m, r.elevation_from_m,
        r.elevation_to_m, r.column_classes, r.height_max_m, r.quota, r.spacing_m, r.sharing_required, r.occupied, r.eirp_w,
        r.frequency_mhz, r.azimuth_deg, r.recorded_crs, r.recorded_geom, r.geom, r.geom_grid
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(r reference_features) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, r.recorded_at, r.*)::reference_features_history)
$$;

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

DO $do$
DECLARE
    -- As the policies of the other layers.
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    ALTER TABLE reference_features ENABLE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY seen ON reference_features USING (%s) WITH CHECK (%s)', seen_row, seen_row);
    ALTER TABLE reference_features_history ENABLE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY seen ON reference_features_history FOR SELECT USING (%s)', seen_row);
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION features_meeting(layer text, places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %s AS $body$
        BEGIN
            IF layer NOT IN ('works', 'corridors', 'reference_features') THEN
                RAISE EXCEPTION 'no layer with a visibility: %%', layer;
            END IF;
            RETURN QUERY EXECUTE format(
                'SELECT id FROM %%I WHERE jurisdiction = ANY ($1) AND ($3 IS NULL OR id > $3) AND (%%s) AND (%%s) ORDER BY id LIMIT $4',
                layer, %L,
                (SELECT string_agg(format('ST_Intersects(geom, $2[%%s])', n), ' OR ') FROM generate_subscripts(boxes, 1) AS n)
            ) USING places, boxes, after, most;
        END $body$
    $create$, path, seen_row);
END $do$;
GRANT SELECT, INSERT, UPDATE, DELETE ON reference_features TO clearway_service;
GRANT SELECT ON reference_features_history TO clearway_service;

-- Reference features are covered by kind: that all schools are here says nothing of hospitals.
ALTER TABLE coverage_areas ADD COLUMN kind text;
ALTER TABLE coverage_areas_history ADD COLUMN kind text;
COMMENT ON COLUMN coverage_areas.kind IS 'Of reference features, the kind of which all are there; null for other layers';
ALTER TABLE coverage_areas ADD CONSTRAINT coverage_areas_kind_of_references CHECK ((layer = 'references') = (kind IS NOT NULL));
CREATE OR REPLACE FUNCTION version_digest(a coverage_areas_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(
        ROW(a.jurisdiction, a.id, a.layer, a.source, a.as_of, a.geom, a.geom_grid)::text || coalesce(a.kind, ''), 'UTF8'
    ))
$$;
