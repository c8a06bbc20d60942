//! One step of a job: its items and its cursor in one transaction.

use std::collections::BTreeSet;

use delivery::replay::{JobState, Meant, still};
use domain::access::{Actor, Scope};
use domain::{IntegrationId, Timestamp};
use rusqlite::Connection;

use super::super::row::{
    PreparedRelease, PreparedStep, PreparedWork, Tally, ended, lane_of, number,
};
use super::super::{Again, Job, JobLease, Worked};
use super::{epoch, find, note, remove_items, reread};
use crate::accept::store_delivery_on_sqlite;
use crate::codec::to_json;
use crate::delivery::sqlite::{again, copy, has_been_at, retryable};
use crate::delivery::{Copied, REPLAYS, Target};
use crate::sqlite::{Care, Sqlite, one, run};
use crate::{Notice, StoreError};

const HELD: &str =
    "SELECT 1 FROM job WHERE id = ?1 AND number = ?2 AND node IS NOT NULL AND state = 'running'";
const MOVE: &str = "UPDATE job SET cursor = cursor + ?2, done = done + ?3, skipped = skipped + ?4, failed = failed + ?5, \
     changed_at = ?6 WHERE id = ?1";
const COUNT: &str = "UPDATE job SET tally = ?2 WHERE id = ?1";
const END: &str = "UPDATE job SET state = ?2, error = ?3, changed_at = ?4, ended_at = ?4, node = NULL, until = 0 WHERE id = ?1";
const UNROUTED: &str = "SELECT deliveries FROM event WHERE id = ?1 AND routing <> 'routed'";
const ROUTE: &str = "UPDATE event SET routing = 'routed', silence = NULL, epoch = ?2, deliveries = ?3 WHERE id = ?1";

/// Integrations that have new work.
pub(super) type Rung = BTreeSet<IntegrationId>;

pub(in super::super) async fn work(
    db: &Sqlite,
    step: PreparedStep,
    now: Timestamp,
) -> Result<Worked, StoreError> {
    let notices = std::sync::Arc::clone(&db.notices);
    let finds_events = step.work.finds_events();
    let work = move |conn: &Connection| {
        let Some(job) = held(conn, &step.lease)? else {
            return Ok((Worked::Stale, Rung::new()));
        };
        let found = epoch(conn)?.cast_unsigned();
        if step.work.epoch().is_some_and(|epoch| epoch != found) {
            return Ok((Worked::EpochMoved { epoch: found }, Rung::new()));
        }
        let mut rung = Rung::new();
        if let PreparedWork::Reread { messages, .. } = &step.work
            && !reread::is_as_decided(conn, messages)?
        {
            return Ok((Worked::Overtaken, rung));
        }
        let tally = act(conn, &step, found, now, &mut rung)?;
        let row = (
            job.id.to_bytes(),
            number(step.items),
            number(tally.done),
            number(tally.skipped),
            number(tally.failed),
            now.micros(),
        );
        run(conn, MOVE, row)?;
        if let PreparedWork::Import { tally } = &step.work {
            let sum = job.tally.unwrap_or_default().plus(*tally);
            run(conn, COUNT, (job.id.to_bytes(), to_json(&sum)))?;
        }
        let is_through = job.cursor.saturating_add(step.items) >= job.size;
        if is_through {
            end(conn, &step.lease, JobState::Done, None, now)?;
        }
        Ok((Worked::Moved { ended: is_through }, rung))
    };
    let after = move |(worked, rung): &(Worked, Rung)| {
        notices.bell().ring(rung.iter().copied());
        if finds_events && matches!(worked, Worked::Moved { .. }) {
            notices.tell(Notice::Events);
        }
    };
    db.write_then(Care::Guarded, work, after)
        .await
        .map(|(worked, _)| worked)
}

/// Does what the step says; tells what became of its items.
fn act(
    conn: &Connection,
    step: &PreparedStep,
    epoch: u64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, StoreError> {
    match &step.work {
        PreparedWork::Again { to, items, .. } => {
            send_all(conn, &step.scope, to.as_ref(), items, now, rung)
        }
        PreparedWork::Route { releases, stay, .. } => {
            let mut tally = route_all(conn, releases, epoch, now, rung)?;
            tally.skipped += stay;
            Ok(tally)
        }
        PreparedWork::Reread {
            messages,
            passed,
            failed,
            ..
        } => Ok(Tally {
            done: reread::write(conn, messages, epoch, now, rung)?,
            skipped: *passed,
            failed: *failed,
        }),
        PreparedWork::Import { tally } => Ok(Tally::of_findings(tally)),
    }
}

/// The job, when the lease is still the newest and the job runs.
fn held(conn: &Connection, lease: &JobLease) -> Result<Option<Job>, StoreError> {
    let row = (lease.job.to_bytes(), lease.number);
    match one(conn, HELD, row, |_| Ok(()))? {
        Some(()) => find(conn, &Scope::All, lease.job),
        None => Ok(None),
    }
}

fn end(
    conn: &Connection,
    lease: &JobLease,
    state: JobState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = lease.job.to_bytes();
    run(conn, END, (id, state.as_str(), error, now.micros()))?;
    remove_items(conn, lease.job)?;
    let Some(job) = find(conn, &Scope::All, lease.job)? else {
        return Ok(());
    };
    let detail = ended(state.as_str(), &job.progress, error);
    note(
        conn,
        (job.spec.kind(), lease.job),
        &Actor::System,
        "end",
        &detail,
        now,
    )
}

pub(in super::super) async fn fail(
    db: &Sqlite,
    lease: &JobLease,
    error: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (lease, error) = (*lease, error.to_owned());
    db.write(Care::Guarded, move |conn| {
        if held(conn, &lease)?.is_none() {
            return Ok(false);
        }
        end(conn, &lease, JobState::Failed, Some(&error), now)?;
        Ok(true)
    })
    .await
}

fn send_all(
    conn: &Connection,
    scope: &Scope,
    to: Option<&Target>,
    items: &[Again],
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for item in items {
        match send(conn, scope, to, item, now) {
            Ok(Some(integration)) => {
                rung.insert(integration);
                tally.done += 1;
            }
            Ok(None) => tally.skipped += 1,
            // A row that cannot be read is found out before anything is written of it.
            Err(StoreError::Corrupt { .. }) => tally.failed += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

/// Sends a delivery again; tells where it goes, or none when it is passed over.
fn send(
    conn: &Connection,
    scope: &Scope,
    to: Option<&Target>,
    turn: &Again,
    now: Timestamp,
) -> Result<Option<IntegrationId>, StoreError> {
    let id = turn.item.delivery();
    let Some(found) = retryable(conn, scope, id)? else {
        return Ok(None);
    };
    if !still(turn.item.meant, found.found(), to.is_some()) {
        return Ok(None);
    }
    if turn.item.meant == Meant::Retry {
        again(conn, id, &found, turn.due_at, Some(REPLAYS))?;
        return Ok(Some(IntegrationId::from_bytes(found.integration)));
    }
    if let Some(to) = to
        && (!to.serves(found.company) || has_been_at(conn, id, to.integration)?)
    {
        return Ok(None);
    }
    let copied = Copied {
        fresh: turn.fresh,
        integration: to.map(|to| to.integration),
        lane: Some(REPLAYS),
        due_at: turn.due_at,
        now,
    };
    copy(conn, id, &copied)?;
    let here = IntegrationId::from_bytes(found.integration);
    Ok(Some(to.map_or(here, |to| to.integration)))
}

fn route_all(
    conn: &Connection,
    releases: &[PreparedRelease],
    epoch: u64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for release in releases {
        let column: Option<Vec<u8>> = one(conn, UNROUTED, [release.event], |row| row.get(0))?;
        let Some(mut column) = column else {
            // Somebody else has let it go, or retention has taken it.
            tally.skipped += 1;
            continue;
        };
        for delivery in &release.deliveries {
            let lane = lane_of(delivery);
            let id = store_delivery_on_sqlite(conn, now.micros(), release.event, delivery, lane)?;
            for part in [&id, &delivery.integration, &delivery.rule] {
                column.extend_from_slice(part);
            }
            rung.insert(IntegrationId::from_bytes(delivery.integration));
        }
        run(conn, ROUTE, (release.event, epoch.cast_signed(), column))?;
        tally.done += 1;
    }
    Ok(tally)
}
