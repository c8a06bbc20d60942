-- Ids are 16 bytes, times microseconds since 1970, JSON is text.

-- The installation's own values: instance id, check value of the sealing key.
CREATE TABLE kept (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row: the counter that every change of the configuration raises.
CREATE TABLE epoch (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);
INSERT INTO epoch VALUES (1, 1);

-- Companies, sources, integrations, event sets, rules, mappings, keys: small documents that are read whole.
CREATE TABLE item (
    id BYTEA PRIMARY KEY,
    kind TEXT NOT NULL,
    scope BYTEA NOT NULL,
    name_key TEXT NOT NULL,
    document TEXT NOT NULL,
    sealed BYTEA,
    UNIQUE (kind, scope, name_key)
);

-- Which item needs which. An owned item goes when its target goes.
CREATE TABLE reference (
    target BYTEA NOT NULL,
    item BYTEA NOT NULL,
    owned BOOLEAN NOT NULL,
    PRIMARY KEY (target, item)
);
CREATE INDEX reference_of_item ON reference (item);

CREATE TABLE key_use (
    id BYTEA PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE audit (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    what TEXT NOT NULL,
    id TEXT NOT NULL,
    detail TEXT NOT NULL,
    epoch BIGINT NOT NULL
);

-- The journal. `events` are the ids of its events, one after another.
CREATE TABLE message (
    id BYTEA PRIMARY KEY,
    source BYTEA,
    received_at BIGINT NOT NULL,
    headers TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    webhook_id TEXT,
    webhook_key BYTEA,
    decode TEXT NOT NULL,
    id_reused BOOLEAN NOT NULL,
    events BYTEA NOT NULL,
    raw BYTEA NOT NULL
);

-- By what a repeated message is known: the hash of source and webhook-id, and the hash of the body.
CREATE TABLE webhook_id (
    key BYTEA NOT NULL,
    sha256 BYTEA NOT NULL,
    message BYTEA NOT NULL,
    PRIMARY KEY (key, sha256)
);
-- Ids of messages ascend with time, so a few bytes for each range of pages tell which are old.
CREATE INDEX webhook_id_by_age ON webhook_id USING brin (message);

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    message BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);

-- `seq` is the order of storing: the live stream and the search index go on by it. It is taken from the sequence
-- while a lock of its transaction marks where the finished part ends.
-- `deliveries` are triples of ids (delivery, integration, rule), one after another.
CREATE SEQUENCE event_seq;
CREATE TABLE event (
    seq BIGINT PRIMARY KEY DEFAULT nextval('event_seq'),
    id BYTEA NOT NULL,
    message BYTEA NOT NULL,
    source BYTEA,
    company BYTEA,
    kind TEXT,
    category TEXT,
    severity SMALLINT NOT NULL,
    decode TEXT NOT NULL,
    matched TEXT NOT NULL,
    routing TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    count INTEGER NOT NULL,
    epoch BIGINT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    reading TEXT NOT NULL,
    via TEXT,
    deliveries BYTEA NOT NULL
);
ALTER SEQUENCE event_seq OWNED BY event.seq;
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_of_company ON event (company, id);

-- Where equal fingerprints of a source are counted on the first event for a while.
CREATE TABLE fingerprint (
    source BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    event BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (source, fingerprint)
);
CREATE INDEX fingerprint_by_age ON fingerprint (seen_at);

-- Filled behind the ack path, up to the event whose seq stands in `indexed`. `words` are split by the program,
-- for the parser of text search would take an address or a host name for one word.
CREATE TABLE indexed (
    one SMALLINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);
INSERT INTO indexed VALUES (1, 0);
CREATE TABLE event_text (
    seq BIGINT PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX event_text_words ON event_text USING gin (words);
CREATE TABLE event_fingerprint (
    fingerprint BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (fingerprint, seq)
);

-- `lane`: 0 critical, 1 first tries, 2 retries. `group_key` is set while the group is open.
-- The alert (body, headers, hash) is set once, when the delivery is sealed.
CREATE TABLE delivery (
    id BYTEA PRIMARY KEY,
    integration BYTEA NOT NULL,
    lane SMALLINT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    not_before BIGINT,
    parked_since BIGINT,
    reason TEXT,
    cause TEXT,
    critical BOOLEAN NOT NULL,
    rule BYTEA NOT NULL,
    company BYTEA NOT NULL,
    event BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    replay_of BYTEA,
    group_key TEXT,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    hash BYTEA,
    headers TEXT,
    body BYTEA
);
CREATE INDEX delivery_due ON delivery (integration, lane, due_at) WHERE status = 'pending';
CREATE INDEX delivery_of_integration ON delivery (integration, id);
CREATE INDEX delivery_dead ON delivery (id) WHERE status = 'dead';
CREATE UNIQUE INDEX delivery_open_group ON delivery (group_key) WHERE group_key IS NOT NULL;

-- Events that joined a delivery after its first one.
CREATE TABLE delivery_event (
    delivery BYTEA NOT NULL,
    event BYTEA NOT NULL,
    PRIMARY KEY (delivery, event)
);

CREATE TABLE attempt (
    delivery BYTEA NOT NULL,
    number INTEGER NOT NULL,
    id BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    cause TEXT,
    detail TEXT,
    status_code SMALLINT,
    address TEXT,
    timings TEXT NOT NULL,
    request_headers TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
);

-- Who works an integration, and its gate. `held` repeats what the gate says, so that lists can ask.
CREATE TABLE owner (
    integration BYTEA PRIMARY KEY,
    enabled BOOLEAN NOT NULL,
    held BOOLEAN NOT NULL,
    gate TEXT NOT NULL,
    node BYTEA,
    number BIGINT NOT NULL,
    until BIGINT NOT NULL
);

-- What retention took, by day, so that the rest can still be proved whole.
CREATE TABLE pruned (
    day BIGINT NOT NULL,
    class TEXT NOT NULL,
    count BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (day, class)
);
