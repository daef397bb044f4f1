-- Of a union of which one part has another type, PostgreSQL asks every part for all its rows before it looks at their revision: each
-- write that asks for its versions read, and digested, all there was.
DO $do$
DECLARE
    before constant text := pg_get_viewdef('versions'::regclass);
    after constant text := replace(before, '    1 AS revision,', '    1::bigint AS revision,');
BEGIN
    IF before = after THEN
        RAISE EXCEPTION 'the view of versions is not the one that is known';
    END IF;
    EXECUTE 'CREATE OR REPLACE VIEW versions AS ' || after;
END $do$;
