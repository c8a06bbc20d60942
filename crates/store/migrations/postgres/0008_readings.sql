-- All readings of the events that were read more than once, the first among them: what an event says is its newest one.
CREATE TABLE event_reading (
    event BYTEA NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    company BYTEA,
    kind TEXT,
    category TEXT,
    severity SMALLINT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    reading TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    occurred_at BIGINT,
    PRIMARY KEY (event, number)
);

-- What was not understood is listed without a walk over all that was.
CREATE INDEX event_unmatched ON event (id) WHERE matched = 'none';
CREATE INDEX event_undecoded ON event (id) WHERE decode = 'failed';

-- The seal of the journal, written behind the ack path: for each day the number of messages and the sum of their keyed
-- hashes, and one row over all days with how far the journal is sealed. `mac` is over the row itself.
CREATE TABLE seal (
    day BIGINT PRIMARY KEY,
    count BIGINT NOT NULL,
    sum BYTEA NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE sealed (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    count BIGINT NOT NULL,
    sum BYTEA NOT NULL,
    mac BYTEA NOT NULL
);

-- Messages are sealed in the order of storing, which they are given from the one sequence that events are.
ALTER TABLE message ADD COLUMN seq BIGINT;
UPDATE message SET seq = nextval('event_seq');
ALTER TABLE message ALTER COLUMN seq SET DEFAULT nextval('event_seq'), ALTER COLUMN seq SET NOT NULL;
CREATE UNIQUE INDEX message_seq ON message (seq);

-- What was pruned is summed like what was sealed, messages by their own day. What was chained before is kept under another name.
ALTER TABLE pruned ADD COLUMN mac BYTEA;
UPDATE pruned SET class = class || ' (chained)';
