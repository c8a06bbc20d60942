-- What has happened, counted behind the ack path: by spans of time (in seconds), for each company (zeros: unassigned) and
-- for all together (ones). It outlives what it counts; and up to which event and which attempt it is counted.
CREATE TABLE figure (
    company BLOB NOT NULL,
    span INTEGER NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (company, span, at, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX figure_by_time ON figure (span, at);
-- Who has the most events, without a walk over all else that is counted.
CREATE INDEX figure_of_events ON figure (span, at) WHERE what = 'event';

CREATE TABLE figured (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event INTEGER NOT NULL,
    attempt INTEGER NOT NULL
) STRICT;
INSERT INTO figured VALUES (1, 0, 0);
