-- As it was: by its class in lower case alone.
DO $do$
BEGIN
    EXECUTE (
        SELECT replace(pg_get_functiondef(p.oid), 'lower(btrim(r.class)) = ''permitted''', 'r.class = ''permitted''')
        FROM pg_proc AS p WHERE p.proname = 'zones_touched' AND p.pronamespace = current_schema()::regnamespace
    );
END
$do$;
