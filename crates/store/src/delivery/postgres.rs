//! Deliveries on PostgreSQL.

mod again;
mod cancel;
mod dead;
mod following;
mod hits;
mod list;
mod others;
mod settle;
mod summary;
mod work;

pub(super) use again::retry;
pub(crate) use again::{again, copy, has_been_at, retryable};
pub(super) use cancel::cancel;
pub(super) use dead::dead_letters;
pub(super) use following::{followed, up_to};
pub(super) use hits::hits;
pub(super) use list::{
    alert, attempts, count_deliveries, deliveries, delivery, list_for_replay, parking, pending,
    reach, standings,
};
pub(super) use others::{backlog, due_of_others, made_later};
pub(super) use settle::settle_all;
pub(super) use summary::{breakdown, last_tries};
pub(super) use work::{
    clamp_due, close_groups, due, gate, gates, give_up_parked, pull_forward, seal, still_pending,
    waiting,
};

use tokio_postgres::Row;

use super::row::StateRow;

/// Status, attempts, due_at, not_before, parked_since and reason, from this column on.
fn state(row: &Row, from: usize) -> Result<StateRow, tokio_postgres::Error> {
    Ok(StateRow {
        status: row.try_get(from)?,
        attempts: row.try_get(from + 1)?,
        due_at: row.try_get(from + 2)?,
        not_before: row.try_get(from + 3)?,
        parked_since: row.try_get(from + 4)?,
        reason: row.try_get(from + 5)?,
    })
}
