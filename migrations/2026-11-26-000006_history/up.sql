-- A moment is resolved to the revision that was recorded by then, of every jurisdiction at once.
CREATE INDEX audit_events_recorded_at_idx ON audit_events (jurisdiction, recorded_at);
