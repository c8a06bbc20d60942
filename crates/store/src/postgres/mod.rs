//! The shell around PostgreSQL: two pools of connections, the batches of accepts, and a listener.
//!
//! Writes of one kind share a transaction where they can (accepts), the rest run side by side and leave the group
//! commit to the server. Nodes tell each other of new work by `NOTIFY`, sent inside the transaction it tells of.

mod batcher;
mod clauses;
mod connect;
mod failure;
mod listen;
mod migrate;
mod news;
mod tls;
mod work;

use std::sync::{Arc, Mutex};

use deadpool_postgres::{Client, Pool};
use domain::{NodeId, Secret, Timestamp};
use tracing::warn;

use crate::figures::Settled;
use crate::notices::Notices;
use crate::{Settings, StoreError, accept};

pub(crate) use batcher::Accepting;
pub(crate) use clauses::Clauses;
pub(crate) use failure::{Failure, TRIES, retried, sound};
pub(crate) use news::{CHANNEL, News, SEND as SEND_NEWS};
pub(crate) use work::{Work, all, one, run};

use batcher::Batcher;
use listen::Listener;

/// The server's clock in microseconds since 1970, as it is at this moment and not as the transaction began.
pub(crate) const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
/// Largest skew between this node's clock and the server's that passes without a word.
const SKEW_MICROS: u64 = 1_000_000;
/// First key of our advisory locks that have two.
const LOCKS: i32 = 0x616c_6572;
/// Second key: held shared by accepts, alone by a change, so that no accept is matched under an epoch that has passed.
const EPOCH_LOCK: i32 = 1;
/// Second key: one node migrates at a time.
const MIGRATION_LOCK: i32 = 2;
/// Second key: one job is begun at a time, so that they can be counted.
const JOBS_LOCK: i32 = 3;
/// Locks that mark where unfinished accepts began: this above the number of storing they began at.
const UNFINISHED: i64 = 0x616c << 48;

/// An open PostgreSQL database.
#[derive(Debug)]
pub(crate) struct Postgres {
    pool: Pool,
    batcher: Batcher,
    listener: Listener,
    node: NodeId,
    pub(crate) notices: Arc<Notices>,
    pub(crate) settled: Mutex<Settled>,
}

impl Postgres {
    pub(crate) async fn open(
        url: &Secret<String>,
        settings: &Settings,
        notices: &Arc<Notices>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let target = connect::Target::parse(url.reveal())?;
        let (readers, writers) = (settings.readers.get(), settings.writers.get());
        let pool = target.pool(readers + writers)?;
        let mut client = pool.get().await.map_err(Failure::from)?;
        migrate::migrate(&mut client, now).await?;
        check_clock(&client, now).await?;
        // Listening comes before the epoch is read: a change between the two is heard.
        let listener = Listener::start(target.clone(), settings.node, Arc::clone(notices)).await?;
        notices.moved(read_epoch(&client).await?);
        drop(client);
        let accepting = Accepting {
            pool: target.pool(writers)?,
            notices: Arc::clone(notices),
            node: settings.node,
        };
        let batcher = Batcher::start(accepting, settings);
        Ok(Self {
            pool,
            batcher,
            listener,
            node: settings.node,
            notices: Arc::clone(notices),
            settled: Mutex::default(),
        })
    }

    /// The value kept under a name; the given one is kept when there is none yet.
    pub(crate) async fn keep(&self, name: &'static str, value: &str) -> Result<String, StoreError> {
        let client = self.client().await?;
        run(
            &client,
            "INSERT INTO kept VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&name, &value],
        )
        .await?;
        let kept = one(
            &client,
            "SELECT value FROM kept WHERE name = $1",
            &[&name],
            |row| row.try_get(0),
        )
        .await?;
        kept.ok_or_else(|| StoreError::corrupt("kept", name, "is gone"))
    }

    /// Waits until everything queued is written; connections close with the last handle.
    pub(crate) async fn close(&self) {
        self.batcher.close().await;
        self.listener.stop();
        self.pool.close();
    }

    /// Hands an acceptance to the next batch and answers after its commit.
    pub(crate) async fn accept(
        &self,
        prepared: accept::Prepared,
    ) -> Result<accept::Receipt, StoreError> {
        self.batcher.accept(prepared).await
    }

    /// A connection outside a transaction: each statement stands for itself.
    pub(crate) async fn client(&self) -> Result<Client, StoreError> {
        Ok(self.pool.get().await.map_err(Failure::from)?)
    }

    /// A transaction that writes. Dropped without [`Work::commit`], it leaves nothing.
    pub(crate) async fn begin(&self) -> Result<Work, Failure> {
        Work::begin(self.pool.get().await?, "BEGIN").await
    }

    /// A transaction that reads, all of it as of one instant.
    pub(crate) async fn snapshot(&self) -> Result<Work, Failure> {
        Work::begin(
            self.pool.get().await?,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )
        .await
    }

    /// What this node has to tell the others, to be sent inside the transaction it tells of.
    pub(crate) fn news(&self) -> News {
        News::from(self.node)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listener.stop();
    }
}

async fn read_epoch(client: &Client) -> Result<u64, StoreError> {
    let epoch: Option<i64> = one(client, "SELECT number FROM epoch", &[], |row| {
        row.try_get(0)
    })
    .await?;
    epoch
        .map(i64::cast_unsigned)
        .ok_or_else(|| StoreError::corrupt("epoch", 1, "is gone"))
}

/// Takes the lock that keeps accepts out until the end of the transaction.
pub(crate) async fn lock_epoch(work: &Work) -> Result<(), Failure> {
    run(
        work,
        "SELECT pg_advisory_xact_lock($1, $2)",
        &[&LOCKS, &EPOCH_LOCK],
    )
    .await?;
    Ok(())
}

/// Keeps changes of the configuration out until the end of the transaction; tells the epoch that holds until then.
pub(crate) async fn hold_epoch(work: &Work) -> Result<u64, Failure> {
    run(
        work,
        "SELECT pg_advisory_xact_lock_shared($1, $2)",
        &[&LOCKS, &EPOCH_LOCK],
    )
    .await?;
    let epoch: Option<i64> =
        one(work, "SELECT number FROM epoch", &[], |row| row.try_get(0)).await?;
    Ok(epoch.unwrap_or(0).cast_unsigned())
}

/// Takes the lock under which jobs are begun.
pub(crate) async fn lock_jobs(work: &Work) -> Result<(), Failure> {
    run(
        work,
        "SELECT pg_advisory_xact_lock($1, $2)",
        &[&LOCKS, &JOBS_LOCK],
    )
    .await?;
    Ok(())
}

/// The statement that begins an accept: no change may pass, and where its events will begin is marked.
pub(crate) const BEGIN_ACCEPT: &str = "SELECT pg_advisory_xact_lock_shared($1, $2), pg_advisory_xact_lock_shared($3 + last_value) FROM event_seq";

/// Marks where the events begin that this transaction stores, as accepts do.
pub(crate) async fn begin_storing(work: &Work) -> Result<(), Failure> {
    let (locks, epoch_lock, unfinished) = ACCEPT_LOCKS;
    run(work, BEGIN_ACCEPT, &[&locks, &epoch_lock, &unfinished])
        .await
        .map(drop)
}

/// The parameters of [`BEGIN_ACCEPT`].
pub(crate) const ACCEPT_LOCKS: (i32, i32, i64) = (LOCKS, EPOCH_LOCK, UNFINISHED);

/// Up to which number of storing all accepts have ended. A number is taken long before its commit, so a reader that
/// goes by numbers would skip what commits late; each accept therefore holds a lock that names where it began.
/// The order of the two parts matters: numbers given out after the first are beyond the answer anyway.
pub(crate) async fn finished(client: &Client) -> Result<i64, StoreError> {
    const GIVEN: &str = "SELECT last_value FROM event_seq";
    const BEGAN: &str = "SELECT min(((classid::bigint << 32) | objid::bigint) - $1) FROM pg_locks \
         WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint >> 16) = ($1 >> 48) \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let given: i64 = one(client, GIVEN, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let began: Option<i64> = one(client, BEGAN, &[&UNFINISHED], |row| row.try_get(0))
        .await?
        .flatten();
    Ok(began.map_or(given, |began| given.min(began - 1)))
}

/// Due times are told by the node's clock, leases by the server's: a node whose clock is off should hear of it.
async fn check_clock(client: &Client, now: Timestamp) -> Result<(), StoreError> {
    let server: Option<i64> = one(client, &format!("SELECT {CLOCK}"), &[], |row| {
        row.try_get(0)
    })
    .await?;
    let skew = server.unwrap_or(0).abs_diff(now.micros());
    if skew > SKEW_MICROS {
        warn!(
            skew_micros = skew,
            "this node's clock and the database's are {} ms apart",
            skew / 1_000
        );
    }
    Ok(())
}
