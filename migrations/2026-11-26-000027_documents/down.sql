-- The view without its last part, which is that of the documents.
DO $do$
DECLARE
    whole constant text := pg_get_viewdef('versions'::regclass);
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW versions AS '
        || left(whole, length(whole) - position(reverse('UNION ALL') IN reverse(whole)) - length('UNION ALL') + 1);
END $do$;
DROP TABLE documents CASCADE;
DROP FUNCTION documents_stay();
DROP FUNCTION document_owner(text, text, uuid);
