DROP FUNCTION forget_changes(text, integer, bigint, bigint);
ALTER TABLE revisions DROP COLUMN changes_after;
