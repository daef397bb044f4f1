-- Steps are never rewritten: those that were recorded since stay, and no more are.
ALTER TABLE plan_events DROP CONSTRAINT plan_events_event_known;
ALTER TABLE plan_events ADD CONSTRAINT plan_events_event_known CHECK (event IN ('begin_appraisal', 'appraise', 'submit', 'waive', 'return', 'reject', 'approve', 'publish', 'suspend', 'revoke', 'supersede', 'expire')) NOT VALID;
