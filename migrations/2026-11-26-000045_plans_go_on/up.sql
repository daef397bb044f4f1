-- A version of a plan whose amendment is taken back before its day goes on, which is a step of its own.
ALTER TABLE plan_events DROP CONSTRAINT plan_events_event_known;
ALTER TABLE plan_events ADD CONSTRAINT plan_events_event_known CHECK (event IN ('begin_appraisal', 'appraise', 'submit', 'waive', 'return', 'reject', 'approve', 'publish', 'suspend', 'revoke', 'supersede', 'go_on', 'expire'));
