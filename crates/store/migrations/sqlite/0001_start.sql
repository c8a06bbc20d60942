-- Ids are 16 bytes, times microseconds since 1970, JSON is text.

-- The installation's own values: instance id, check value of the sealing key.
CREATE TABLE kept (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the counter that every change of the configuration raises.
CREATE TABLE epoch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO epoch VALUES (1, 1);

-- Companies, sources, integrations, event sets, rules, mappings, keys: small documents that are read whole.
CREATE TABLE item (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    scope BLOB NOT NULL,
    name_key TEXT NOT NULL,
    document TEXT NOT NULL,
    sealed BLOB,
    UNIQUE (kind, scope, name_key)
) STRICT, WITHOUT ROWID;

-- Which item needs which. An owned item goes when its target goes.
CREATE TABLE reference (
    target BLOB NOT NULL,
    item BLOB NOT NULL,
    owned INTEGER NOT NULL,
    PRIMARY KEY (target, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_of_item ON reference (item);

CREATE TABLE key_use (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    what TEXT NOT NULL,
    id TEXT NOT NULL,
    detail TEXT NOT NULL,
    epoch INTEGER NOT NULL
) STRICT;

-- Large rows stand in the order of storing, by `seq`, and are found by an index of their ids: appending to such a table
-- costs less than keeping large rows in the order of their ids.

-- The journal. `events` are the ids of its events, one after another.
CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    source BLOB,
    received_at INTEGER NOT NULL,
    headers TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    webhook_id TEXT,
    webhook_key BLOB,
    decode TEXT NOT NULL,
    id_reused INTEGER NOT NULL,
    events BLOB NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_id ON message (id);

-- By what a repeated message is known: the hash of source and webhook-id, and the hash of the body.
CREATE TABLE webhook_id (
    key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (key, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    message BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at);

-- The live stream and the search index go on by `seq`.
-- `deliveries` are triples of ids (delivery, integration, rule), one after another.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    message BLOB NOT NULL,
    source BLOB,
    company BLOB,
    kind TEXT,
    category TEXT,
    severity INTEGER NOT NULL,
    decode TEXT NOT NULL,
    matched TEXT NOT NULL,
    routing TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    reading TEXT NOT NULL,
    via TEXT,
    deliveries BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_of_company ON event (company, id);

-- Where equal fingerprints of a source are counted on the first event for a while.
CREATE TABLE fingerprint (
    source BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    event BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (source, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprint_by_age ON fingerprint (seen_at);

-- Filled behind the ack path, up to the event whose seq stands in `indexed`.
CREATE TABLE indexed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO indexed VALUES (1, 0);
CREATE VIRTUAL TABLE event_text USING fts5 (subject, body, content = 'event', content_rowid = 'seq');
CREATE TABLE event_fingerprint (
    fingerprint BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, seq)
) STRICT, WITHOUT ROWID;

-- `lane`: 0 critical, 1 first tries, 2 retries. `group_key` is set while the group is open.
-- The alert (body, headers, hash) is set once, when the delivery is sealed.
CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    integration BLOB NOT NULL,
    lane INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    not_before INTEGER,
    parked_since INTEGER,
    reason TEXT,
    cause TEXT,
    critical INTEGER NOT NULL,
    rule BLOB NOT NULL,
    company BLOB NOT NULL,
    event BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    replay_of BLOB,
    group_key TEXT,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    hash BLOB,
    headers TEXT,
    body BLOB
) STRICT;
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_due ON delivery (integration, lane, due_at) WHERE status = 'pending';
CREATE INDEX delivery_of_integration ON delivery (integration, id);
CREATE INDEX delivery_dead ON delivery (id) WHERE status = 'dead';
CREATE UNIQUE INDEX delivery_open_group ON delivery (group_key) WHERE group_key IS NOT NULL;

-- Events that joined a delivery after its first one.
CREATE TABLE delivery_event (
    delivery BLOB NOT NULL,
    event BLOB NOT NULL,
    PRIMARY KEY (delivery, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    seq INTEGER PRIMARY KEY,
    delivery BLOB NOT NULL,
    number INTEGER NOT NULL,
    id BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    cause TEXT,
    detail TEXT,
    status_code INTEGER,
    address TEXT,
    timings TEXT NOT NULL,
    request_headers TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX attempt_of_delivery ON attempt (delivery, number);

-- Who works an integration, and its gate. `held` repeats what the gate says, so that lists can ask.
CREATE TABLE owner (
    integration BLOB PRIMARY KEY,
    enabled INTEGER NOT NULL,
    held INTEGER NOT NULL,
    gate TEXT NOT NULL,
    node BLOB,
    number INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What retention took, by day, so that the rest can still be proved whole.
CREATE TABLE pruned (
    day INTEGER NOT NULL,
    class TEXT NOT NULL,
    count INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (day, class)
) STRICT, WITHOUT ROWID;
