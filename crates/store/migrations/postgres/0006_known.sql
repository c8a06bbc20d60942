-- What each company is known to have, by fingerprint, with the event that first told of it. Only requests that raise what is
-- new alone write and read it; it outlives its events.
CREATE TABLE known (
    company BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    event BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (company, fingerprint)
);
CREATE INDEX known_by_age ON known (seen_at);
