-- What was recorded since stays as it is.
ALTER TABLE site_requests DROP CONSTRAINT site_requests_waits_for_known;
ALTER TABLE site_requests ADD CONSTRAINT site_requests_waits_for_known CHECK (waits_for IN ('owner', 'officer', 'consultee', 'approver')) NOT VALID;
