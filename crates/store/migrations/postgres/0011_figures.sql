-- What has happened, counted behind the ack path: by spans of time (in seconds), for each company (zeros: unassigned) and
-- for all together (ones). It outlives what it counts; and up to which event and which attempt it is counted.
CREATE TABLE figure (
    company BYTEA NOT NULL,
    span INTEGER NOT NULL,
    what TEXT NOT NULL,
    at BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (company, span, at, what)
);
CREATE INDEX figure_by_time ON figure (span, at);
-- Who has the most events, without a walk over all else that is counted.
CREATE INDEX figure_of_events ON figure (span, at) WHERE what = 'event';

CREATE TABLE figured (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event BIGINT NOT NULL,
    attempt BIGINT NOT NULL
);
INSERT INTO figured VALUES (1, 0, 0);

-- Attempts are counted in the order in which they were stored.
CREATE SEQUENCE attempt_seq;
ALTER TABLE attempt ADD COLUMN seq BIGINT NOT NULL DEFAULT nextval('attempt_seq');
ALTER SEQUENCE attempt_seq OWNED BY attempt.seq;
CREATE UNIQUE INDEX attempt_in_order ON attempt (seq);
