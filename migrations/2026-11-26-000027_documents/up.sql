-- Documents: what is known of files. What is in them is kept elsewhere, under its SHA-256.

CREATE TABLE documents (
    jurisdiction text NOT NULL CONSTRAINT documents_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    noun text NOT NULL,
    holder uuid NOT NULL,
    kind text NOT NULL CONSTRAINT documents_kind_known CHECK (kind IN ('application', 'site_plan', 'land_right', 'design', 'structural_report', 'exposure_report', 'height_consent', 'drawing', 'licence', 'photograph', 'survey', 'as_built', 'agreement', 'minutes', 'supplement_request', 'appraisal_report', 'submission', 'consultation_answer', 'decision', 'permit', 'notice', 'evidence', 'other')),
    name text NOT NULL,
    media_type text NOT NULL CONSTRAINT documents_media_type_known CHECK (media_type IN ('application/pdf', 'image/jpeg', 'image/png', 'image/tiff', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'text/plain', 'text/csv', 'application/geo+json')),
    bytes bigint NOT NULL CONSTRAINT documents_bytes_positive CHECK (bytes > 0),
    sha256 bytea NOT NULL CONSTRAINT documents_sha256_length CHECK (length(sha256) = 32),
    redacts uuid,
    actor text NOT NULL,
    organisation text,
    recorded_at timestamptz NOT NULL,
    revision bigint NOT NULL CONSTRAINT documents_revision_positive CHECK (revision > 0),
    CONSTRAINT documents_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT documents_redacts_fkey FOREIGN KEY (jurisdiction, redacts) REFERENCES documents (jurisdiction, id)
);
COMMENT ON TABLE documents IS 'Files that belong to something: appended, never changed or deleted';
COMMENT ON COLUMN documents.noun IS 'What it belongs to, as in work; holder is the id of that';
COMMENT ON COLUMN documents.sha256 IS 'Of what is in it, and where that is kept';
COMMENT ON COLUMN documents.redacts IS 'The original that it is a redacted copy of; null: it is an original';
CREATE INDEX documents_holder_idx ON documents (jurisdiction, noun, holder, id);
CREATE INDEX documents_id_idx ON documents (id);
CREATE INDEX documents_sha256_idx ON documents (sha256);
CREATE INDEX documents_revision_idx ON documents (jurisdiction, revision);
-- The same file of the same organisation stands once, so that whoever hears no answer may send it again.
CREATE UNIQUE INDEX documents_content_key ON documents (
    jurisdiction, noun, holder, kind, sha256, coalesce(redacts, '00000000-0000-0000-0000-000000000000'), coalesce(organisation, '')
);

CREATE FUNCTION documents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'documents are never changed or deleted';
END $$;
CREATE TRIGGER documents_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION documents_stay();

CREATE FUNCTION version_digest(d documents) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        d.jurisdiction, d.id, d.noun, d.holder, d.kind, d.name, d.media_type, d.bytes, encode(d.sha256, 'hex'), d.redacts, d.actor,
        d.organisation, to_char(d.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
    )::text, 'UTF8'))
$$;

-- Whatever else has versions stays as it is.
DO $do$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE VIEW versions AS %s UNION ALL '
        'SELECT d.jurisdiction, d.id, d.revision, NULL::bigint AS ended_revision, version_digest(d) AS digest FROM documents AS d',
        rtrim(pg_get_viewdef('versions'::regclass), '; ' || chr(10))
    );
END $do$;

-- By the rights of whoever asks: what he does not see holds nothing for him. A further noun that holds documents is a line here.
CREATE FUNCTION document_owner(noun text, place text, feature uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE noun
        WHEN 'work' THEN (SELECT organisation FROM works WHERE jurisdiction = place AND id = feature)
        WHEN 'corridor' THEN (SELECT organisation FROM corridors WHERE jurisdiction = place AND id = feature)
        WHEN 'plan' THEN (SELECT organisation FROM plans WHERE jurisdiction = place AND id = feature)
        WHEN 'site_request' THEN (SELECT organisation FROM site_requests WHERE jurisdiction = place AND id = feature)
    END
$$;
COMMENT ON FUNCTION document_owner(text, text, uuid) IS 'The organisation of a holder that the transaction sees; null where it sees none';

-- Redacted copies with their holder; originals by the organisation that added them, by that of the holder, and by whoever sees
-- what is restricted there. Which kinds the latter organisation reads is the program's to say.
CREATE FUNCTION document_seen(d documents) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT o.owner IS NOT NULL AND (
        d.redacts IS NOT NULL
        OR ARRAY['* restricted', d.jurisdiction || ' restricted', '* @' || d.organisation, '* @' || o.owner] && seen()
    ) FROM (SELECT document_owner(d.noun, d.jurisdiction, d.holder) AS owner) AS o
$$;
COMMENT ON FUNCTION document_seen(documents) IS 'The transaction sees the document';
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON documents USING ((SELECT sees_all()) OR document_seen(documents))
    WITH CHECK ((SELECT sees_all()) OR document_seen(documents));

GRANT SELECT, INSERT ON documents TO clearway_service;
