ALTER TABLE corridors DROP CONSTRAINT corridors_code_key;
ALTER TABLE corridors ADD CONSTRAINT corridors_code_key UNIQUE (jurisdiction, code);
ALTER TABLE works DROP CONSTRAINT works_code_key;
ALTER TABLE works ADD CONSTRAINT works_code_key UNIQUE (jurisdiction, code);
