-- Whoever follows a jurisdiction asks after each commit whether what it holds is what stood there before: the counter itself says
-- so, and the trail, which grows, is asked only by those who are further behind.
ALTER TABLE revisions ADD COLUMN previous_at timestamptz;
COMMENT ON COLUMN revisions.previous_at IS 'When the revision before this one was recorded';
GRANT UPDATE (previous_at) ON revisions TO clearway_service;
