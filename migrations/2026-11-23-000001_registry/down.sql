DROP TABLE audit_events;
DROP TABLE changes;
DROP TABLE corridors;
DROP TABLE works;
DROP TABLE revisions;
DROP TABLE jurisdictions;
DELETE FROM spatial_ref_sys WHERE srid BETWEEN 9205 AND 9218 AND srtext IS NULL;
DROP EXTENSION btree_gist;
DROP EXTENSION postgis;
