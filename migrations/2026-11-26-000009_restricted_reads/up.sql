-- Who looked at what: one row for each answer, layer and jurisdiction in which somebody was shown restricted features.

CREATE TABLE restricted_reads (
    jurisdiction text NOT NULL,
    id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    actor text NOT NULL,
    organisation text,
    request_id text NOT NULL,
    door text NOT NULL,
    layer text NOT NULL,
    ids uuid[] NOT NULL CONSTRAINT restricted_reads_ids_some CHECK (cardinality(ids) > 0),
    CONSTRAINT restricted_reads_pkey PRIMARY KEY (jurisdiction, id)
);
COMMENT ON TABLE restricted_reads IS 'Who was shown which restricted features; appended some moments after the answer, never changed or deleted';
COMMENT ON COLUMN restricted_reads.id IS 'Of the row: one that is written again, for nobody knows whether it was, stays one';
COMMENT ON COLUMN restricted_reads.read_at IS 'When the answer was made';
COMMENT ON COLUMN restricted_reads.organisation IS 'The actor''s';
COMMENT ON COLUMN restricted_reads.request_id IS 'As the log and audit_events have it; of a stream of changes or a batch there are many rows with one';
COMMENT ON COLUMN restricted_reads.door IS 'The path of the route, or the command';
COMMENT ON COLUMN restricted_reads.ids IS 'The features';
-- Rows come in nearly by time, so the blocks of a time are found by a few bytes for each.
CREATE INDEX restricted_reads_read_at_idx ON restricted_reads USING brin (read_at);

CREATE FUNCTION restricted_reads_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who looked at restricted features is never changed or deleted';
END $$;
CREATE TRIGGER restricted_reads_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON restricted_reads
    FOR EACH STATEMENT EXECUTE FUNCTION restricted_reads_stay();

GRANT SELECT, INSERT ON restricted_reads TO clearway_service;
