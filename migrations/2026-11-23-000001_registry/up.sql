-- The register: jurisdictions, works, corridors, and what every write leaves behind.
-- `jurisdiction` stands in every key and is the shard: no key and no reference goes without it.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- PostGIS 3.3 lacks the VN-2000 / TM-3 zones; with the authority's code, PROJ's own database supplies the rest.
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid)
SELECT code, 'EPSG', code FROM generate_series(9205, 9218) AS code
ON CONFLICT (srid) DO NOTHING;

CREATE TABLE jurisdictions (
    code text CONSTRAINT jurisdictions_pkey PRIMARY KEY,
    name_vi text NOT NULL,
    name_en text NOT NULL,
    grid_srid integer NOT NULL,
    time_zone text NOT NULL,
    related_crs integer[] NOT NULL DEFAULT '{}',
    boundary geometry(MultiPolygon, 4326) NOT NULL
);
COMMENT ON TABLE jurisdictions IS 'Whose ground it is, and on which working grid it is measured';
COMMENT ON COLUMN jurisdictions.code IS 'ISO 3166-2';
COMMENT ON COLUMN jurisdictions.grid_srid IS 'EPSG code of the projected system in metres on which everything is measured';
COMMENT ON COLUMN jurisdictions.related_crs IS 'EPSG codes of further systems in which data of this place are found';

CREATE TABLE revisions (
    jurisdiction text CONSTRAINT revisions_pkey PRIMARY KEY
        CONSTRAINT revisions_jurisdiction_fkey REFERENCES jurisdictions (code) ON DELETE CASCADE,
    revision bigint NOT NULL CONSTRAINT revisions_not_negative CHECK (revision >= 0)
);
COMMENT ON TABLE revisions IS 'One counter for each jurisdiction; a row lock on it puts writes in commit order, without gaps';

CREATE TABLE works (
    jurisdiction text NOT NULL CONSTRAINT works_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    code text NOT NULL,
    name text,
    organisation text NOT NULL,
    kind text NOT NULL CONSTRAINT works_kind_known CHECK (kind IN ('bts', 'mast', 'rooftop_mast', 'station_house', 'exchange', 'cabinet', 'pole', 'manhole', 'duct', 'aerial_cable', 'buried_cable', 'public_access_point')),
    status text NOT NULL CONSTRAINT works_status_known CHECK (status IN ('planned', 'permitted', 'under_construction', 'in_service', 'suspended', 'relocating', 'relocated', 'dismantled', 'abandoned')),
    column_class text CONSTRAINT works_column_class_known CHECK (column_class IN ('A1a', 'A1b', 'A2a', 'A2b', 'A2c')),
    height_agl_m double precision,
    position_accuracy_m double precision CONSTRAINT works_position_accuracy_m_not_negative CHECK (position_accuracy_m >= 0),
    capture_method text CONSTRAINT works_capture_method_known CHECK (capture_method IN ('gnss_rtk', 'gnss', 'digitised', 'record', 'estimated')),
    importance text NOT NULL CONSTRAINT works_importance_known CHECK (importance IN ('ordinary', 'important', 'national_security')),
    visibility text NOT NULL CONSTRAINT works_visibility_known CHECK (visibility IN ('public', 'carriers', 'government', 'restricted')),
    tenants text[] NOT NULL DEFAULT '{}',
    spare_capacity integer,
    valid_from date,
    valid_to date,
    source text,
    recorded_crs integer NOT NULL,
    recorded_geom geometry NOT NULL,
    geom geometry(Geometry, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT works_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT works_code_key UNIQUE (jurisdiction, code)
);
COMMENT ON TABLE works IS 'Telecom works';
COMMENT ON COLUMN works.recorded_geom IS 'Coordinates as delivered, x = easting or longitude; their system is recorded_crs';
COMMENT ON COLUMN works.geom_grid IS 'The shape on the jurisdiction''s working grid, metres, computed once at the door';
COMMENT ON COLUMN works.revision IS 'Revision of the jurisdiction in which this version was written';
CREATE INDEX works_geom_grid_idx ON works USING gist (jurisdiction, geom_grid);
CREATE INDEX works_geom_idx ON works USING gist (jurisdiction, geom);
CREATE INDEX works_id_idx ON works (id);
CREATE INDEX works_revision_idx ON works (jurisdiction, revision);

CREATE TABLE corridors (
    jurisdiction text NOT NULL CONSTRAINT corridors_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    code text NOT NULL,
    name text,
    kind text NOT NULL CONSTRAINT corridors_kind_known CHECK (kind IN ('road', 'railway', 'power_line', 'canal', 'reservoir', 'pipeline', 'airport', 'urban', 'mining', 'defence', 'other')),
    class text,
    status text NOT NULL CONSTRAINT corridors_status_known CHECK (status IN ('announced', 'surveyed', 'approved', 'in_force', 'handed_over', 'completed', 'suspended', 'cancelled', 'realigned')),
    project text,
    organisation text NOT NULL,
    in_force_from date,
    in_force_to date,
    hand_over_on date,
    clearance_m double precision CONSTRAINT corridors_clearance_m_not_negative CHECK (clearance_m >= 0),
    half_width_left_m double precision CONSTRAINT corridors_half_width_left_m_not_negative CHECK (half_width_left_m >= 0),
    half_width_right_m double precision CONSTRAINT corridors_half_width_right_m_not_negative CHECK (half_width_right_m >= 0),
    visibility text NOT NULL CONSTRAINT corridors_visibility_known CHECK (visibility IN ('public', 'carriers', 'government', 'restricted')),
    source text,
    recorded_crs integer NOT NULL,
    recorded_geom geometry NOT NULL,
    centreline geometry(MultiLineString, 4326),
    centreline_grid geometry,
    geom geometry(Geometry, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT corridors_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT corridors_code_key UNIQUE (jurisdiction, code),
    CONSTRAINT corridors_centreline_whole CHECK ((centreline IS NULL) = (centreline_grid IS NULL))
);
COMMENT ON TABLE corridors IS 'Clearance corridors: land that a project takes';
COMMENT ON COLUMN corridors.clearance_m IS 'What must stay free beyond the edge, in metres, where the corridor says so itself';
COMMENT ON COLUMN corridors.geom_grid IS 'The land on the jurisdiction''s working grid; derived from the centreline where there is one';
CREATE INDEX corridors_geom_grid_idx ON corridors USING gist (jurisdiction, geom_grid);
CREATE INDEX corridors_geom_idx ON corridors USING gist (jurisdiction, geom);
CREATE INDEX corridors_id_idx ON corridors (id);
CREATE INDEX corridors_revision_idx ON corridors (jurisdiction, revision);

CREATE TABLE changes (
    jurisdiction text NOT NULL CONSTRAINT changes_jurisdiction_fkey REFERENCES jurisdictions (code),
    revision bigint NOT NULL,
    ordinal integer NOT NULL,
    layer text NOT NULL,
    kind text NOT NULL CONSTRAINT changes_kind_known CHECK (kind IN ('insert', 'update', 'delete', 'bulk')),
    id uuid,
    CONSTRAINT changes_pkey PRIMARY KEY (jurisdiction, revision, ordinal),
    CONSTRAINT changes_id_unless_bulk CHECK ((id IS NULL) = (kind = 'bulk'))
);
COMMENT ON TABLE changes IS 'What changed in which revision: the index and other instances follow it';

CREATE TABLE audit_events (
    jurisdiction text NOT NULL CONSTRAINT audit_events_jurisdiction_fkey REFERENCES jurisdictions (code),
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    organisation text,
    request_id text NOT NULL,
    deed text NOT NULL CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register')),
    layer text,
    subject uuid,
    detail jsonb NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (jurisdiction, revision)
);
COMMENT ON TABLE audit_events IS 'Exactly one event for every revision: no write without a witness';
