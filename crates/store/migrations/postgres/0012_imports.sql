-- What imports found waits here for its turn, a batch of findings a row, as JSON. The rows of a job are written before it
-- begins, and go when it ends; those of an upload that broke off go with the jobs of their time.
CREATE TABLE job_finding (
    job BYTEA NOT NULL,
    number BIGINT NOT NULL,
    findings TEXT NOT NULL,
    PRIMARY KEY (job, number)
);

-- Of an import: what became of its findings by their sort; the key that the request for it came under, and the digest of
-- what the request held.
ALTER TABLE job ADD COLUMN tally TEXT;
ALTER TABLE job ADD COLUMN once TEXT;
ALTER TABLE job ADD COLUMN once_digest BYTEA;
CREATE UNIQUE INDEX job_once ON job (once) WHERE once IS NOT NULL;
