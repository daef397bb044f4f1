-- Plans and their zones: where stations may stand, drawn, appraised, decided and published.

ALTER TABLE audit_events DROP CONSTRAINT audit_events_deed_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_deed_known CHECK (deed IN ('create', 'replace', 'delete', 'import', 'register', 'sign_in', 'refuse_sign_in', 'refresh', 'sign_out', 'revoke', 'password', 'step'));

CREATE TABLE plans (
    jurisdiction text NOT NULL CONSTRAINT plans_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    code text NOT NULL,
    number integer NOT NULL CONSTRAINT plans_number_positive CHECK (number > 0),
    amends uuid,
    name text,
    organisation text NOT NULL,
    visibility text NOT NULL CONSTRAINT plans_visibility_known CHECK (visibility IN ('public', 'carriers', 'government', 'restricted')),
    state text NOT NULL CONSTRAINT plans_state_known CHECK (state IN ('draft', 'in_appraisal', 'appraised', 'submitted', 'approved', 'published', 'rejected', 'superseded', 'suspended', 'revoked', 'expired')),
    makers text[] NOT NULL,
    appraisal_number text,
    submission_number text,
    decision_number text,
    decision_date date,
    decision_signer text,
    decision_authority text,
    decision_sha256 bytea CONSTRAINT plans_decision_sha256_length CHECK (length(decision_sha256) = 32),
    decided_by text,
    check_run uuid,
    effective_from date,
    effective_to date,
    published_on date,
    ended_on date,
    version integer NOT NULL,
    revision bigint NOT NULL CONSTRAINT plans_revision_positive CHECK (revision > 0),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT plans_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT plans_code_key UNIQUE (jurisdiction, code, number),
    CONSTRAINT plans_amends_fkey FOREIGN KEY (jurisdiction, amends) REFERENCES plans (jurisdiction, id),
    CONSTRAINT plans_decided CHECK ((decision_number IS NULL) = (decision_sha256 IS NULL) AND (decision_number IS NULL) = (effective_from IS NULL)),
    CONSTRAINT plans_period CHECK (effective_to >= effective_from),
    CONSTRAINT plans_public_once_published CHECK ((published_on IS NULL) = (visibility <> 'public'))
);
COMMENT ON TABLE plans IS 'Plans of zones for stations, each row one version of a plan: what is appraised, decided and published as one';
COMMENT ON COLUMN plans.number IS 'Which version of the plan it is, from 1; an amendment is the next one';
COMMENT ON COLUMN plans.amends IS 'The version before, whose zones it began with';
COMMENT ON COLUMN plans.visibility IS 'Government until it is published, then public for ever';
COMMENT ON COLUMN plans.makers IS 'The accounts that had a hand in it: none of them decides';
COMMENT ON COLUMN plans.check_run IS 'The check that the decision rests on';
COMMENT ON COLUMN plans.ended_on IS 'The first day on which it is not in force any more, where it ended before its period did';
CREATE INDEX plans_id_idx ON plans (id);
CREATE INDEX plans_revision_idx ON plans (jurisdiction, revision);

CREATE TABLE plans_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE plans);
ALTER TABLE plans_history ADD CONSTRAINT plans_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
COMMENT ON TABLE plans_history IS 'Rows of plans as they were before each step and each change';
CREATE INDEX plans_history_ended_idx ON plans_history (jurisdiction, ended_revision);
CREATE INDEX plans_history_revision_idx ON plans_history (jurisdiction, revision);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON plans FOR EACH ROW EXECUTE FUNCTION keep_history();

CREATE TABLE plan_events (
    jurisdiction text NOT NULL,
    plan uuid NOT NULL,
    seq integer NOT NULL CONSTRAINT plan_events_seq_positive CHECK (seq > 0),
    event text NOT NULL CONSTRAINT plan_events_event_known CHECK (event IN ('begin_appraisal', 'appraise', 'submit', 'waive', 'return', 'reject', 'approve', 'publish', 'suspend', 'revoke', 'supersede', 'expire')),
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL,
    organisation text,
    at timestamptz NOT NULL,
    reason text,
    data jsonb NOT NULL,
    revision bigint NOT NULL CONSTRAINT plan_events_revision_positive CHECK (revision > 0),
    CONSTRAINT plan_events_pkey PRIMARY KEY (jurisdiction, plan, seq),
    CONSTRAINT plan_events_plan_fkey FOREIGN KEY (jurisdiction, plan) REFERENCES plans (jurisdiction, id)
);
COMMENT ON TABLE plan_events IS 'Every step of a plan as it was sent: appended, never changed';
CREATE INDEX plan_events_revision_idx ON plan_events (jurisdiction, revision);

CREATE TABLE plan_checks (
    jurisdiction text NOT NULL,
    id uuid NOT NULL,
    plan uuid NOT NULL,
    zones_digest bytea NOT NULL CONSTRAINT plan_checks_zones_digest_length CHECK (length(zones_digest) = 32),
    at timestamptz NOT NULL,
    day date NOT NULL,
    recorded_at timestamptz NOT NULL,
    revision bigint NOT NULL CONSTRAINT plan_checks_revision_positive CHECK (revision > 0),
    looked_at bigint NOT NULL,
    actor text NOT NULL,
    organisation text,
    verdict text NOT NULL,
    zones integer NOT NULL,
    warned integer NOT NULL,
    blocked_zones uuid[] NOT NULL,
    blocked_codes text[] NOT NULL,
    met_zones uuid[] NOT NULL,
    met_corridors uuid[] NOT NULL,
    shown_layers text[] NOT NULL,
    shown_jurisdictions text[] NOT NULL,
    shown_ids uuid[] NOT NULL,
    document text NOT NULL,
    hash bytea NOT NULL CONSTRAINT plan_checks_hash_length CHECK (length(hash) = 32),
    CONSTRAINT plan_checks_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT plan_checks_plan_fkey FOREIGN KEY (jurisdiction, plan) REFERENCES plans (jurisdiction, id)
);
COMMENT ON TABLE plan_checks IS 'Checks of all zones of a plan at once, each with the state it was made on, the answer, and a hash of all of it: appended, never changed';
COMMENT ON COLUMN plan_checks.zones_digest IS 'SHA-256 over the digests of the zones that were checked: another one, and it is a check of something else';
COMMENT ON COLUMN plan_checks.looked_at IS 'The revision of the jurisdiction that was looked at; revision is the one that keeps it';
COMMENT ON COLUMN plan_checks.blocked_zones IS 'What blocks: a zone, with the check that says so in blocked_codes';
COMMENT ON COLUMN plan_checks.met_zones IS 'A zone, with the corridor that blocks it in met_corridors';
COMMENT ON COLUMN plan_checks.shown_ids IS 'The restricted features that it names, with their layers and jurisdictions';
CREATE INDEX plan_checks_plan_idx ON plan_checks (jurisdiction, plan, id);
CREATE INDEX plan_checks_revision_idx ON plan_checks (jurisdiction, revision);

CREATE TABLE zones (
    jurisdiction text NOT NULL,
    id uuid NOT NULL,
    plan uuid NOT NULL,
    zone uuid NOT NULL,
    code text NOT NULL,
    name text,
    column_classes text[] NOT NULL DEFAULT '{}' CONSTRAINT zones_column_classes_known CHECK (column_classes <@ ARRAY['A1a', 'A1b', 'A2a', 'A2b', 'A2c']),
    height_max_m double precision CONSTRAINT zones_height_max_m_not_negative CHECK (height_max_m >= 0),
    spacing_m double precision CONSTRAINT zones_spacing_m_not_negative CHECK (spacing_m >= 0),
    sharing_required boolean NOT NULL DEFAULT false,
    quota integer CONSTRAINT zones_quota_not_negative CHECK (quota >= 0),
    recorded_crs integer NOT NULL,
    recorded_geom geometry NOT NULL,
    geom geometry(Geometry, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL CONSTRAINT zones_revision_positive CHECK (revision > 0),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT zones_pkey PRIMARY KEY (jurisdiction, id),
    CONSTRAINT zones_code_key UNIQUE (jurisdiction, plan, code),
    CONSTRAINT zones_zone_key UNIQUE (jurisdiction, plan, zone),
    CONSTRAINT zones_plan_fkey FOREIGN KEY (jurisdiction, plan) REFERENCES plans (jurisdiction, id)
);
COMMENT ON TABLE zones IS 'Zones of plans: where stations may stand, and which. A row belongs to one version of a plan';
COMMENT ON COLUMN zones.zone IS 'The same in every version of the plan; id is of this row';
COMMENT ON COLUMN zones.spacing_m IS 'Between columns in it, in place of what the rules ask for';
COMMENT ON COLUMN zones.quota IS 'How many columns it admits; null: any number';
CREATE INDEX zones_geom_grid_idx ON zones USING gist (jurisdiction, geom_grid);
CREATE INDEX zones_geom_idx ON zones USING gist (jurisdiction, geom);
CREATE INDEX zones_id_idx ON zones (id);
CREATE INDEX zones_revision_idx ON zones (jurisdiction, revision);

CREATE TABLE zones_history (ended_revision bigint NOT NULL, ended_at timestamptz NOT NULL, LIKE zones);
ALTER TABLE zones_history ADD CONSTRAINT zones_history_pkey PRIMARY KEY (jurisdiction, id, version, ended_revision);
COMMENT ON TABLE zones_history IS 'Zones as they were before they were changed or withdrawn, all of them while their plan was drawn';
CREATE INDEX zones_history_ended_idx ON zones_history (jurisdiction, ended_revision);
CREATE INDEX zones_history_revision_idx ON zones_history (jurisdiction, revision);
CREATE TRIGGER keep_history AFTER UPDATE OR DELETE ON zones FOR EACH ROW EXECUTE FUNCTION keep_history();

-- What was decided stays as it is, whatever statement asks.
CREATE FUNCTION zones_are_drawn() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_of zones := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF (SELECT state FROM plans WHERE jurisdiction = row_of.jurisdiction AND id = row_of.plan) IS DISTINCT FROM 'draft'
        OR (TG_OP = 'UPDATE' AND (OLD.plan, OLD.zone) IS DISTINCT FROM (NEW.plan, NEW.zone)) THEN
        RAISE EXCEPTION 'zones are written only while their plan is a draft, and stay in it';
    END IF;
    RETURN row_of;
END $$;
CREATE TRIGGER zones_are_drawn BEFORE INSERT OR UPDATE OR DELETE ON zones FOR EACH ROW EXECUTE FUNCTION zones_are_drawn();

CREATE FUNCTION plans_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('rejected', 'superseded', 'revoked', 'expired') THEN
        RAISE EXCEPTION 'a plan that is % is never changed', OLD.state;
    END IF;
    IF OLD.decision_number IS NOT NULL AND (
        OLD.code, OLD.number, OLD.decision_number, OLD.decision_date, OLD.decision_signer, OLD.decision_authority, OLD.decision_sha256,
        OLD.decided_by, OLD.check_run, OLD.effective_from, OLD.effective_to
    ) IS DISTINCT FROM (
        NEW.code, NEW.number, NEW.decision_number, NEW.decision_date, NEW.decision_signer, NEW.decision_authority, NEW.decision_sha256,
        NEW.decided_by, NEW.check_run, NEW.effective_from, NEW.effective_to
    ) THEN
        RAISE EXCEPTION 'a decision is never changed: a correction is a new version of the plan';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plans_stay BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION plans_stay();

CREATE FUNCTION plan_steps_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'steps and checks of plans, and plans themselves, are never deleted, and the former never changed';
END $$;
CREATE TRIGGER plan_steps_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_events FOR EACH STATEMENT EXECUTE FUNCTION plan_steps_stay();
CREATE TRIGGER plan_steps_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_checks FOR EACH STATEMENT EXECUTE FUNCTION plan_steps_stay();
CREATE TRIGGER plan_steps_stay BEFORE DELETE OR TRUNCATE ON plans FOR EACH STATEMENT EXECUTE FUNCTION plan_steps_stay();

CREATE FUNCTION version_digest(p plans_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        p.jurisdiction, p.id, p.version, p.code, p.number, p.amends, p.name, p.organisation, p.visibility, p.state, p.makers,
        p.appraisal_number, p.submission_number, p.decision_number, p.decision_date, p.decision_signer, p.decision_authority,
        p.decision_sha256, p.decided_by, p.check_run, p.effective_from, p.effective_to, p.published_on, p.ended_on
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(p plans) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, p.recorded_at, p.*)::plans_history)
$$;
CREATE FUNCTION version_digest(e plan_events) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        e.jurisdiction, e.plan, e.seq, e.event, e.from_state, e.to_state, e.actor, e.organisation, e.at AT TIME ZONE 'UTC', e.reason, e.data
    )::text, 'UTF8'))
$$;
-- Its hash is one of all of it but where it stands.
CREATE FUNCTION version_digest(c plan_checks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        c.jurisdiction, c.id, c.plan, c.zones_digest, c.at AT TIME ZONE 'UTC', c.day, c.recorded_at AT TIME ZONE 'UTC', c.looked_at, c.actor,
        c.organisation, c.verdict, c.zones, c.warned, c.blocked_zones, c.blocked_codes, c.met_zones, c.met_corridors, c.shown_layers,
        c.shown_jurisdictions, c.shown_ids, sha256(convert_to(c.document, 'UTF8')), c.hash
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(z zones_history) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        z.jurisdiction, z.id, z.version, z.plan, z.zone, z.code, z.name, z.column_classes, z.height_max_m, z.spacing_m,
        z.sharing_required, z.quota, z.recorded_crs, z.recorded_geom, z.geom, z.geom_grid
    )::text, 'UTF8'))
$$;
CREATE FUNCTION version_digest(z zones) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT version_digest(ROW(0, z.recorded_at, z.*)::zones_history)
$$;

DO $do$
DECLARE
    child text;
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    -- Whatever registers versions stands in this view, whichever migration added it.
    EXECUTE 'CREATE OR REPLACE VIEW versions AS ' || rtrim(pg_get_viewdef('versions'::regclass), E'; \n') || $view$
        UNION ALL
        SELECT jurisdiction, id, revision, NULL::bigint, version_digest(p) FROM plans AS p
        UNION ALL
        SELECT jurisdiction, id, revision, ended_revision, version_digest(p) FROM plans_history AS p
        UNION ALL
        SELECT jurisdiction, plan, revision, NULL::bigint, version_digest(e) FROM plan_events AS e
        UNION ALL
        SELECT jurisdiction, id, revision, NULL::bigint, version_digest(c) FROM plan_checks AS c
        UNION ALL
        SELECT jurisdiction, id, revision, NULL::bigint, version_digest(z) FROM zones AS z
        UNION ALL
        SELECT jurisdiction, id, revision, ended_revision, version_digest(z) FROM zones_history AS z
    $view$;

    -- Of a plan nobody sees more because it is his organisation's: a draft is the government's.
    ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY seen ON plans USING (%s) WITH CHECK (%s)', seen_row, seen_row);
    FOREACH child IN ARRAY ARRAY['zones', 'plan_events'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', child);
        EXECUTE format(
            'CREATE POLICY seen ON %1$I USING ((SELECT sees_all()) OR EXISTS (
                 SELECT FROM plans AS p WHERE p.jurisdiction = %1$I.jurisdiction AND p.id = %1$I.plan
             ))', child
        );
    END LOOP;
    -- A check names what is restricted.
    ALTER TABLE plan_checks ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON plan_checks USING (
        '* restricted' = ANY ((SELECT seen())::text[]) OR (jurisdiction || ' restricted') = ANY ((SELECT seen())::text[])
    );
    FOREACH child IN ARRAY ARRAY['plans_history', 'zones_history'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', child);
        EXECUTE format('CREATE POLICY seen ON %I FOR SELECT USING ((SELECT sees_all()))', child);
    END LOOP;

    -- No function of PostGIS is leakproof, so beside a policy none can use an index: these answer with ids alone.
    EXECUTE format($create$
        CREATE FUNCTION zones_meeting(places text[], boxes geometry[]) RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT DISTINCT z.id FROM unnest(boxes) AS b (around) JOIN zones AS z ON ST_Intersects(z.geom, b.around)
            WHERE z.jurisdiction = ANY (places) AND EXISTS (
                SELECT FROM plans WHERE jurisdiction = z.jurisdiction AND id = z.plan AND (%s)
            )
        $body$
    $create$, path, seen_row);
    EXECUTE format($create$
        CREATE FUNCTION zones_met(place text, drawn uuid, corridors uuid[], clearances double precision[])
        RETURNS TABLE (zone uuid, corridor uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT z.id, c.id FROM unnest($3, $4) AS k (id, clearance)
            JOIN corridors AS c ON c.jurisdiction = $1 AND c.id = k.id
            JOIN zones AS z ON z.jurisdiction = $1 AND z.plan = $2 AND z.geom_grid && ST_Expand(c.geom_grid, k.clearance)
            WHERE ST_DWithin(z.geom_grid, c.geom_grid, k.clearance) AND EXISTS (
                SELECT FROM plans WHERE jurisdiction = $1 AND id = $2 AND (%s)
            )
        $body$
    $create$, path, seen_row);
    -- What changed, whoever sees it: of reference features those that may matter to a zone, and not what stands for requests.
    EXECUTE format($create$
        CREATE FUNCTION zones_touched(place text, drawn uuid, since bigint, near double precision) RETURNS TABLE (zone uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            WITH changed AS (
                SELECT geom_grid, 0::double precision AS within FROM works WHERE jurisdiction = $1 AND revision > $3
                UNION ALL
                SELECT geom_grid, 0 FROM works_history WHERE jurisdiction = $1 AND ended_revision > $3
                UNION ALL
                SELECT geom_grid, CASE kind WHEN 'runway' THEN 4 * $4 ELSE $4 END FROM reference_features
                WHERE jurisdiction = $1 AND revision > $3 AND kind <> 'site_request'
                UNION ALL
                SELECT geom_grid, CASE kind WHEN 'runway' THEN 4 * $4 ELSE $4 END FROM reference_features_history
                WHERE jurisdiction = $1 AND ended_revision > $3 AND kind <> 'site_request'
            )
            SELECT DISTINCT z.id FROM changed AS c
            JOIN zones AS z ON z.jurisdiction = $1 AND z.plan = $2 AND z.geom_grid && ST_Expand(c.geom_grid, c.within)
            WHERE ST_DWithin(z.geom_grid, c.geom_grid, c.within)
        $body$
    $create$, path);
    EXECUTE format($create$
        CREATE FUNCTION zones_outside(place text, drawn uuid) RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT z.id FROM zones AS z JOIN jurisdictions AS j ON j.code = z.jurisdiction
            WHERE z.jurisdiction = $1 AND z.plan = $2 AND NOT (ST_IsValid(z.geom_grid) AND ST_CoveredBy(z.geom, j.boundary))
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION zones_meeting(text[], geometry[]) IS 'Ids of the zones that the transaction sees and whose shape meets one of the boxes';
COMMENT ON FUNCTION zones_met(text, uuid, uuid[], double precision[]) IS 'Which zones of a plan lie within the clearance of which corridors, on the working grid';
COMMENT ON FUNCTION zones_touched(text, uuid, bigint, double precision) IS 'Zones of a plan near which a work or a reference feature changed after a revision';
COMMENT ON FUNCTION zones_outside(text, uuid) IS 'Zones of a plan that are not valid or reach out of the jurisdiction';
REVOKE ALL ON FUNCTION zones_meeting(text[], geometry[]), zones_met(text, uuid, uuid[], double precision[]), zones_outside(text, uuid), zones_touched(text, uuid, bigint, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zones_meeting(text[], geometry[]), zones_met(text, uuid, uuid[], double precision[]), zones_outside(text, uuid), zones_touched(text, uuid, bigint, double precision) TO clearway_service;

GRANT SELECT, INSERT, UPDATE ON plans TO clearway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON zones TO clearway_service;
GRANT SELECT, INSERT ON plan_events, plan_checks TO clearway_service;
GRANT SELECT ON plans_history, zones_history TO clearway_service;
