//! One step of a job: its items and its cursor in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use delivery::group::{BYTES, RECORDS};
use delivery::replay::{JobState, Meant, still};
use domain::access::{Actor, Scope};
use domain::{IntegrationId, Timestamp};

use super::super::row::{
    PreparedRelease, PreparedStep, PreparedWork, Tally, ended, lane_of, number,
};
use super::super::{Again, Job, JobLease, Worked};
use super::{find, note, remove_items, reread};
use crate::accept::PreparedDelivery;
use crate::codec::{fixed, to_json};
use crate::delivery::postgres::{again, copy, has_been_at, retryable};
use crate::delivery::{Copied, REPLAYS, Target};
use crate::postgres::{
    CHANNEL, Failure, News, Postgres, SEND_NEWS, Work, all, begin_storing, hold_epoch, one,
    retried, run, sound,
};
use crate::{Notice, StoreError};

const HELD: &str = "SELECT 1 FROM job WHERE id = $1 AND number = $2 AND node IS NOT NULL AND state = 'running' FOR UPDATE";
const MOVE: &str = "UPDATE job SET cursor = cursor + $2, done = done + $3, skipped = skipped + $4, failed = failed + $5, \
     changed_at = $6 WHERE id = $1";
const COUNT: &str = "UPDATE job SET tally = $2 WHERE id = $1";
const END: &str = "UPDATE job SET state = $2, error = $3, changed_at = $4, ended_at = $4, node = NULL, until = 0 WHERE id = $1";
const UNROUTED: &str = "SELECT id FROM event WHERE id = ANY($1::bytea[]) AND routing <> 'routed' ORDER BY id FOR UPDATE";
const ROUTE: &str = "UPDATE event SET routing = 'routed', silence = NULL, epoch = $2, deliveries = deliveries || $3::bytea WHERE id = $1";
const OPEN_GROUP: &str =
    "SELECT id, due_at, records, bytes FROM delivery WHERE group_key = $1 FOR UPDATE";
const JOIN_GROUP: &str = "UPDATE delivery SET records = $2, bytes = $3 WHERE id = $1";
const JOIN_EVENT: &str = "INSERT INTO delivery_event VALUES ($1, $2)";
const CLOSE_GROUP: &str = "UPDATE delivery SET group_key = NULL WHERE id = $1";
const INSERT_DELIVERY: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, \
     company, event, created_at, group_key, records, bytes, hash, headers, body) \
     VALUES ($1, $2, $3, 'pending', 0, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

/// Integrations that have new work.
pub(super) type Rung = BTreeSet<IntegrationId>;

pub(in super::super) async fn work(
    db: &Postgres,
    step: PreparedStep,
    now: Timestamp,
) -> Result<Worked, StoreError> {
    let (worked, rung) = retried!(work_once(db, &step, now))?;
    db.notices.bell().ring(rung);
    if step.work.finds_events() && matches!(worked, Worked::Moved { .. }) {
        db.notices.tell(Notice::Events);
    }
    Ok(worked)
}

async fn work_once(
    db: &Postgres,
    step: &PreparedStep,
    now: Timestamp,
) -> Result<(Worked, Rung), Failure> {
    let work = db.begin().await?;
    let outcome = write(db, &work, step, now).await;
    work.end(outcome).await
}

async fn write(
    db: &Postgres,
    work: &Work,
    step: &PreparedStep,
    now: Timestamp,
) -> Result<(Worked, Rung), Failure> {
    let Some(job) = held(work, &step.lease).await? else {
        return Ok((Worked::Stale, Rung::new()));
    };
    if step.work.finds_events() {
        begin_storing(work).await?;
    }
    if let Some(epoch) = step.work.epoch() {
        let found = hold_epoch(work).await?;
        if epoch != found {
            return Ok((Worked::EpochMoved { epoch: found }, Rung::new()));
        }
    }
    let mut rung = Rung::new();
    if let PreparedWork::Reread { messages, .. } = &step.work
        && !reread::is_as_decided(work, messages).await?
    {
        return Ok((Worked::Overtaken, rung));
    }
    let tally = act(work, step, now, &mut rung).await?;
    let (items, is_through) = (
        number(step.items),
        job.cursor.saturating_add(step.items) >= job.size,
    );
    let id = job.id.to_bytes().to_vec();
    let counts = [tally.done, tally.skipped, tally.failed].map(number);
    let [done, skipped, failed] = &counts;
    run(
        work,
        MOVE,
        &[&id, &items, done, skipped, failed, &now.micros()],
    )
    .await?;
    if let PreparedWork::Import { tally } = &step.work {
        let sum = job.tally.unwrap_or_default().plus(*tally);
        run(work, COUNT, &[&id, &to_json(&sum)]).await?;
    }
    if is_through {
        end(work, &step.lease, JobState::Done, None, now).await?;
    }
    let events = step.work.finds_events();
    if events || !rung.is_empty() {
        let news = News {
            events,
            ..db.news().work_at(rung.iter().copied())
        };
        run(work, SEND_NEWS, &[&CHANNEL, &news.write()]).await?;
    }
    Ok((Worked::Moved { ended: is_through }, rung))
}

/// Does what the step says; tells what became of its items.
async fn act(
    work: &Work,
    step: &PreparedStep,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, Failure> {
    match &step.work {
        PreparedWork::Again { to, items, .. } => {
            send_all(work, &step.scope, to.as_ref(), items, now, rung).await
        }
        PreparedWork::Route {
            releases,
            stay,
            epoch,
        } => {
            let mut tally = route_all(work, releases, *epoch, now, rung).await?;
            tally.skipped += stay;
            Ok(tally)
        }
        PreparedWork::Reread {
            messages,
            passed,
            failed,
            epoch,
        } => Ok(Tally {
            done: reread::write(work, messages, *epoch, now, rung).await?,
            skipped: *passed,
            failed: *failed,
        }),
        PreparedWork::Import { tally } => Ok(Tally::of_findings(tally)),
    }
}

/// The job, when the lease is still the newest and the job runs. Until the transaction ends nobody else changes it.
async fn held(work: &Work, lease: &JobLease) -> Result<Option<Job>, Failure> {
    let id = lease.job.to_bytes();
    match one(work, HELD, &[&&id[..], &lease.number], |_| Ok(())).await? {
        Some(()) => find(work, &Scope::All, lease.job, "").await,
        None => Ok(None),
    }
}

async fn end(
    work: &Work,
    lease: &JobLease,
    state: JobState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), Failure> {
    let id = lease.job.to_bytes().to_vec();
    run(work, END, &[&id, &state.as_str(), &error, &now.micros()]).await?;
    remove_items(work, lease.job).await?;
    let Some(job) = find(work, &Scope::All, lease.job, "").await? else {
        return Ok(());
    };
    let detail = ended(state.as_str(), &job.progress, error);
    note(
        work,
        (job.spec.kind(), lease.job),
        &Actor::System,
        "end",
        &detail,
        now,
    )
    .await
}

pub(in super::super) async fn fail(
    db: &Postgres,
    lease: &JobLease,
    error: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    retried!(fail_once(db, lease, error, now))
}

async fn fail_once(
    db: &Postgres,
    lease: &JobLease,
    error: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    let work = db.begin().await?;
    if held(&work, lease).await?.is_none() {
        work.undo().await?;
        return Ok(false);
    }
    end(&work, lease, JobState::Failed, Some(error), now).await?;
    work.commit().await?;
    Ok(true)
}

async fn send_all(
    work: &Work,
    scope: &Scope,
    to: Option<&Target>,
    items: &[Again],
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for item in items {
        match send(work, scope, to, item, now).await {
            Ok(Some(integration)) => {
                rung.insert(integration);
                tally.done += 1;
            }
            Ok(None) => tally.skipped += 1,
            // A row that cannot be read is found out before anything is written of it. What the server itself refused
            // has ended the transaction.
            Err(Failure {
                error: StoreError::Corrupt { .. },
                refused: false,
                ..
            }) => tally.failed += 1,
            Err(failure) => return Err(failure),
        }
    }
    Ok(tally)
}

/// Sends a delivery again; tells where it goes, or none when it is passed over.
async fn send(
    work: &Work,
    scope: &Scope,
    to: Option<&Target>,
    turn: &Again,
    now: Timestamp,
) -> Result<Option<IntegrationId>, Failure> {
    let id = turn.item.delivery();
    let Some(found) = retryable(work, scope, id).await? else {
        return Ok(None);
    };
    if !still(turn.item.meant, found.found(), to.is_some()) {
        return Ok(None);
    }
    if turn.item.meant == Meant::Retry {
        again(work, id, &found, turn.due_at, Some(REPLAYS)).await?;
        return Ok(Some(found.integration));
    }
    if let Some(to) = to
        && (!to.serves(found.company) || has_been_at(work, id, to.integration).await?)
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
    copy(work, id, &copied).await?;
    Ok(Some(to.map_or(found.integration, |to| to.integration)))
}

async fn route_all(
    work: &Work,
    releases: &[PreparedRelease],
    epoch: u64,
    now: Timestamp,
    rung: &mut Rung,
) -> Result<Tally, Failure> {
    let ids: Vec<&[u8]> = releases.iter().map(|release| &release.event[..]).collect();
    let unrouted = all(work, UNROUTED, &[&ids], |row| row.try_get::<_, Vec<u8>>(0)).await?;
    let unrouted: BTreeSet<Vec<u8>> = unrouted.into_iter().collect();
    // The others: somebody else has let them go, or retention has taken them.
    let mut let_go: Vec<&PreparedRelease> = releases.iter().collect();
    let_go.retain(|release| unrouted.contains(&release.event[..]));
    let mut planned: Vec<(&PreparedRelease, &PreparedDelivery)> = let_go
        .iter()
        .flat_map(|release| {
            release
                .deliveries
                .iter()
                .map(|delivery| (*release, delivery))
        })
        .collect();
    // In the order in which accepts lock the keys of open groups, so that the two wait for each other and not in a circle.
    planned.sort_by_key(|(_, delivery)| delivery.group.as_ref().map(|group| group.key.as_str()));
    let mut columns: BTreeMap<&[u8], Vec<u8>> = BTreeMap::new();
    for (release, delivery) in planned {
        let id = store(work, now.micros(), release.event, delivery).await?;
        let column = columns.entry(&release.event[..]).or_default();
        for part in [&id, &delivery.integration, &delivery.rule] {
            column.extend_from_slice(part);
        }
        rung.insert(IntegrationId::from_bytes(delivery.integration));
    }
    for (event, column) in &columns {
        run(work, ROUTE, &[event, &epoch.cast_signed(), column]).await?;
    }
    let done = columns.len() as u64;
    Ok(Tally {
        done,
        skipped: (releases.len() as u64).saturating_sub(done),
        failed: 0,
    })
}

/// Stores a delivery, or joins an open one; answers the id of the one that carries the event.
pub(super) async fn store(
    work: &Work,
    now: i64,
    event: [u8; 16],
    delivery: &PreparedDelivery,
) -> Result<[u8; 16], Failure> {
    if let Some(joined) = join(work, event, delivery).await? {
        return Ok(joined);
    }
    let (group, alert) = (delivery.group.as_ref(), delivery.alert.as_ref());
    let size = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    run(
        work,
        INSERT_DELIVERY,
        &[
            &&delivery.id[..],
            &&delivery.integration[..],
            &lane_of(delivery),
            &delivery.due_at,
            &delivery.critical,
            &&delivery.rule[..],
            &&delivery.company[..],
            &&event[..],
            &now,
            &group.map(|group| sound(&group.key)),
            &group.map_or(0, |group| size(group.records)),
            &group.map_or(0, |group| size(group.bytes)),
            &alert.map(|alert| &alert.hash[..]),
            &alert.map(|alert| alert.headers.as_str()),
            &alert.map(|alert| alert.body.as_slice()),
        ],
    )
    .await?;
    Ok(delivery.id)
}

/// Joins the open group of this key when its window lasts and it has room; otherwise closes it.
async fn join(
    work: &Work,
    event: [u8; 16],
    delivery: &PreparedDelivery,
) -> Result<Option<[u8; 16]>, Failure> {
    let Some(group) = &delivery.group else {
        return Ok(None);
    };
    let open = one(work, OPEN_GROUP, &[&sound(&group.key)], |row| {
        let number = |column| row.try_get::<_, i32>(column).map(i32::unsigned_abs);
        Ok((
            row.try_get::<_, Vec<u8>>(0)?,
            row.try_get::<_, i64>(1)?,
            number(2)?,
            number(3)?,
        ))
    })
    .await?;
    let Some((id, due_at, records, bytes)) = open else {
        return Ok(None);
    };
    let (records, bytes) = (
        records.saturating_add(group.records),
        bytes.saturating_add(group.bytes),
    );
    if due_at > group.asked_at.micros() && records <= RECORDS && bytes <= BYTES {
        let size = (records.cast_signed(), bytes.cast_signed());
        run(work, JOIN_GROUP, &[&id, &size.0, &size.1]).await?;
        run(work, JOIN_EVENT, &[&id, &&event[..]]).await?;
        return Ok(Some(fixed("delivery", &id, &id)?));
    }
    run(work, CLOSE_GROUP, &[&id]).await?;
    Ok(None)
}
