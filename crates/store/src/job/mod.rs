//! Long pieces of work that survive a restart: replays, re-readings and imports. What a job takes is fixed when it is made; a node works it under a
//! lease, and each step moves the cursor in the transaction of what it did, so nothing is done twice.

mod import;
mod postgres;
mod row;
mod sqlite;

use std::num::NonZeroU32;
use std::time::Duration;

use delivery::NewDelivery;
use delivery::replay::{Asked, JobState, Progress};
use domain::access::{Actor, Scope};
use domain::finding::Tally;
use domain::{DeliveryId, EventId, IntegrationId, JobId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delivery::Target;
use crate::reading::NewReadings;
use crate::{Backend, Page, PageAt, Store, StoreError};

pub use import::{Begun, FINDINGS_BATCH, ImportSpec, NewImport, Once};
pub use row::{Item, Listed};
pub(crate) use row::{Listing, PreparedStep};

/// What a job was asked to do. The filters are kept in the caller's words, for people to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSpec {
    /// Deliveries again, or to another integration.
    Deliveries {
        filter: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<IntegrationId>,
    },
    /// Unrouted events by today's rules.
    Unrouted { query: Value },
    /// Events are read again with today's catalogue; with `route` those that are understood at last are let go.
    Reread { query: Value, route: bool },
    /// What a scanner found becomes events, where it is new.
    Import(Box<ImportSpec>),
}

/// Which jobs a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Replay,
    Reread,
    Import,
}

impl JobSpec {
    #[must_use]
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Deliveries { .. } | Self::Unrouted { .. } => JobKind::Replay,
            Self::Reread { .. } => JobKind::Reread,
            Self::Import(_) => JobKind::Import,
        }
    }
}

impl JobKind {
    pub const ALL: [Self; 3] = [Self::Replay, Self::Reread, Self::Import];

    /// The word of the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Reread => "reread",
            Self::Import => "import",
        }
    }
}

/// A job to be made.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    pub spec: JobSpec,
    /// What whoever makes it may see: the job never reaches beyond.
    pub scope: Scope,
    pub rate: NonZeroU32,
    pub listed: Listed,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub spec: JobSpec,
    pub scope: Scope,
    pub state: JobState,
    pub rate: NonZeroU32,
    /// Items that it has, and how many of them are behind it.
    pub size: u64,
    pub cursor: u64,
    /// What was passed over when it was made counts too.
    pub progress: Progress,
    /// Of an import: the same by sorts of findings.
    pub tally: Option<Tally>,
    pub actor: Actor,
    /// Why it failed.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// The right to work a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    pub job: JobId,
    /// Raised by each taking: a step under an older number changes nothing.
    pub number: i64,
}

/// A delivery whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    pub item: Item,
    pub due_at: Timestamp,
    /// The id of a new delivery, if it comes to that.
    pub fresh: DeliveryId,
}

/// An unrouted event that today's rules send somewhere.
#[derive(Debug, Clone)]
pub struct Release {
    pub event: EventId,
    pub deliveries: Vec<NewDelivery>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum JobWork {
    Again(Vec<Again>),
    /// To another integration, as it was under this epoch.
    Elsewhere {
        to: Target,
        items: Vec<Again>,
        epoch: u64,
    },
    /// Matched under this epoch; the events that stay unrouted are only counted.
    Route {
        releases: Vec<Release>,
        stay: u64,
        epoch: u64,
    },
    /// Read and matched under this epoch.
    Reread {
        messages: Vec<NewReadings>,
        /// Events that say the same as before or that are gone, and those whose message cannot be read from the database.
        passed: u64,
        failed: u64,
        epoch: u64,
    },
    /// Findings that were raised before, by the way of all events, and what became of each.
    Import {
        tally: Tally,
    },
}

/// The next items of a job, done in one transaction that moves its cursor.
#[derive(Debug, Clone)]
pub struct JobStep {
    pub lease: JobLease,
    pub scope: Scope,
    pub work: JobWork,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// Done; the job has ended when nothing is left.
    Moved { ended: bool },
    /// The configuration has moved since matching; nothing was written. Match again under this epoch.
    EpochMoved { epoch: u64 },
    /// What the step was decided by has changed meanwhile; nothing was written. Decide again.
    Overtaken,
    /// The job is somebody else's, paused, or has ended; nothing was written.
    Stale,
}

/// What became of an order to a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Steered {
    NotFound,
    /// It had ended like this; nothing can be asked of it any more.
    Ended(JobState),
    Now(Box<Job>),
}

impl Store {
    /// Begins a job. False when as many as may be have not ended yet: nothing was stored.
    pub async fn begin_job(
        &self,
        job: NewJob,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::begin(db, job, actor, now).await,
            Backend::Postgres(db) => postgres::begin(db, job, actor, now).await,
        }
    }

    /// Jobs of a kind whose makers could see no more than the scope does, newest first.
    pub async fn jobs(
        &self,
        scope: &Scope,
        kind: JobKind,
        at: &PageAt,
    ) -> Result<Page<Job>, StoreError> {
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::jobs(db, scope, kind, at).await?,
            Backend::Postgres(db) => postgres::jobs(db, scope, kind, at).await?,
        };
        Ok(Page::of(rows, at, |job| job.id.to_string()))
    }

    pub async fn job(&self, scope: &Scope, id: JobId) -> Result<Option<Job>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::job(db, scope, id).await,
            Backend::Postgres(db) => postgres::job(db, scope, id).await,
        }
    }

    /// Pauses, resumes or cancels a job, with its line in the audit log.
    pub async fn steer_job(
        &self,
        scope: &Scope,
        id: JobId,
        asked: Asked,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Steered, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::steer(db, scope, id, asked, actor, now).await,
            Backend::Postgres(db) => postgres::steer(db, scope, id, asked, actor, now).await,
        }
    }

    /// Waits until a job was begun or steered, here or at another node. One task waits for it.
    pub async fn jobs_rung(&self) {
        self.0.notices.jobs_rung().await;
    }

    /// Takes the running jobs that are free, whose lease has run out, or that are this node's own already.
    pub async fn take_jobs(
        &self,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<(JobLease, Job)>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::take(db, self.0.node, ttl, now).await,
            Backend::Postgres(db) => postgres::take(db, self.0.node, ttl).await,
        }
    }

    /// Gives jobs back, so that another node may take them at once.
    pub async fn release_jobs(&self, held: &[JobLease]) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::release(db, held).await,
            Backend::Postgres(db) => postgres::release(db, held).await,
        }
    }

    /// The items of a job from this one on, at most so many.
    pub async fn job_items(
        &self,
        id: JobId,
        from: u64,
        most: usize,
    ) -> Result<Vec<Item>, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::items(db, id, from, most).await,
            Backend::Postgres(db) => postgres::items(db, id, from, most).await,
        }
    }

    /// Does the next items of a job and moves its cursor, or nothing of both.
    pub async fn work_job(&self, step: JobStep, now: Timestamp) -> Result<Worked, StoreError> {
        let step = PreparedStep::new(step);
        let worked = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::work(db, step, now).await?,
            Backend::Postgres(db) => postgres::work(db, step, now).await?,
        };
        if let Worked::EpochMoved { epoch } = worked {
            self.0.notices.moved(epoch);
        }
        Ok(worked)
    }

    /// Ends a job that cannot go on. False when the lease was stale.
    pub async fn fail_job(
        &self,
        lease: &JobLease,
        error: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::fail(db, lease, error, now).await,
            Backend::Postgres(db) => postgres::fail(db, lease, error, now).await,
        }
    }
}
