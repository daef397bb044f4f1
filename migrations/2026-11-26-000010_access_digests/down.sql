DROP FUNCTION access_digest(text, text);
DROP VIEW access_present;
DROP TABLE access_versions;
DROP FUNCTION access_versions_stay();
DROP FUNCTION version_digest(sessions);
DROP FUNCTION version_digest(api_tokens);
DROP FUNCTION version_digest(accounts);
DROP FUNCTION version_digest(organisations);
