-- Long pieces of work: replays. What a job takes is fixed when it is made: it stands in `job_part`, a thousand items a
-- row, each 16 bytes of id and one of what is meant for it. `size` is their number, `cursor` how many are behind it.
CREATE TABLE job (
    id BLOB PRIMARY KEY,
    spec TEXT NOT NULL,
    everyone INTEGER NOT NULL,
    state TEXT NOT NULL,
    rate INTEGER NOT NULL,
    size INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    actor TEXT NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    ended_at INTEGER,
    node BLOB,
    number INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_unfinished ON job (id) WHERE state IN ('running', 'paused');

-- The companies that whoever made the job is bound to; none where `everyone` is set.
CREATE TABLE job_company (
    job BLOB NOT NULL,
    company BLOB NOT NULL,
    PRIMARY KEY (job, company)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_part (
    job BLOB NOT NULL,
    number INTEGER NOT NULL,
    items BLOB NOT NULL,
    PRIMARY KEY (job, number)
) STRICT;

-- Dead letters by cause, counted from the index alone.
CREATE INDEX delivery_dead_by_cause ON delivery (integration, reason, cause, company, created_at) WHERE status = 'dead';

-- What went nowhere is listed without a walk over all that did.
CREATE INDEX event_unrouted ON event (id) WHERE routing <> 'routed';
