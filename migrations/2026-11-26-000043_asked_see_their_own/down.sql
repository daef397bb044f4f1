ALTER POLICY seen ON site_requests_history USING (
    ('* @' || organisation) = ANY ((SELECT seen())::text[])
    OR (state <> 'draft' AND (
        '* government' = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' government') = ANY ((SELECT seen())::text[])
        OR (consulted <> '{}' AND state <> 'returned_for_supplement' AND EXISTS (
            SELECT FROM unnest(consulted) AS c (code)
            WHERE ('* ?' || c.code) = ANY ((SELECT seen())::text[])
                OR (jurisdiction || ' ?' || c.code) = ANY ((SELECT seen())::text[])
        ))
    ))
);
DROP FUNCTION last_counted_version(text, uuid, text);
DROP FUNCTION ended_request_digest(text, uuid, integer);
CREATE OR REPLACE FUNCTION document_seen(d documents) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT o.owner IS NOT NULL AND (
        d.redacts IS NOT NULL
        OR ARRAY['* restricted', d.jurisdiction || ' restricted', '* @' || d.organisation, '* @' || o.owner] && seen()
    ) FROM (SELECT document_owner(d.noun, d.jurisdiction, d.holder) AS owner) AS o
$$;
DROP FUNCTION request_seen_whole(text, uuid);
