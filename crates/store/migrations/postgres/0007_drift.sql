-- What is known of the reading of each subject's alerts, by company (zeros: unassigned), source and the hash of the
-- subject; and up to which event it is known.
CREATE TABLE drift (
    company BYTEA NOT NULL,
    source BYTEA NOT NULL,
    subject_key BYTEA NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    misses BYTEA NOT NULL,
    opened_at BIGINT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (company, source, subject_key)
);
CREATE INDEX drift_open ON drift (opened_at) WHERE opened_at IS NOT NULL;
CREATE INDEX drift_by_age ON drift (changed_at);

CREATE TABLE drift_seen (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);
INSERT INTO drift_seen SELECT 1, coalesce(max(seq), 0) FROM event;
