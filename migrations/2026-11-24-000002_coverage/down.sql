DELETE FROM changes WHERE kind = 'coverage';
ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind IN ('insert', 'update', 'delete', 'bulk'));
DROP TABLE coverage_areas;
