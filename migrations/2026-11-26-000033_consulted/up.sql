-- Who is asked about a site request because something of his is near sees it and answers; when the service itself has something to
-- do with a request; and whoever is told of a case because he is asked.

-- At the end, as history takes rows by position.
ALTER TABLE site_requests
    ADD COLUMN consulted text[] NOT NULL DEFAULT '{}',
    ADD COLUMN answer_by date[] NOT NULL DEFAULT '{}',
    ADD COLUMN wakes_on date;
ALTER TABLE site_requests_history
    ADD COLUMN consulted text[] NOT NULL DEFAULT '{}',
    ADD COLUMN answer_by date[] NOT NULL DEFAULT '{}',
    ADD COLUMN wakes_on date;
COMMENT ON COLUMN site_requests.consulted IS 'The organisations that were asked, whether or not they have answered: they see it; a copy';
COMMENT ON COLUMN site_requests.answer_by IS 'Of each that has not, in the order of asked, its last day; null where it has none; a copy';
COMMENT ON COLUMN site_requests.wakes_on IS 'The first day on which the service itself has something to do with it; a copy';
CREATE INDEX site_requests_wakes_idx ON site_requests (jurisdiction, wakes_on) WHERE wakes_on IS NOT NULL;

-- Of one that has none of them as before.
CREATE OR REPLACE FUNCTION version_digest(r site_requests_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        r.jurisdiction, r.id, r.version, r.code, r.name, r.organisation, r.state, r.waits_for, r.asked, r.subject, r.documents,
        r.declarations, r.receipt, r.secret, r.asked_until, r.due_on, r.ends_on, r.projected, r.work, r.recorded_crs, r.recorded_geom, r.geom,
        r.geom_grid
    )::text || CASE
        WHEN r.consulted = '{}' AND r.answer_by = '{}' AND r.wakes_on IS NULL THEN ''
        ELSE ROW(r.consulted, r.answer_by, r.wakes_on)::text
    END, 'UTF8'))
$$;

DO $do$
DECLARE
    seen_row constant text := $policy$
        ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (state <> 'draft' AND (
            '* government' = ANY ((SELECT seen())::text[])
            OR (jurisdiction || ' government') = ANY ((SELECT seen())::text[])
            OR (consulted <> '{}' AND state <> 'returned_for_supplement' AND EXISTS (
                SELECT FROM unnest(consulted) AS c (code) WHERE ('* @' || c.code) = ANY ((SELECT seen())::text[])
            ))
        ))
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    EXECUTE format('ALTER POLICY seen ON site_requests USING (%s) WITH CHECK (%s)', seen_row, seen_row);
    EXECUTE format('ALTER POLICY seen ON site_requests_history USING (%s)', seen_row);
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION site_requests_meeting(places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT id FROM site_requests WHERE jurisdiction = ANY (places) AND (after IS NULL OR id > after)
                AND EXISTS (SELECT FROM unnest(boxes) AS b (around) WHERE ST_Intersects(geom, b.around))
                AND (%s) ORDER BY id LIMIT most
        $body$
    $create$, path, seen_row);
END $do$;

ALTER TABLE outbox ADD COLUMN asked text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN outbox.asked IS 'Those among them who see the case because they are asked: they are told whatever is hidden';

DROP FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[]
);
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION tell(
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
END $do$;
COMMENT ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[], text[]
) IS 'Writes an event into the outbox, and a delivery for each of those who are told of it';
REVOKE ALL ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[], text[]
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell(
    text, uuid, text, uuid, text, text, text, text[], text, text[], text[], date, jsonb, bigint, timestamptz, uuid[], text[], text[], text[]
) TO clearway_service;
