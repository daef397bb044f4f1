-- Whoever was asked about a site request, and has answered, or whose last day is over, reads of its documents those that he added
-- himself; and of its past the versions in which he was asked, on
-- which his answer rests.
CREATE FUNCTION request_seen_whole(place text, request uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM site_requests AS r JOIN jurisdictions AS j ON j.code = r.jurisdiction
        WHERE r.jurisdiction = place AND r.id = request AND (
            ARRAY['* government', place || ' government', '* @' || r.organisation] && seen()
            OR EXISTS (
                SELECT FROM unnest(r.asked, r.answer_by) AS a (code, last)
                WHERE ARRAY['* ?' || a.code, place || ' ?' || a.code] && seen()
                    AND (a.last IS NULL OR a.last >= (now() AT TIME ZONE j.time_zone)::date)
            )
        )
    )
$$;
COMMENT ON FUNCTION request_seen_whole(text, uuid) IS 'The transaction sees a site request, and not only that it was asked about it';

CREATE OR REPLACE FUNCTION document_seen(d documents) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT o.owner IS NOT NULL AND (
        d.redacts IS NOT NULL
        OR ARRAY['* restricted', d.jurisdiction || ' restricted', '* @' || d.organisation, '* @' || o.owner] && seen()
    ) AND (
        d.noun <> 'site_request' OR ('* @' || d.organisation) = ANY (seen()) OR request_seen_whole(d.jurisdiction, d.holder)
    ) FROM (SELECT document_owner(d.noun, d.jurisdiction, d.holder) AS owner) AS o
$$;

-- Whoever answers ends a version that he does not see any more: of that he has the digest for the event, and nothing else.
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'postgis' AND n.nspname <> current_schema()
    ), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION ended_request_digest(place text, request uuid, number integer) RETURNS bytea
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT version_digest(h) FROM site_requests_history AS h
            WHERE jurisdiction = place AND id = request AND version = number
        $body$
    $create$, path);
    EXECUTE format($create$
        CREATE FUNCTION last_counted_version(place text, request uuid, own text)
        RETURNS TABLE (revision bigint, recorded_at timestamptz)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT v.revision, v.recorded_at FROM (
                SELECT p.version, p.revision, p.recorded_at FROM site_requests AS p
                WHERE p.jurisdiction = place AND p.id = request
                UNION ALL
                SELECT h.version, h.revision, h.recorded_at FROM site_requests_history AS h
                WHERE h.jurisdiction = place AND h.id = request
            ) AS v WHERE NOT EXISTS (
                SELECT FROM site_request_events AS e
                WHERE e.jurisdiction = place AND e.request = last_counted_version.request AND e.revision = v.revision
                    AND (e.event = 'lapse_consultation' OR e.event = 'answer' AND (own IS NULL OR e.organisation IS DISTINCT FROM own))
            ) ORDER BY v.version DESC LIMIT 1
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION last_counted_version(text, uuid, text) IS 'Revision and moment of the last version of a site request that did not begin with an answer of somebody else or the end of a time for one';
REVOKE ALL ON FUNCTION last_counted_version(text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION last_counted_version(text, uuid, text) TO clearway_service;
COMMENT ON FUNCTION ended_request_digest(text, uuid, integer) IS 'The digest of a version of a site request that has ended, whoever ended it';
REVOKE ALL ON FUNCTION ended_request_digest(text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ended_request_digest(text, uuid, integer) TO clearway_service;

ALTER POLICY seen ON site_requests_history USING (
    ('* @' || organisation) = ANY ((SELECT seen())::text[])
    OR (state <> 'draft' AND (
        '* government' = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' government') = ANY ((SELECT seen())::text[])
    ))
);
