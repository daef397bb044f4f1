ALTER TABLE site_check_progress DROP COLUMN day, DROP COLUMN widest_m;
