-- A request waits for an officer and for its carrier, where that has something to bring: what shows that a condition is met, or an agreement.
ALTER TABLE site_requests DROP CONSTRAINT site_requests_waits_for_known;
ALTER TABLE site_requests ADD CONSTRAINT site_requests_waits_for_known CHECK (waits_for IN ('owner', 'officer', 'consultee', 'approver', 'owner_and_officer'));
