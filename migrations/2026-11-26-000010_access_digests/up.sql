-- What the events of the chain `access` began and ended: organisations, accounts, API tokens and sessions, each as one digest.

-- Secrets stand in the tables as hashes and digests, and here in digests of those. Moments are numbers, for their texts depend on
-- settings. Columns are named one by one, as for the versions of features.
CREATE FUNCTION version_digest(o organisations) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(o.code, o.name, o.kind)::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(a accounts) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        a.id, a.name, a.organisation, a.roles, a.jurisdictions, a.password, a.disabled, a.version
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(t api_tokens) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        t.id, t.account, t.name, encode(t.digest, 'hex'), t.roles, t.jurisdictions, extract(epoch FROM t.created_at),
        extract(epoch FROM t.expires_at)
    )::text, 'UTF8'))
$$;
-- A session with all that was issued on the strength of it.
CREATE FUNCTION version_digest(s sessions) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        s.id, s.account, extract(epoch FROM s.started_at), extract(epoch FROM s.expires_at), extract(epoch FROM s.ended_at)
    )::text || coalesce(string_agg(ROW(
        encode(c.digest, 'hex'), extract(epoch FROM c.expires_at), extract(epoch FROM c.used_at)
    )::text, '' ORDER BY c.digest), ''), 'UTF8'))
    FROM session_credentials AS c WHERE c.session = s.id
$$;

CREATE TABLE access_versions (
    revision bigint NOT NULL,
    what text NOT NULL CONSTRAINT access_versions_what_known CHECK (what IN ('organisation', 'account', 'api_token', 'session')),
    key text NOT NULL,
    before bytea,
    after bytea,
    CONSTRAINT access_versions_pkey PRIMARY KEY (revision, what, key)
);
COMMENT ON TABLE access_versions IS 'What each event of the chain access changed; the event sums up these digests';
COMMENT ON COLUMN access_versions.revision IS 'Of the chain; 0: it was there before digests were taken';
COMMENT ON COLUMN access_versions.key IS 'The code of an organisation, else the id';
COMMENT ON COLUMN access_versions.before IS 'What it was when the write began; null: not there';
COMMENT ON COLUMN access_versions.after IS 'What it was when the write ended; null: not there any more';
CREATE INDEX access_versions_key_idx ON access_versions (what, key, revision);

CREATE FUNCTION access_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'digests of what events began and ended are never changed or deleted';
END $$;
CREATE TRIGGER access_versions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON access_versions
    FOR EACH STATEMENT EXECUTE FUNCTION access_versions_stay();

CREATE VIEW access_present AS
    SELECT 'organisation' AS what, code AS key, code AS name, version_digest(o) AS digest FROM organisations AS o
    UNION ALL
    SELECT 'account', id::text, name, version_digest(a) FROM accounts AS a
    UNION ALL
    SELECT 'api_token', t.id::text, format('%s of %s', t.name, a.name), version_digest(t)
    FROM api_tokens AS t JOIN accounts AS a ON a.id = t.account
    UNION ALL
    SELECT 'session', s.id::text, format('of %s', a.name), version_digest(s) FROM sessions AS s JOIN accounts AS a ON a.id = s.account;
COMMENT ON VIEW access_present IS 'Everything that the chain access tells of, as it is now, with its digest';

-- Of one; a view of all would make every digest.
CREATE FUNCTION access_digest(what text, key text) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE what
        WHEN 'organisation' THEN RETURN (SELECT version_digest(o) FROM organisations AS o WHERE o.code = key);
        WHEN 'account' THEN RETURN (SELECT version_digest(a) FROM accounts AS a WHERE a.id = key::uuid);
        WHEN 'api_token' THEN RETURN (SELECT version_digest(t) FROM api_tokens AS t WHERE t.id = key::uuid);
        WHEN 'session' THEN RETURN (SELECT version_digest(s) FROM sessions AS s WHERE s.id = key::uuid);
    END CASE;
END $$;
COMMENT ON FUNCTION access_digest(text, text) IS 'The digest of one of access_present; null where it is not there';

INSERT INTO access_versions (revision, what, key, after) SELECT 0, what, key, digest FROM access_present;

GRANT SELECT, INSERT ON access_versions TO clearway_service;
GRANT SELECT ON access_present TO clearway_service;
