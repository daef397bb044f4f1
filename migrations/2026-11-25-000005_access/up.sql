-- Who may sign in, and with what. None of it belongs to a jurisdiction; beyond one primary these are reference tables.

CREATE TABLE organisations (
    code text NOT NULL CONSTRAINT organisations_pkey PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CONSTRAINT organisations_kind_known CHECK (kind IN ('carrier', 'office', 'committee', 'project_owner', 'consultee', 'public_body'))
);
COMMENT ON TABLE organisations IS 'Whoever owns works, plans land or decides about either';
COMMENT ON COLUMN organisations.code IS 'As features name their owner';

CREATE TABLE accounts (
    id uuid NOT NULL CONSTRAINT accounts_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT accounts_name_key UNIQUE,
    organisation text NOT NULL CONSTRAINT accounts_organisation_fkey REFERENCES organisations (code),
    roles text[] NOT NULL CONSTRAINT accounts_roles_some CHECK (cardinality(roles) > 0),
    jurisdictions text[],
    password text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE accounts IS 'Who may sign in; disabled rather than deleted, so that a name never comes to mean somebody else';
COMMENT ON COLUMN accounts.jurisdictions IS 'Where the roles hold; null: everywhere';
COMMENT ON COLUMN accounts.password IS 'Argon2id with its salt and its costs, as a PHC string; never the password';

CREATE TABLE sign_in_failures (
    name_digest bytea NOT NULL CONSTRAINT sign_in_failures_pkey PRIMARY KEY,
    failures integer NOT NULL CONSTRAINT sign_in_failures_positive CHECK (failures > 0),
    last_at timestamptz NOT NULL
);
COMMENT ON TABLE sign_in_failures IS 'Wrong passwords in a row, for names that there are and names that there are not';
COMMENT ON COLUMN sign_in_failures.name_digest IS 'SHA-256 of the name: people type passwords where a name belongs';
CREATE INDEX sign_in_failures_last_at_idx ON sign_in_failures (last_at);

CREATE TABLE sessions (
    id uuid NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    account uuid NOT NULL CONSTRAINT sessions_account_fkey REFERENCES accounts (id),
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE sessions IS 'From a sign-in to its end, and everything that was issued on the strength of it';
COMMENT ON COLUMN sessions.expires_at IS 'Nothing issued on the strength of it lasts longer';
COMMENT ON COLUMN sessions.ended_at IS 'Signed out or revoked';
CREATE INDEX sessions_account_idx ON sessions (account);

CREATE TABLE session_credentials (
    digest bytea NOT NULL CONSTRAINT session_credentials_pkey PRIMARY KEY,
    session uuid NOT NULL CONSTRAINT session_credentials_session_fkey REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
COMMENT ON TABLE session_credentials IS 'Access and refresh tokens and cookies; what a credential is stands in its first letters';
COMMENT ON COLUMN session_credentials.digest IS 'SHA-256 of the credential; the credential itself is kept nowhere';
COMMENT ON COLUMN session_credentials.used_at IS 'When a refresh token was exchanged; whoever uses it again is a thief, or was robbed';
CREATE INDEX session_credentials_session_idx ON session_credentials (session);

CREATE TABLE api_tokens (
    id uuid NOT NULL CONSTRAINT api_tokens_pkey PRIMARY KEY,
    account uuid NOT NULL CONSTRAINT api_tokens_account_fkey REFERENCES accounts (id),
    name text NOT NULL,
    digest bytea NOT NULL CONSTRAINT api_tokens_digest_key UNIQUE,
    roles text[] NOT NULL,
    jurisdictions text[],
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT api_tokens_name_key UNIQUE (account, name)
);
COMMENT ON TABLE api_tokens IS 'The access of machines; each may at most what its account may at the moment; a revoked one is deleted';
COMMENT ON COLUMN api_tokens.digest IS 'SHA-256 of the token; the token itself is kept nowhere';
COMMENT ON COLUMN api_tokens.jurisdictions IS 'At most these; null: those of the account';

ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password'));
