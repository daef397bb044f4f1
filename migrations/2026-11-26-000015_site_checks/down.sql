DROP FUNCTION site_checks_meeting(geometry[]);
DROP TABLE site_check_progress;
DROP TABLE site_check_marks;
DROP TABLE site_check_waivers;
DROP TABLE site_checks;
DROP FUNCTION site_checks_stay();
