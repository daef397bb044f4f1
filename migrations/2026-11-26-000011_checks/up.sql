-- Revisions count from 1: a feature that says it is of an earlier one was written behind the service.
ALTER TABLE works ADD CONSTRAINT works_revision_positive CHECK (revision > 0);
ALTER TABLE works_history ADD CONSTRAINT works_history_revision_positive CHECK (revision > 0 AND ended_revision > 0);
ALTER TABLE corridors ADD CONSTRAINT corridors_revision_positive CHECK (revision > 0);
ALTER TABLE corridors_history ADD CONSTRAINT corridors_history_revision_positive CHECK (revision > 0 AND ended_revision > 0);
