-- Coverage areas: where a layer holds all there is. Only there may "no conflict" be read as clear.

CREATE TABLE coverage_areas (
    jurisdiction text NOT NULL CONSTRAINT coverage_areas_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    layer text NOT NULL,
    source text NOT NULL,
    as_of date,
    geom geometry(MultiPolygon, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT coverage_areas_pkey PRIMARY KEY (jurisdiction, id)
);
COMMENT ON TABLE coverage_areas IS 'Where a layer of a jurisdiction holds all there is, says its source';
COMMENT ON COLUMN coverage_areas.source IS 'Who says so: a survey, a handover, a decree';
COMMENT ON COLUMN coverage_areas.as_of IS 'The day of which the source says so';
COMMENT ON COLUMN coverage_areas.geom_grid IS 'The area on the jurisdiction''s working grid, metres, computed once at the door';

ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind IN ('insert', 'update', 'delete', 'bulk', 'coverage'));
