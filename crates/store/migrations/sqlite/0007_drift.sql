-- What is known of the reading of each subject's alerts, by company (zeros: unassigned), source and the hash of the
-- subject; and up to which event it is known.
CREATE TABLE drift (
    company BLOB NOT NULL,
    source BLOB NOT NULL,
    subject_key BLOB NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    misses BLOB NOT NULL,
    opened_at INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (company, source, subject_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX drift_open ON drift (opened_at) WHERE opened_at IS NOT NULL;
CREATE INDEX drift_by_age ON drift (changed_at);

CREATE TABLE drift_seen (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO drift_seen SELECT 1, coalesce(max(seq), 0) FROM event;
