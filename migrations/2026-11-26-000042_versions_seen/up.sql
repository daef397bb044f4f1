-- Versions of plans and zones that have ended are read as they were, by whoever saw them then: of a plan by what its version says,
-- of a zone only by whoever sees drafts, for nothing else of one ever ends.
DO $do$
DECLARE
    sees constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || %1$s) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || %1$s) = ANY ((SELECT seen())::text[])
    $policy$;
BEGIN
    EXECUTE format('ALTER POLICY seen ON plans_history USING (%s)', format(sees, 'visibility'));
    EXECUTE format('ALTER POLICY seen ON zones_history USING (%s)', format(sees, quote_literal('government')));
END $do$;
CREATE INDEX zones_history_id_idx ON zones_history (id);
