ALTER TABLE revisions DROP COLUMN previous_at;
