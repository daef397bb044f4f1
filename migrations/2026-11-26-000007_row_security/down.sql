-- The role stays: other databases of the server may grant it something.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM clearway_service;
DROP FUNCTION register_grid(integer);
DROP FUNCTION versions_of(text);
DROP FUNCTION versions_in(text, bigint);
DROP FUNCTION features_meeting(text, text[], geometry[], uuid, bigint);
ALTER FUNCTION keep_history() SECURITY INVOKER RESET ALL;
DROP POLICY seen ON corridors_history;
DROP POLICY seen ON works_history;
DROP POLICY seen ON corridors;
DROP POLICY seen ON works;
ALTER TABLE corridors_history DISABLE ROW LEVEL SECURITY;
ALTER TABLE works_history DISABLE ROW LEVEL SECURITY;
ALTER TABLE corridors DISABLE ROW LEVEL SECURITY;
ALTER TABLE works DISABLE ROW LEVEL SECURITY;
DROP FUNCTION sees(text, text, text);
DROP FUNCTION sees_all();
DROP FUNCTION seen();
