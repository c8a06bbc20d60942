-- What each item was from one epoch until another; the present state where `until` is null. A change ends the rows of
-- what it touches and adds what it made of it, so the state of an epoch is the rows that held then.
CREATE TABLE revision (
    item BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    until BIGINT,
    kind TEXT NOT NULL,
    scope BYTEA NOT NULL,
    name_key TEXT NOT NULL,
    document TEXT NOT NULL,
    sealed BYTEA,
    PRIMARY KEY (item, epoch)
);
CREATE INDEX revision_begun ON revision (epoch);
CREATE INDEX revision_ended ON revision (until) WHERE until IS NOT NULL;

-- When each epoch began, as far back as revisions reach. Nobody knows when the first one did, so it counts as the oldest.
CREATE TABLE epoch_at (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);

INSERT INTO revision
    SELECT id, number, NULL, kind, scope, name_key, document, sealed FROM item, epoch;
INSERT INTO epoch_at SELECT number, 0 FROM epoch;

CREATE INDEX audit_of_thing ON audit (id, number);
CREATE INDEX audit_of_epoch ON audit (epoch, number);
