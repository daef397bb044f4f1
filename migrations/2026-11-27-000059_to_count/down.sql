DROP TABLE site_requests_to_count;
