-- A request counts as granted by its class in whatever case it was written, as the checks read it.
DO $do$
BEGIN
    EXECUTE (
        SELECT replace(pg_get_functiondef(p.oid), 'r.class = ''permitted''', 'lower(btrim(r.class)) = ''permitted''')
        FROM pg_proc AS p WHERE p.proname = 'zones_touched' AND p.pronamespace = current_schema()::regnamespace
    );
END
$do$;
