-- Long pieces of work: replays. What a job takes is fixed when it is made: it stands in `job_part`, a thousand items a
-- row, each 16 bytes of id and one of what is meant for it. `size` is their number, `cursor` how many are behind it.
CREATE TABLE job (
    id BYTEA PRIMARY KEY,
    spec TEXT NOT NULL,
    everyone BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    rate INTEGER NOT NULL,
    size BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    actor TEXT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    ended_at BIGINT,
    node BYTEA,
    number BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX job_unfinished ON job (id) WHERE state IN ('running', 'paused');

-- The companies that whoever made the job is bound to; none where `everyone` is set.
CREATE TABLE job_company (
    job BYTEA NOT NULL,
    company BYTEA NOT NULL,
    PRIMARY KEY (job, company)
);

CREATE TABLE job_part (
    job BYTEA NOT NULL,
    number BIGINT NOT NULL,
    items BYTEA NOT NULL,
    PRIMARY KEY (job, number)
);

-- Dead letters by cause, counted from the index alone.
CREATE INDEX delivery_dead_by_cause ON delivery (integration, reason, cause, company, created_at) WHERE status = 'dead';

-- What went nowhere is listed without a walk over all that did.
CREATE INDEX event_unrouted ON event (id) WHERE routing <> 'routed';
