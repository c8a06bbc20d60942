-- What each company is known to have, by fingerprint, with the event that first told of it. Only requests that raise what is
-- new alone write and read it; it outlives its events.
CREATE TABLE known (
    company BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    event BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (company, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_by_age ON known (seen_at);
