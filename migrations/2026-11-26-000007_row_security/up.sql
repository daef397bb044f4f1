-- The second wall: what somebody may not see is not in his transaction, whatever statement asks for it.

-- The service owns nothing: it reads and writes what is granted here, through the policies below. A program signs in as this
-- role or as a member of it; whoever runs the migrations owns the tables.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clearway_service') THEN
        CREATE ROLE clearway_service NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this server made it meanwhile
END $$;

-- Whoever may make functions in the schema could make one that is taken for another by what runs with the rights of the owner.
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, clearway_service', current_schema());
END $$;

-- What the transaction sees, by its setting clearway.sees: «* public» in every jurisdiction what is public, «VN-72 carriers»
-- in one, «* @vnpt» what belongs to an organisation. A transaction that says nothing sees nothing.
CREATE FUNCTION seen() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('clearway.sees', true), '')::text[]
$$;
COMMENT ON FUNCTION seen() IS 'What the transaction says that it sees';
CREATE FUNCTION sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT seen() @> ARRAY['* public', '* carriers', '* government', '* restricted']
$$;
CREATE FUNCTION sees(jurisdiction text, visibility text, organisation text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ARRAY['* ' || visibility, '* @' || organisation, jurisdiction || ' ' || visibility] && seen()
$$;
COMMENT ON FUNCTION sees(text, text, text) IS 'The transaction sees a feature of this owner and visibility';
COMMENT ON FUNCTION sees_all() IS 'The transaction sees every feature of every jurisdiction';

DO $do$
DECLARE
    layer text;
    -- Each sublink is evaluated once for a statement, not for each row.
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
    -- What runs with the rights of the owner finds our own tables, and none that its caller puts before them.
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    FOREACH layer IN ARRAY ARRAY['works', 'corridors'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
        EXECUTE format('CREATE POLICY seen ON %I USING (%s) WITH CHECK (%s)', layer, seen_row, seen_row);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer || '_history');
        EXECUTE format('CREATE POLICY seen ON %I FOR SELECT USING (%s)', layer || '_history', seen_row);
    END LOOP;

    -- No function of PostGIS is leakproof, so beside a policy none can use an index. Here the same rows are found by the rights
    -- of the owner, and nothing is said of them but their ids.
    EXECUTE format($create$
        CREATE FUNCTION features_meeting(layer text, places text[], boxes geometry[], after uuid, most bigint)
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %s AS $body$
        BEGIN
            IF layer NOT IN ('works', 'corridors') THEN
                RAISE EXCEPTION 'no layer with a visibility: %%', layer;
            END IF;
            RETURN QUERY EXECUTE format(
                'SELECT id FROM %%I WHERE jurisdiction = ANY ($1) AND ($3 IS NULL OR id > $3) AND (%%s) AND (%%s) ORDER BY id LIMIT $4',
                layer, %L,
                (SELECT string_agg(format('ST_Intersects(geom, $2[%%s])', n), ' OR ') FROM generate_subscripts(boxes, 1) AS n)
            ) USING places, boxes, after, most;
        END $body$
    $create$, path, seen_row);

    EXECUTE format('ALTER FUNCTION keep_history() SECURITY DEFINER SET search_path = %s', path);

    EXECUTE format($create$
        CREATE FUNCTION versions_in(chain text, at bigint) RETURNS TABLE (ended bytea, began bytea)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT (
                SELECT sha256(string_agg(digest, ''::bytea ORDER BY id, digest)) FROM versions
                WHERE jurisdiction = chain AND ended_revision = at
            ), (
                SELECT sha256(string_agg(digest, ''::bytea ORDER BY id, digest)) FROM versions
                WHERE jurisdiction = chain AND revision = at
            )
        $body$
    $create$, path);

    EXECUTE format($create$
        CREATE FUNCTION versions_of(chain text) RETURNS SETOF versions
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT * FROM versions WHERE jurisdiction = chain AND (SELECT sees_all())
        $body$
    $create$, path);

    EXECUTE format($create$
        CREATE FUNCTION register_grid(grid integer) RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = %s AS $body$
            INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid) VALUES (grid, 'EPSG', grid) ON CONFLICT (srid) DO NOTHING
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION features_meeting(text, text[], geometry[], uuid, bigint) IS 'Ids of the features in some jurisdictions that the transaction sees and whose shape meets one of the boxes, after an id, in their order';
COMMENT ON FUNCTION versions_in(text, bigint) IS 'One digest of the versions that a revision ended, and one of those that it began';
COMMENT ON FUNCTION versions_of(text) IS 'The digest of every version there is or was in a jurisdiction, for a transaction that sees everything';
COMMENT ON FUNCTION register_grid(integer) IS 'Tells PostGIS of a grid of EPSG that it lacks';

REVOKE ALL ON FUNCTION features_meeting(text, text[], geometry[], uuid, bigint), versions_in(text, bigint), versions_of(text), register_grid(integer), keep_history() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION features_meeting(text, text[], geometry[], uuid, bigint), versions_in(text, bigint), versions_of(text), register_grid(integer) TO clearway_service;

GRANT SELECT, INSERT, UPDATE, DELETE ON works, corridors TO clearway_service;
GRANT SELECT ON works_history, corridors_history, coverage_areas_history, rule_packs_history, rule_parameters_history TO clearway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON coverage_areas TO clearway_service; -- UPDATE, to lock a row
GRANT SELECT, INSERT, DELETE ON rule_packs, rule_parameters TO clearway_service;
GRANT SELECT, INSERT ON jurisdictions TO clearway_service;
GRANT SELECT, INSERT, UPDATE (revision, recorded_at, audit_hash) ON revisions TO clearway_service;
-- What happened is added to, and never changed.
GRANT SELECT, INSERT ON audit_events, changes TO clearway_service;
GRANT SELECT, INSERT, UPDATE ON organisations, accounts TO clearway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failures, sessions, session_credentials TO clearway_service;
GRANT SELECT, INSERT, DELETE ON api_tokens TO clearway_service;
GRANT SELECT ON __diesel_schema_migrations TO clearway_service;
