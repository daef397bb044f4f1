DELETE FROM changes WHERE kind = 'rules';
ALTER TABLE changes DROP CONSTRAINT changes_id_unless_bulk;
ALTER TABLE changes ADD CONSTRAINT changes_id_unless_bulk CHECK ((id IS NULL) = (kind = 'bulk'));
ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind IN ('insert', 'update', 'delete', 'bulk', 'coverage'));
DROP TABLE rule_parameters;
DROP TABLE rule_packs;
ALTER TABLE corridors DROP COLUMN voltage_kv;
