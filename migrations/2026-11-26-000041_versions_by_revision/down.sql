DO $do$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW versions AS '
        || replace(pg_get_viewdef('versions'::regclass), '    (1)::bigint AS revision,', '    1 AS revision,');
END $do$;
