-- What happened in a case and is told to those whom it concerns: written in the transaction that made it happen, delivered later.

CREATE TABLE outbox (
    jurisdiction text NOT NULL CONSTRAINT outbox_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    noun text NOT NULL,
    subject uuid NOT NULL,
    number integer NOT NULL CONSTRAINT outbox_number_positive CHECK (number > 0),
    code text NOT NULL,
    event text NOT NULL,
    state text,
    organisations text[] NOT NULL,
    owner text,
    needs text[] NOT NULL,
    places text[] NOT NULL,
    due date,
    detail jsonb NOT NULL,
    revision bigint,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT outbox_case_key UNIQUE (jurisdiction, noun, subject, number)
);
COMMENT ON TABLE outbox IS 'What happened in cases, for those whom it concerns; nothing of it ever changes';
COMMENT ON COLUMN outbox.id IS 'Of the event: whoever is told twice knows by it that it is the same';
COMMENT ON COLUMN outbox.subject IS 'The id of the case';
COMMENT ON COLUMN outbox.number IS 'Counts what happened in the case, from 1 without gaps';
COMMENT ON COLUMN outbox.organisations IS 'Whom it concerns';
COMMENT ON COLUMN outbox.owner IS 'Whose case it is: he is told whatever is hidden';
COMMENT ON COLUMN outbox.needs IS 'The visibilities that everybody else must see, to be told';
COMMENT ON COLUMN outbox.places IS 'The jurisdictions in which he must see them';
COMMENT ON COLUMN outbox.due IS 'The day by which something is to be done; null: nothing is';
COMMENT ON COLUMN outbox.revision IS 'Of the jurisdiction, that brought it about; null where none did';

CREATE FUNCTION outbox_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what happened in a case is never changed or deleted';
END $$;
CREATE TRIGGER outbox_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_stays();

-- Where organisations want to be told. They belong to no jurisdiction, as accounts; beyond one primary this is a reference table.
CREATE TABLE webhooks (
    id uuid NOT NULL CONSTRAINT webhooks_pkey PRIMARY KEY,
    organisation text NOT NULL CONSTRAINT webhooks_organisation_fkey REFERENCES organisations (code),
    url text NOT NULL,
    jurisdictions text[],
    events text[],
    secret bytea NOT NULL CONSTRAINT webhooks_secret_length CHECK (length(secret) BETWEEN 24 AND 64),
    disabled boolean NOT NULL DEFAULT false,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE webhooks IS 'Addresses to which the events of an organisation are sent';
COMMENT ON COLUMN webhooks.jurisdictions IS 'Of which it wants to hear; null: of all';
COMMENT ON COLUMN webhooks.events IS 'The types of events that it wants to hear of, each noun.event; null: of all';
COMMENT ON COLUMN webhooks.secret IS 'What messages are signed with; shown once, to whoever made it';
CREATE INDEX webhooks_organisation_idx ON webhooks (organisation);

-- Mail.
ALTER TABLE accounts ADD COLUMN email text CONSTRAINT accounts_email_plain CHECK (email ~ '^[!-~]+@[!-~]+$');
ALTER TABLE accounts ADD COLUMN language text NOT NULL DEFAULT 'vi' CONSTRAINT accounts_language_known CHECK (language IN ('vi', 'en'));
ALTER TABLE accounts ADD COLUMN mail boolean NOT NULL DEFAULT false CONSTRAINT accounts_mail_somewhere CHECK (NOT mail OR email IS NOT NULL);
COMMENT ON COLUMN accounts.language IS 'In which mail is written';
COMMENT ON COLUMN accounts.mail IS 'Wants to be told by mail what happens to the organisation';
CREATE INDEX accounts_mail_idx ON accounts (organisation) WHERE mail;

-- One for each event and each of those who are told of it.
CREATE TABLE deliveries (
    jurisdiction text NOT NULL,
    event uuid NOT NULL,
    target uuid NOT NULL,
    channel text NOT NULL CONSTRAINT deliveries_channel_known CHECK (channel IN ('webhook', 'mail')),
    organisation text NOT NULL,
    noun text NOT NULL,
    subject uuid NOT NULL,
    number integer NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT deliveries_state_known CHECK (state IN ('waiting', 'done', 'dead', 'withheld')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    problem text,
    CONSTRAINT deliveries_pkey PRIMARY KEY (jurisdiction, event, target),
    CONSTRAINT deliveries_event_fkey FOREIGN KEY (jurisdiction, event) REFERENCES outbox (jurisdiction, id)
);
COMMENT ON TABLE deliveries IS 'Who is told of an event, and how that went';
COMMENT ON COLUMN deliveries.target IS 'The webhook, or the account that gets mail';
COMMENT ON COLUMN deliveries.state IS 'dead: given up, and kept for being sent again; withheld: it was not for the receiver any more';
COMMENT ON COLUMN deliveries.attempts IS 'That failed, since it was queued';
COMMENT ON COLUMN deliveries.next_at IS 'Not before';
COMMENT ON COLUMN deliveries.problem IS 'Why the last attempt failed';
CREATE INDEX deliveries_waiting_idx ON deliveries (jurisdiction, target, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_case_idx ON deliveries (jurisdiction, target, noun, subject, number) WHERE state = 'waiting';
CREATE INDEX deliveries_target_idx ON deliveries (target, event);

-- Whoever delivers to somebody holds his row: one at a time, and nobody else waits for a slow one.
CREATE TABLE delivery_queues (
    jurisdiction text NOT NULL,
    target uuid NOT NULL,
    channel text NOT NULL,
    served_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT delivery_queues_pkey PRIMARY KEY (jurisdiction, target)
);
COMMENT ON TABLE delivery_queues IS 'To whom events were ever to be delivered; its rows are locked by whoever does';

DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON outbox FOR SELECT USING (
        (SELECT sees_all())
        OR EXISTS (SELECT FROM unnest(organisations) AS o (code) WHERE ('* @' || o.code) = ANY ((SELECT seen())::text[]))
    );
    ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON deliveries USING ((SELECT sees_all()) OR ('* @' || organisation) = ANY ((SELECT seen())::text[]));
    -- Whoever makes something happen tells organisations of it whose affairs he does not see.
    EXECUTE format($create$
        CREATE FUNCTION tell(
            text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz,
            targets uuid[], channels text[], of_organisations text[]
        ) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = %s AS $body$
            INSERT INTO outbox (
                jurisdiction, id, noun, subject, code, event, state, organisations, owner, needs, places, due, detail, revision,
                recorded_at, number
            )
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1 + coalesce(max(o.number), 0)
            FROM outbox AS o WHERE o.jurisdiction = $1 AND o.noun = $3 AND o.subject = $4;
            INSERT INTO delivery_queues (jurisdiction, target, channel)
            SELECT $1, t.target, t.channel FROM unnest(targets, channels) AS t (target, channel) ON CONFLICT DO NOTHING;
            INSERT INTO deliveries (jurisdiction, event, target, channel, organisation, noun, subject, number)
            SELECT $1, $2, t.target, t.channel, t.organisation, $3, $4, o.number
            FROM outbox AS o, unnest(targets, channels, of_organisations) AS t (target, channel, organisation)
            WHERE o.jurisdiction = $1 AND o.id = $2;
            SELECT pg_notify('clearway_revisions', 'told') WHERE cardinality(targets) > 0
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[]
) IS 'Writes an event into the outbox, and a delivery for each of those who are told of it';
REVOKE ALL ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[]
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[]
) TO clearway_service;

-- The chain of access tells of webhooks, too, and of the addresses of accounts; of an account without one as before.
CREATE OR REPLACE FUNCTION version_digest(a accounts) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        a.id, a.name, a.organisation, a.roles, a.jurisdictions, a.password, a.disabled, a.version
    )::text || CASE
        WHEN a.email IS NULL AND a.language = 'vi' AND NOT a.mail THEN '' ELSE ROW(a.email, a.language, a.mail)::text
    END, 'UTF8'))
$$;
CREATE FUNCTION version_digest(w webhooks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        w.id, w.organisation, w.url, w.jurisdictions, w.events, encode(sha256(w.secret), 'hex'), w.disabled, w.version
    )::text, 'UTF8'))
$$;
ALTER TABLE access_versions DROP CONSTRAINT access_versions_what_known;
ALTER TABLE access_versions ADD CONSTRAINT access_versions_what_known
    CHECK (what IN ('organisation', 'account', 'api_token', 'session', 'webhook'));
CREATE OR REPLACE VIEW access_present AS
    SELECT 'organisation' AS what, code AS key, code AS name, version_digest(o) AS digest FROM organisations AS o
    UNION ALL
    SELECT 'account', id::text, name, version_digest(a) FROM accounts AS a
    UNION ALL
    SELECT 'api_token', t.id::text, format('%s of %s', t.name, a.name), version_digest(t)
    FROM api_tokens AS t JOIN accounts AS a ON a.id = t.account
    UNION ALL
    SELECT 'session', s.id::text, format('of %s', a.name), version_digest(s) FROM sessions AS s JOIN accounts AS a ON a.id = s.account
    UNION ALL
    SELECT 'webhook', w.id::text, format('of %s', w.organisation), version_digest(w) FROM webhooks AS w;
CREATE OR REPLACE FUNCTION access_digest(what text, key text) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE what
        WHEN 'organisation' THEN RETURN (SELECT version_digest(o) FROM organisations AS o WHERE o.code = key);
        WHEN 'account' THEN RETURN (SELECT version_digest(a) FROM accounts AS a WHERE a.id = key::uuid);
        WHEN 'api_token' THEN RETURN (SELECT version_digest(t) FROM api_tokens AS t WHERE t.id = key::uuid);
        WHEN 'session' THEN RETURN (SELECT version_digest(s) FROM sessions AS s WHERE s.id = key::uuid);
        WHEN 'webhook' THEN RETURN (SELECT version_digest(w) FROM webhooks AS w WHERE w.id = key::uuid);
    END CASE;
END $$;

GRANT SELECT ON outbox TO clearway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks TO clearway_service;
GRANT SELECT, UPDATE ON deliveries, delivery_queues TO clearway_service;
