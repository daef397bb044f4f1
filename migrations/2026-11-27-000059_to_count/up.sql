-- What is kept of a request to search by was written by its next step only: of those that go on it is counted anew, each once.
CREATE TABLE site_requests_to_count (
    jurisdiction text NOT NULL,
    id uuid NOT NULL,
    CONSTRAINT site_requests_to_count_pkey PRIMARY KEY (jurisdiction, id)
);
COMMENT ON TABLE site_requests_to_count IS 'Requests of which the service is to count anew what is kept of them to search by, once';
GRANT SELECT, DELETE ON site_requests_to_count TO clearway_service;

INSERT INTO site_requests_to_count (jurisdiction, id)
SELECT jurisdiction, id FROM site_requests
WHERE state NOT IN ('draft', 'rejected_at_intake', 'refused', 'verified', 'closed', 'withdrawn', 'lapsed', 'revoked');
