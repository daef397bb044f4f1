-- Site requests: what carriers ask for, and every event of each case. What a case has come to is folded from its events; the
-- columns that repeat it here are copies to search by, which a test compares.

CREATE TABLE site_requests (
    jurisdiction text NOT NULL CONSTRAINT site_requests_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    code text NOT NULL,
    name text,
    organisation text NOT NULL,
    state text NOT NULL CONSTRAINT site_requests_state_known CHECK (state IN ('draft', 'submitted', 'returned_for_supplement', 'rejected_at_intake', 'accepted', 'checking', 'consulting', 'assessing', 'recommended', 'awaiting_decision', 'approved', 'approved_with_conditions', 'sharing_required', 'refused', 'appealed', 'permit_active', 'construction_notified', 'as_built_submitted', 'verified', 'closed', 'withdrawn', 'lapsed', 'revoked')),
    waits_for text CONSTRAINT site_requests_waits_for_known CHECK (waits_for IN ('owner', 'officer', 'consultee', 'approver')),
    asked text[] NOT NULL,
    subject jsonb NOT NULL,
    documents jsonb NOT NULL,
    declarations text[] NOT NULL,
    receipt text,
    secret bytea CONSTRAINT site_requests_secret_length CHECK (length(secret) = 32),
    asked_until date,
    due_on date,
    ends_on date,
    projected uuid,
    work uuid,
    recorded_crs integer NOT NULL,
    recorded_geom geometry NOT NULL,
    geom geometry(Point, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL CONSTRAINT site_requests_revision_positive CHECK (revision > 0),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT site_requests_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT site_requests_code_key UNIQUE (jurisdiction, code, organisation),
    CONSTRAINT site_requests_receipt_key UNIQUE (jurisdiction, receipt)
);
COMMENT ON TABLE site_requests IS 'What carriers ask for, with copies of how far each case has come';
COMMENT ON COLUMN site_requests.waits_for IS 'Who has to act next; a copy';
COMMENT ON COLUMN site_requests.asked IS 'The organisations that were asked and have not answered; a copy';
COMMENT ON COLUMN site_requests.asked_until IS 'The last day on which one of them may answer; a copy';
COMMENT ON COLUMN site_requests.secret IS 'SHA-256 of the secret on the receipt';
COMMENT ON COLUMN site_requests.due_on IS 'The day on which the answer is due; a copy';
COMMENT ON COLUMN site_requests.ends_on IS 'The last day of the permit; a copy';
COMMENT ON COLUMN site_requests.projected IS 'The reference feature that keeps others off the place';
COMMENT ON COLUMN site_requests.work IS 'The work that it became';
CREATE INDEX site_requests_id_idx ON site_requests (id);
CREATE INDEX site_requests_geom_idx ON site_requests USING gist (jurisdiction, geom);
CREATE INDEX site_requests_revision_idx ON site_requests (jurisdiction, revision);
CREATE INDEX site_requests_waits_idx ON site_requests (jurisdiction, waits_for, due_on, id);
CREATE INDEX site_requests_lapsed_idx ON site_requests (jurisdiction, asked_until) WHERE waits_for = 'consultee';
CREATE INDEX site_requests_own_idx ON site_requests (jurisdiction, organisation, waits_for, due_on, id);
CREATE INDEX site_requests_projected_idx ON site_requests (projected) WHERE projected IS NOT NULL;
CREATE INDEX site_requests_ends_idx ON site_requests (ends_on) WHERE state = 'permit_active';

CREATE TABLE site_requests_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE site_requests);
ALTER TABLE site_requests_history ADD CONSTRAINT site_requests_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
COMMENT ON TABLE site_requests_history IS 'Versions of site requests that have ended: recorded from recorded_at to ended_at';
CREATE INDEX site_requests_history_ended_idx ON site_requests_history (jurisdiction, ended_revision);
CREATE INDEX site_requests_history_revision_idx ON site_requests_history (jurisdiction, revision);
CREATE INDEX site_requests_history_id_idx ON site_requests_history (id);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON site_requests FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE site_request_counts (
    jurisdiction text NOT NULL,
    organisation text NOT NULL,
    state text NOT NULL,
    requests bigint NOT NULL,
    CONSTRAINT site_request_counts_pkey PRIMARY KEY (jurisdiction, organisation, state)
);
COMMENT ON TABLE site_request_counts IS 'How many requests of each carrier are in each state: whoever asks what waits for him counts no rows';

CREATE TABLE site_request_events (
    jurisdiction text NOT NULL,
    request uuid NOT NULL,
    seq integer NOT NULL CONSTRAINT site_request_events_seq_positive CHECK (seq > 0),
    event text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL,
    organisation text,
    at timestamptz NOT NULL,
    reason text,
    data jsonb NOT NULL,
    noted jsonb NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT site_request_events_pkey PRIMARY KEY (jurisdiction, request, seq),
    CONSTRAINT site_request_events_request_fkey FOREIGN KEY (jurisdiction, request) REFERENCES site_requests (jurisdiction, id)
);
COMMENT ON TABLE site_request_events IS 'What was done to each request: appended, and never changed';
COMMENT ON COLUMN site_request_events.data IS 'What was said, as it was sent';
COMMENT ON COLUMN site_request_events.noted IS 'What the service added: receipt, snapshot, check run, permit, work';
CREATE INDEX site_request_events_revision_idx ON site_request_events (jurisdiction, revision);

CREATE FUNCTION site_requests_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('rejected_at_intake', 'closed', 'withdrawn', 'lapsed', 'revoked') THEN
        RAISE EXCEPTION 'a site request that is % is never changed', OLD.state;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER site_requests_stay BEFORE UPDATE ON site_requests FOR EACH ROW EXECUTE FUNCTION site_requests_stay();

CREATE FUNCTION site_request_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events of site requests are never changed or deleted';
END $$;
CREATE TRIGGER site_request_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON site_request_events
    FOR EACH STATEMENT EXECUTE FUNCTION site_request_events_stay();

CREATE FUNCTION version_digest(r site_requests_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        r.jurisdiction, r.id, r.version, r.code, r.name, r.organisation, r.state, r.waits_for, r.asked, r.subject, r.documents,
        r.declarations, r.receipt, r.secret, r.asked_until, r.due_on, r.ends_on, r.projected, r.work, r.recorded_crs, r.recorded_geom, r.geom,
        r.geom_grid
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(r site_requests) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, r.recorded_at, r.*)::site_requests_history)
$$;
CREATE FUNCTION version_digest(e site_request_events) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        e.jurisdiction, e.request, e.seq, e.event, e.from_state, e.to_state, e.actor, e.organisation,
        extract(epoch FROM e.at), e.reason, e.data, e.noted
    )::text, 'UTF8'))
$$;

ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password', 'step'));

-- Whoever made tables of versions before stays in the view.
DO $do$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW versions AS ' || rtrim(pg_get_viewdef('versions'::regclass), '; ') || $view$
        UNION ALL
        SELECT jurisdiction, id, revision, NULL::bigint, version_digest(r) FROM site_requests AS r
        UNION ALL
        SELECT jurisdiction, id, revision, ended_revision, version_digest(r) FROM site_requests_history AS r
        UNION ALL
        SELECT jurisdiction, request, revision, NULL::bigint, version_digest(e) FROM site_request_events AS e
    $view$;
END $do$;

DO $do$
DECLARE
    layer text;
    -- A draft is its carrier's alone; what was submitted is everybody's who sees what is the government's.
    seen_row constant text := $policy$
        ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (state <> 'draft' AND (
            '* government' = ANY ((SELECT seen())::text[])
            OR (jurisdiction || ' government') = ANY ((SELECT seen())::text[])
        ))
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    FOREACH layer IN ARRAY ARRAY['site_requests', 'site_requests_history', 'site_request_counts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
    END LOOP;
    EXECUTE format('CREATE POLICY seen ON site_request_counts FOR SELECT USING (%s)', seen_row);
    -- A statement at a time: of many rows each counter is written once. Whoever writes holds the revision of the jurisdiction.
    EXECUTE format($create$
        CREATE FUNCTION count_site_requests() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = %s AS $body$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                INSERT INTO site_request_counts AS c
                SELECT jurisdiction, organisation, state, -count(*) FROM before_rows GROUP BY jurisdiction, organisation, state
                ON CONFLICT (jurisdiction, organisation, state) DO UPDATE SET requests = c.requests + EXCLUDED.requests;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO site_request_counts AS c
                SELECT jurisdiction, organisation, state, count(*) FROM after_rows GROUP BY jurisdiction, organisation, state
                ON CONFLICT (jurisdiction, organisation, state) DO UPDATE SET requests = c.requests + EXCLUDED.requests;
            END IF;
            RETURN NULL;
        END $body$
    $create$, path);
    CREATE TRIGGER count_inserted AFTER INSERT ON site_requests REFERENCING NEW TABLE AS after_rows
        FOR EACH STATEMENT EXECUTE FUNCTION count_site_requests();
    CREATE TRIGGER count_updated AFTER UPDATE ON site_requests REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
        FOR EACH STATEMENT EXECUTE FUNCTION count_site_requests();
    CREATE TRIGGER count_deleted AFTER DELETE ON site_requests REFERENCING OLD TABLE AS before_rows
        FOR EACH STATEMENT EXECUTE FUNCTION count_site_requests();
    EXECUTE format('CREATE POLICY seen ON site_requests USING (%s) WITH CHECK (%s)', seen_row, seen_row);
    EXECUTE format('CREATE POLICY seen ON site_requests_history FOR SELECT USING (%s)', seen_row);
    ALTER TABLE site_request_events ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON site_request_events USING (EXISTS (
        SELECT FROM site_requests AS r
        WHERE r.jurisdiction = site_request_events.jurisdiction AND r.id = site_request_events.request
    ));
    EXECUTE format($create$
        CREATE FUNCTION site_requests_meeting(places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT id FROM site_requests WHERE jurisdiction = ANY (places) AND (after IS NULL OR id > after)
                AND EXISTS (SELECT FROM unnest(boxes) AS b (around) WHERE ST_Intersects(geom, b.around))
                AND (%s) ORDER BY id LIMIT most
        $body$
    $create$, path, seen_row);
    -- No function of PostGIS is leakproof, and who decides may see less than what stands in the way: by the rights of the owner,
    -- ids and words alone. The constant radius comes first, for one that differs by row uses no index.
    EXECUTE format($create$
        CREATE FUNCTION in_the_way(place text, spot geometry, reach double precision, widest double precision, far double precision, on_day date, since bigint)
        RETURNS TABLE (id uuid, why text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT c.id, 'blocks' FROM corridors AS c
            WHERE c.jurisdiction = place AND ST_DWithin(c.geom_grid, spot, reach + widest)
                AND ST_DWithin(c.geom_grid, spot, coalesce(c.clearance_m, 0))
                AND c.status IN ('in_force', 'handed_over')
                AND (c.in_force_from IS NULL OR c.in_force_from <= on_day) AND (c.in_force_to IS NULL OR on_day <= c.in_force_to)
            UNION ALL
            SELECT c.id, 'changed' FROM corridors AS c
            WHERE c.jurisdiction = place AND c.revision > since AND ST_DWithin(c.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT h.id, 'changed' FROM corridors_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT w.id, 'changed' FROM works AS w
            WHERE w.jurisdiction = place AND w.revision > since AND ST_DWithin(w.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT h.id, 'changed' FROM works_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, reach + widest)
            UNION ALL
            SELECT r.id, 'changed' FROM reference_features AS r
            WHERE r.jurisdiction = place AND r.revision > since AND ST_DWithin(r.geom_grid, spot, far)
            UNION ALL
            SELECT h.id, 'changed' FROM reference_features_history AS h
            WHERE h.jurisdiction = place AND h.ended_revision > since AND ST_DWithin(h.geom_grid, spot, far)
            UNION ALL
            SELECT NULL::uuid, 'rules' FROM rule_packs AS p WHERE p.jurisdiction = place AND p.revision > since
            UNION ALL
            SELECT a.id, 'coverage' FROM coverage_areas AS a WHERE a.jurisdiction = place AND a.revision > since
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION site_requests_meeting(text[], geometry[], uuid, bigint) IS 'Ids of the requests in some jurisdictions that the transaction sees and whose place lies in one of the boxes, after an id, in their order';
COMMENT ON FUNCTION in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) IS 'Corridors that block a place on a day, and whatever changed after a revision within a reach of it, or of reference features farther away';
REVOKE ALL ON FUNCTION count_site_requests() FROM PUBLIC;
REVOKE ALL ON FUNCTION site_requests_meeting(text[], geometry[], uuid, bigint), in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION site_requests_meeting(text[], geometry[], uuid, bigint), in_the_way(text, geometry, double precision, double precision, double precision, date, bigint) TO clearway_service;

GRANT SELECT, INSERT, UPDATE, DELETE ON site_requests TO clearway_service;
GRANT SELECT ON site_requests_history, site_request_counts TO clearway_service;
GRANT SELECT, INSERT ON site_request_events TO clearway_service;
