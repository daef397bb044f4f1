DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION tell(
            text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz,
            targets uuid[], channels text[], of_organisations text[], of_asked text[]
        ) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = %s AS $body$
            INSERT INTO outbox (
                jurisdiction, id, noun, subject, code, event, state, organisations, owner, needs, places, due, detail, revision,
                recorded_at, number, asked
            )
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1 + coalesce(max(o.number), 0), of_asked
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
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION audit_heads(place text, revisions bigint[])
        RETURNS TABLE (revision bigint, hash bytea, recorded_at timestamptz, signer text, signature text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT e.revision, e.hash, e.recorded_at, e.signer, e.signature FROM audit_events AS e
            WHERE e.jurisdiction = place AND e.revision = ANY (revisions) AND e.hash IS NOT NULL
        $body$
    $create$, path);
END $do$;
