-- Site checks that are kept: what was asked, by whom, on which state, and what was said. Nothing of it ever changes; what
-- comes later (waivers, marks of another answer) stands in rows of its own.

CREATE TABLE site_checks (
    jurisdiction text NOT NULL CONSTRAINT site_checks_jurisdiction_fkey REFERENCES jurisdictions (code),
    id uuid NOT NULL,
    name text NOT NULL,
    lonlat geometry(Point, 4326) NOT NULL,
    geom_grid geometry NOT NULL,
    reach_m double precision NOT NULL CONSTRAINT site_checks_reach_m_not_negative CHECK (reach_m >= 0),
    subject jsonb NOT NULL,
    at timestamptz NOT NULL,
    day date NOT NULL,
    recorded_at timestamptz NOT NULL,
    revision bigint NOT NULL CONSTRAINT site_checks_revision_positive CHECK (revision > 0),
    revisions jsonb NOT NULL,
    pack_name text,
    pack_version text,
    pack_digest text,
    actor text NOT NULL,
    organisation text,
    roles text[] NOT NULL,
    jurisdictions text[],
    told_by_budget text[] NOT NULL,
    codes text[] NOT NULL,
    verdicts text[] NOT NULL,
    digests bytea[] NOT NULL,
    shown_layers text[] NOT NULL,
    shown_jurisdictions text[] NOT NULL,
    shown_ids uuid[] NOT NULL,
    document text NOT NULL,
    hash bytea NOT NULL CONSTRAINT site_checks_hash_length CHECK (length(hash) = 32),
    CONSTRAINT site_checks_pkey PRIMARY KEY (jurisdiction, id)
);
COMMENT ON TABLE site_checks IS 'Site checks that are kept: the question, the state it was asked on, the answer, and a hash of all of it';
COMMENT ON COLUMN site_checks.reach_m IS 'How far round the place was looked for what brings no reach of its own, m';
COMMENT ON COLUMN site_checks.at IS 'The moment at which dates were looked at; day is that in the jurisdiction';
COMMENT ON COLUMN site_checks.revision IS 'The revision that keeps it';
COMMENT ON COLUMN site_checks.revisions IS 'The revision of each jurisdiction that was looked at';
COMMENT ON COLUMN site_checks.roles IS 'Of the actor when he asked, as the jurisdictions to which they are bound';
COMMENT ON COLUMN site_checks.told_by_budget IS 'Where he was told that something is hidden only because he had asked too much: jurisdiction and source';
COMMENT ON COLUMN site_checks.digests IS 'SHA-256 of the canonical text of each finding';
COMMENT ON COLUMN site_checks.shown_ids IS 'The restricted features that he was shown, with their layers and jurisdictions';
COMMENT ON COLUMN site_checks.document IS 'The answer exactly as it was given';
COMMENT ON COLUMN site_checks.hash IS 'SHA-256 of the canonical text of all of this';
CREATE INDEX site_checks_lonlat_idx ON site_checks USING gist (jurisdiction, lonlat);
CREATE INDEX site_checks_id_idx ON site_checks (id);
CREATE INDEX site_checks_revision_idx ON site_checks (jurisdiction, revision);

CREATE TABLE site_check_waivers (
    jurisdiction text NOT NULL,
    run uuid NOT NULL,
    code text NOT NULL,
    actor text NOT NULL,
    organisation text,
    role text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT site_check_waivers_pkey PRIMARY KEY (jurisdiction, run, code),
    CONSTRAINT site_check_waivers_run_fkey FOREIGN KEY (jurisdiction, run) REFERENCES site_checks (jurisdiction, id)
);
COMMENT ON TABLE site_check_waivers IS 'Findings that somebody set aside, for ever';

CREATE TABLE site_check_marks (
    jurisdiction text NOT NULL,
    run uuid NOT NULL,
    number integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    day date NOT NULL,
    revisions jsonb NOT NULL,
    codes text[] NOT NULL,
    befores text[] NOT NULL,
    afters text[] NOT NULL,
    digests bytea[] NOT NULL,
    CONSTRAINT site_check_marks_pkey PRIMARY KEY (jurisdiction, run, number),
    CONSTRAINT site_check_marks_run_fkey FOREIGN KEY (jurisdiction, run) REFERENCES site_checks (jurisdiction, id)
);
COMMENT ON TABLE site_check_marks IS 'Where a run would now be answered otherwise: one row each time that this changes; the last one holds';
COMMENT ON COLUMN site_check_marks.codes IS 'The checks that now say something else than the run; none where it would be answered as it was again';
COMMENT ON COLUMN site_check_marks.digests IS 'Of what each of them says now';
COMMENT ON COLUMN site_check_marks.revisions IS 'The revision of each jurisdiction on which this was found';

CREATE TABLE site_check_progress (
    jurisdiction text NOT NULL CONSTRAINT site_check_progress_pkey PRIMARY KEY,
    revision bigint NOT NULL
);
COMMENT ON TABLE site_check_progress IS 'To which revision of each jurisdiction all runs are marked';

CREATE FUNCTION site_checks_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'site checks that are kept, their waivers and their marks are never changed or deleted';
END $$;
CREATE TRIGGER site_checks_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON site_checks
    FOR EACH STATEMENT EXECUTE FUNCTION site_checks_stay();
CREATE TRIGGER site_check_waivers_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON site_check_waivers
    FOR EACH STATEMENT EXECUTE FUNCTION site_checks_stay();
CREATE TRIGGER site_check_marks_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON site_check_marks
    FOR EACH STATEMENT EXECUTE FUNCTION site_checks_stay();

DO $do$
DECLARE
    child text;
    -- The organisation that asked, and whoever sees what is restricted there.
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR '* restricted' = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' restricted') = ANY ((SELECT seen())::text[])
    $policy$;
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    ALTER TABLE site_checks ENABLE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY seen ON site_checks USING (%s) WITH CHECK (%s)', seen_row, seen_row);
    FOREACH child IN ARRAY ARRAY['site_check_waivers', 'site_check_marks'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', child);
        EXECUTE format(
            'CREATE POLICY seen ON %1$I USING ((SELECT sees_all()) OR EXISTS (
                 SELECT FROM site_checks AS r WHERE r.jurisdiction = %1$I.jurisdiction AND r.id = %1$I.run
             ))', child
        );
    END LOOP;
    -- No function of PostGIS is leakproof, so beside a policy none can use an index.
    EXECUTE format($create$
        CREATE FUNCTION site_checks_meeting(boxes geometry[]) RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT DISTINCT r.id FROM jurisdictions AS j CROSS JOIN unnest(boxes) AS b (around)
            JOIN site_checks AS r ON r.jurisdiction = j.code AND r.lonlat && b.around
            WHERE (SELECT sees_all())
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION site_checks_meeting(geometry[]) IS 'Ids of the runs whose place lies in one of the boxes, for a transaction that sees everything';
REVOKE ALL ON FUNCTION site_checks_meeting(geometry[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION site_checks_meeting(geometry[]) TO clearway_service;

GRANT SELECT, INSERT ON site_checks, site_check_waivers, site_check_marks TO clearway_service;
GRANT SELECT, INSERT, UPDATE ON site_check_progress TO clearway_service;
