-- What a zone says in a check names who signed the decision of its plan. A decision stays as it is, so that it is looked up where the
-- index is filled, and stands for zones that were published before, too. Whoever fills the index may see less than plans.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION zone_signer(place text, zone uuid) RETURNS text
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %s AS $body$
            SELECT p.decision_signer FROM zones AS z JOIN plans AS p ON p.jurisdiction = z.jurisdiction AND p.id = z.plan
            WHERE z.jurisdiction = place AND z.id = zone
        $body$
    $create$, concat_ws(', ', 'pg_catalog', quote_ident(current_schema()), 'pg_temp'));
END $do$;
COMMENT ON FUNCTION zone_signer(text, uuid) IS 'Who signed the decision of the plan of a zone; null of what is no zone of a plan';
REVOKE ALL ON FUNCTION zone_signer(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zone_signer(text, uuid) TO clearway_service;
