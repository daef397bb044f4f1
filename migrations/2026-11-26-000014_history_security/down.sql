DO $do$
DECLARE
    layer text;
    seen_row constant text := $policy$
        (SELECT sees_all())
        OR ('* ' || visibility) = ANY ((SELECT seen())::text[])
        OR ('* @' || organisation) = ANY ((SELECT seen())::text[])
        OR (jurisdiction || ' ' || visibility) = ANY ((SELECT seen())::text[])
    $policy$;
BEGIN
    FOREACH layer IN ARRAY ARRAY['works', 'corridors', 'reference_features'] LOOP
        EXECUTE format('ALTER POLICY seen ON %I USING (%s)', layer || '_history', seen_row);
        EXECUTE format('DROP FUNCTION %I(text, uuid)', layer || '_newest_seen');
    END LOOP;
END $do$;
