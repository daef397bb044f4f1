DROP TABLE restricted_reads;
DROP FUNCTION restricted_reads_stay();
