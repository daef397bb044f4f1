-- Kept site checks are looked at again when a day comes, and as far round as the rules of now reach.

ALTER TABLE site_check_progress ADD COLUMN day date;
ALTER TABLE site_check_progress ADD COLUMN widest_m double precision NOT NULL DEFAULT 0;
COMMENT ON COLUMN site_check_progress.day IS 'For which day of the jurisdiction its runs were looked at last; null: for none yet';
COMMENT ON COLUMN site_check_progress.widest_m IS 'The widest that runs looked round their place when they were answered again, m: later rules may reach farther than those of a run';
