-- A code is unique among what its writer sees, which the service looks at; what he does not see takes no code away from him.
-- Whoever writes a feature of an owner and a visibility sees all of that owner and visibility, so this tells him nothing new.
ALTER TABLE works DROP CONSTRAINT works_code_key;
ALTER TABLE works ADD CONSTRAINT works_code_key UNIQUE (jurisdiction, code, organisation, visibility);
ALTER TABLE corridors DROP CONSTRAINT corridors_code_key;
ALTER TABLE corridors ADD CONSTRAINT corridors_code_key UNIQUE (jurisdiction, code, organisation, visibility);
