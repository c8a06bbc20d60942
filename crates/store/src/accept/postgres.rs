//! Accepting on PostgreSQL: a batch of messages in one transaction, a few multi-row statements for all of them.
//!
//! Every table with a unique key is written in the order of its keys, and the tables in one order (idempotency keys,
//! `webhook-id`s, fingerprints, groups), so nodes wait for each other but never in a circle.

mod events;
mod keys;
mod rows;

use domain::{EventId, IntegrationId, MessageId};

use super::{Prepared, Receipt};
use crate::postgres::{
    ACCEPT_LOCKS, Accepting, BEGIN_ACCEPT, Failure, News, Postgres, Work, retried,
};
use crate::{Notice, StoreError};

const EPOCH: &str = "SELECT number FROM epoch";

pub(super) async fn accept(db: &Postgres, prepared: Prepared) -> Result<Receipt, StoreError> {
    db.accept(prepared).await
}

/// Commits a batch and answers each of it. When the server refuses the batch, each is tried alone,
/// so that a bad one fails alone.
pub(crate) async fn commit(
    accepting: &Accepting,
    batch: &[Prepared],
) -> Vec<Result<Receipt, StoreError>> {
    let all: Vec<&Prepared> = batch.iter().collect();
    let mut refused = false;
    let stored: Result<_, StoreError> = retried!(async {
        let outcome = together(accepting, &all).await;
        refused = outcome.as_ref().is_err_and(|failure| failure.refused);
        outcome
    });
    match stored {
        Ok(receipts) => receipts.into_iter().map(Ok).collect(),
        Err(_) if refused && batch.len() > 1 => {
            let mut outcomes = Vec::with_capacity(batch.len());
            for prepared in all {
                let alone: Result<Vec<Receipt>, StoreError> =
                    retried!(together(accepting, &[prepared]));
                outcomes.push(
                    alone.and_then(|receipts| receipts.into_iter().next().ok_or_else(unanswered)),
                );
            }
            outcomes
        }
        Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
    }
}

fn unanswered() -> StoreError {
    StoreError::Unavailable("the write was not answered".to_owned())
}

/// What is known of the batch so far.
#[derive(Debug)]
struct Batch<'a> {
    jobs: &'a [&'a Prepared],
    states: Vec<State>,
    /// Messages whose `webhook-id` came before with another body.
    id_reused: Vec<bool>,
}

/// What becomes of one acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It will be stored.
    New,
    /// It gets the answer of an earlier one of the batch, as a duplicate.
    TwinOf(usize),
    /// It is answered and nothing of it is stored.
    Answered(Receipt),
}

impl<'a> Batch<'a> {
    fn new(jobs: &'a [&'a Prepared]) -> Self {
        Self {
            jobs,
            states: vec![State::New; jobs.len()],
            id_reused: vec![false; jobs.len()],
        }
    }

    /// Those that will be stored, with their places.
    fn new_ones(&self) -> impl Iterator<Item = (usize, &'a Prepared)> {
        let jobs = self.jobs.iter().copied().enumerate();
        jobs.filter(|(place, _)| self.states[*place] == State::New)
    }

    /// The answers, once it is known which events each new one has.
    fn receipts(self, mut events: Vec<Vec<EventId>>) -> Vec<Receipt> {
        let mut receipts: Vec<Receipt> = Vec::with_capacity(self.jobs.len());
        for (place, state) in self.states.into_iter().enumerate() {
            let receipt = match state {
                State::Answered(receipt) => receipt,
                State::New => Receipt::Stored {
                    message: MessageId::from_bytes(self.jobs[place].message.id),
                    events: std::mem::take(&mut events[place]),
                },
                // A twin stands behind the one it repeats.
                State::TwinOf(first) => repeated(&receipts[first], self.jobs[first].message.sha256),
            };
            receipts.push(receipt);
        }
        receipts
    }
}

fn repeated(first: &Receipt, sha256: [u8; 32]) -> Receipt {
    match first {
        Receipt::Stored { message, events } => Receipt::Duplicate {
            message: *message,
            sha256,
            events: events.clone(),
        },
        other => other.clone(),
    }
}

/// One transaction for all.
async fn together(accepting: &Accepting, jobs: &[&Prepared]) -> Result<Vec<Receipt>, Failure> {
    let client = accepting.pool.get().await?;
    let begun = Work::open(client);
    match within(accepting, &begun, jobs).await {
        Ok((receipts, rung)) => {
            begun.committed();
            if !rung.is_empty()
                || receipts
                    .iter()
                    .any(|receipt| matches!(receipt, Receipt::Stored { .. }))
            {
                accepting.notices.bell().ring(rung);
                accepting.notices.tell(Notice::Events);
            }
            Ok(receipts)
        }
        Err(failure) => {
            if failure.again || failure.refused {
                begun.undo().await?;
            }
            Err(failure)
        }
    }
}

type Done = (Vec<Receipt>, Vec<IntegrationId>);

async fn within(accepting: &Accepting, work: &Work, jobs: &[&Prepared]) -> Result<Done, Failure> {
    let epoch = begin(work).await?;
    let mut batch = Batch::new(jobs);
    keys::idempotency(work, &mut batch, epoch).await?;
    keys::webhook_ids(work, &mut batch).await?;
    keys::settle_idempotency(work, &batch).await?;
    let plan = events::plan(work, &batch).await?;
    plan.answer_known(&mut batch);
    let rung = plan.integrations();
    let stored = batch.states.contains(&State::New);
    let news = stored.then(|| News {
        events: true,
        ..News::from(accepting.node).work_at(rung.iter().copied())
    });
    rows::write(work, &batch, &plan, news).await?;
    let events = plan.events_of_jobs();
    Ok((batch.receipts(events), rung))
}

/// Begins, takes the locks and reads the epoch, in one round trip.
async fn begin(work: &Work) -> Result<i64, Failure> {
    let (locks, read) = (
        work.prepare_cached(BEGIN_ACCEPT).await?,
        work.prepare_cached(EPOCH).await?,
    );
    let (key, epoch_lock, unfinished) = ACCEPT_LOCKS;
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&key, &epoch_lock, &unfinished];
    // They are sent in this order and not awaited one by one; the locks are held before the epoch is read.
    let (_, _, row) = tokio::try_join!(biased; work.batch_execute("BEGIN"), work.query_one(&locks, &parameters), work.query_one(&read, &[]))?;
    Ok(row.try_get(0)?)
}
