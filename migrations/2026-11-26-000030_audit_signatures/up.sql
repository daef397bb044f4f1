-- Where the service has a key, each event says by whom, and how, its hash was signed as the head of its chain, in the very
-- transaction: whoever sees a decision has a head that nobody can make later.
ALTER TABLE audit_events
    ADD COLUMN signer text CONSTRAINT audit_events_signer_hex CHECK (signer ~ '^[0-9a-f]{64}$'),
    ADD COLUMN signature text CONSTRAINT audit_events_signature_hex CHECK (signature ~ '^[0-9a-f]{128}$'),
    ADD CONSTRAINT audit_events_signed_whole CHECK ((signer IS NULL) = (signature IS NULL));
COMMENT ON COLUMN audit_events.signer IS 'Public key (Ed25519) of who signed the head that this event became, at recorded_at';
DROP FUNCTION audit_heads(text, bigint[]);
DO $do$
DECLARE
    path constant text := concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp');
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION audit_heads(place text, revisions bigint[])
        RETURNS TABLE (revision bigint, hash bytea, recorded_at timestamptz, signer text, signature text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT e.revision, e.hash, e.recorded_at, e.signer, e.signature FROM audit_events AS e
            WHERE e.jurisdiction = place AND e.revision = ANY (revisions) AND e.hash IS NOT NULL
        $body$
    $create$, path);
END $do$;
COMMENT ON FUNCTION audit_heads(text, bigint[]) IS 'The heads that the audit trail of a jurisdiction had after these revisions, as they were signed';
REVOKE ALL ON FUNCTION audit_heads(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_heads(text, bigint[]) TO clearway_service;
