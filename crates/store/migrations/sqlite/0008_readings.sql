-- All readings of the events that were read more than once, the first among them: what an event says is its newest one.
CREATE TABLE event_reading (
    event BLOB NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    company BLOB,
    kind TEXT,
    category TEXT,
    severity INTEGER NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    reading TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    occurred_at INTEGER,
    PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

-- What was not understood is listed without a walk over all that was.
CREATE INDEX event_unmatched ON event (id) WHERE matched = 'none';
CREATE INDEX event_undecoded ON event (id) WHERE decode = 'failed';

-- The seal of the journal, written behind the ack path: for each day the number of messages and the sum of their keyed
-- hashes, and one row over all days with how far the journal is sealed. `mac` is over the row itself.
CREATE TABLE seal (
    day INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    sum BLOB NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE sealed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sum BLOB NOT NULL,
    mac BLOB NOT NULL
) STRICT;

-- What was pruned is summed like what was sealed, messages by their own day. What was chained before is kept under another name.
ALTER TABLE pruned ADD COLUMN mac BLOB;
UPDATE pruned SET class = class || ' (chained)';
