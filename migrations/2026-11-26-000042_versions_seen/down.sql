DROP INDEX zones_history_id_idx;
ALTER POLICY seen ON plans_history USING ((SELECT sees_all()));
ALTER POLICY seen ON zones_history USING ((SELECT sees_all()));
