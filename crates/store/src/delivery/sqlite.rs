//! Deliveries on SQLite.

mod again;
mod cancel;
mod dead;
mod following;
mod hits;
mod list;
mod others;
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
pub(super) use summary::{breakdown, last_tries};
pub(super) use work::{
    clamp_due, close_groups, due, gate, gates, give_up_parked, pull_forward, seal, settle_all,
    still_pending, waiting,
};

use rusqlite::Row;

use super::row::StateRow;

/// Status, attempts, due_at, not_before, parked_since and reason, from this column on.
fn state(row: &Row<'_>, from: usize) -> rusqlite::Result<StateRow> {
    Ok(StateRow {
        status: row.get(from)?,
        attempts: row.get(from + 1)?,
        due_at: row.get(from + 2)?,
        not_before: row.get(from + 3)?,
        parked_since: row.get(from + 4)?,
        reason: row.get(from + 5)?,
    })
}
