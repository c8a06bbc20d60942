//! What is to be written of the events of a batch: which are counted on earlier ones, which deliveries are joined.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use delivery::group::{BYTES, RECORDS};
use domain::{EventId, IntegrationId};

use super::super::prepared::is_all_known;
use super::super::{Prepared, PreparedDelivery, PreparedEvent, Receipt};
use super::{Batch, State};
use crate::codec::fixed;
use crate::known::meet_on_postgres;
use crate::postgres::{Failure, Work, all, sound};

/// Inserts fingerprints, or locks those that are there; either way answers the event that stands for each.
const FINGERPRINTS: &str = "INSERT INTO fingerprint SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) \
     ON CONFLICT (source, fingerprint) DO UPDATE SET seen_at = fingerprint.seen_at \
     RETURNING source, fingerprint, event, seen_at, EXISTS (SELECT 1 FROM event e WHERE e.id = fingerprint.event)";
const OPEN_GROUPS: &str = "SELECT group_key, id, due_at, records, bytes FROM delivery \
     WHERE group_key = ANY($1::text[]) ORDER BY group_key COLLATE \"C\" FOR UPDATE";

/// Everything that is written of the events.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) events: Vec<PlannedEvent<'a>>,
    pub(super) deliveries: Vec<PlannedDelivery<'a>>,
    /// (delivery, event) of events that joined a delivery after its first one.
    pub(super) joined: Vec<([u8; 16], [u8; 16])>,
    /// Open groups that were stored before and have grown: records and bytes.
    pub(super) grown: BTreeMap<[u8; 16], (i32, i32)>,
    /// Groups that were stored before and that nothing joins any more.
    pub(super) closed: BTreeSet<[u8; 16]>,
    /// Events that stand for others.
    pub(super) counted: BTreeMap<[u8; 16], Counted>,
    /// The quiet events that these open again.
    pub(super) reopened: BTreeMap<[u8; 16], [u8; 16]>,
    /// Fingerprints that were seen again, or that a newer event stands for from now on.
    pub(super) renewed: BTreeMap<Print, ([u8; 16], i64)>,
    /// The ids that stand for the events of each job, in order.
    ids: Vec<Vec<[u8; 16]>>,
}

type Print = ([u8; 16], [u8; 16]);

/// How often an event was seen again, when last, and by which message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) more: i32,
    pub(super) seen_at: i64,
    pub(super) message: [u8; 16],
}

#[derive(Debug)]
pub(super) struct PlannedEvent<'a> {
    pub(super) event: &'a PreparedEvent,
    pub(super) message: [u8; 16],
    /// Triples of ids: delivery, integration, rule.
    pub(super) deliveries: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct PlannedDelivery<'a> {
    pub(super) delivery: &'a PreparedDelivery,
    pub(super) event: [u8; 16],
    pub(super) created_at: i64,
    /// Set while its group is open.
    pub(super) group_key: Option<&'a str>,
    pub(super) records: i32,
    pub(super) bytes: i32,
}

impl Plan<'_> {
    /// Where there is new work.
    pub(super) fn integrations(&self) -> Vec<IntegrationId> {
        let integrations: BTreeSet<_> = self
            .deliveries
            .iter()
            .map(|planned| planned.delivery.integration)
            .collect();
        integrations
            .into_iter()
            .map(IntegrationId::from_bytes)
            .collect()
    }

    /// Answers those of which all is known: nothing of them is stored.
    pub(super) fn answer_known(&self, batch: &mut Batch<'_>) {
        for (state, (job, ids)) in batch
            .states
            .iter_mut()
            .zip(batch.jobs.iter().zip(&self.ids))
        {
            if *state == State::New && job.only_new && is_all_known(&job.events, ids) {
                let events = ids.iter().copied().map(EventId::from_bytes).collect();
                *state = State::Answered(Receipt::Known { events });
            }
        }
    }

    pub(super) fn ids_of(&self, job: usize) -> &[[u8; 16]] {
        &self.ids[job]
    }

    pub(super) fn events_of_jobs(self) -> Vec<Vec<EventId>> {
        self.ids
            .into_iter()
            .map(|ids| ids.into_iter().map(EventId::from_bytes).collect())
            .collect()
    }
}

pub(super) async fn plan<'a>(work: &Work, batch: &Batch<'a>) -> Result<Plan<'a>, Failure> {
    let mut prints = fingerprints(work, batch).await?;
    let known = known(work, batch).await?;
    let mut groups = open_groups(work, batch).await?;
    let mut plan = Plan {
        ids: vec![Vec::new(); batch.jobs.len()],
        ..Plan::default()
    };
    for (place, job) in batch.new_ones() {
        for event in &job.events {
            let earlier = match job.only_new {
                false => count_on_earlier(&mut plan, &mut prints, job, event),
                true => told_before(&known, event),
            };
            let id = match earlier {
                Some(earlier) => earlier,
                None => store(&mut plan, &mut groups, job, event),
            };
            plan.ids[place].push(id);
        }
    }
    Ok(plan)
}

/// The events that stand for what is told of by those who ask for what is new alone.
async fn known(work: &Work, batch: &Batch<'_>) -> Result<HashMap<Print, [u8; 16]>, Failure> {
    let mut told = BTreeMap::new();
    let asking = batch.new_ones().filter(|(_, job)| job.only_new);
    for event in asking.flat_map(|(_, job)| &job.events) {
        told.entry(event.print())
            .or_insert((event.id, event.received_at));
    }
    meet_on_postgres(work, &told).await
}

fn told_before(known: &HashMap<Print, [u8; 16]>, event: &PreparedEvent) -> Option<[u8; 16]> {
    let standing = known.get(&event.print())?;
    (*standing != event.id).then_some(*standing)
}

/// The event that stands for a fingerprint.
#[derive(Debug)]
struct First {
    event: [u8; 16],
    seen_at: i64,
    /// It is stored; otherwise it comes with this batch, or retention has taken it.
    stored: bool,
}

fn print_of(event: &PreparedEvent) -> Option<Print> {
    event.dedup_window_micros?;
    Some((event.source?, event.fingerprint))
}

async fn fingerprints(work: &Work, batch: &Batch<'_>) -> Result<HashMap<Print, First>, Failure> {
    let mut asked: BTreeMap<Print, &PreparedEvent> = BTreeMap::new();
    for event in batch.new_ones().flat_map(|(_, job)| &job.events) {
        if let Some(print) = print_of(event) {
            asked.entry(print).or_insert(event);
        }
    }
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let sources: Vec<&[u8]> = asked.keys().map(|(source, _)| &source[..]).collect();
    let prints: Vec<&[u8]> = asked.keys().map(|(_, print)| &print[..]).collect();
    let events: Vec<&[u8]> = asked.values().map(|event| &event.id[..]).collect();
    let times: Vec<i64> = asked.values().map(|event| event.received_at).collect();
    let rows = all(
        work,
        FINGERPRINTS,
        &[&sources, &prints, &events, &times],
        |row| {
            let bytes = |column| row.try_get::<_, Vec<u8>>(column);
            Ok((
                bytes(0)?,
                bytes(1)?,
                bytes(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            ))
        },
    )
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for (source, print, event, seen_at, stored) in rows {
        let print = (
            fixed("fingerprint", &event, &source)?,
            fixed("fingerprint", &event, &print)?,
        );
        found.insert(
            print,
            First {
                event: fixed("fingerprint", &event, &event)?,
                seen_at,
                stored,
            },
        );
    }
    Ok(found)
}

/// The window runs from the last time that it was seen: what goes on is one event, however long it takes.
fn count_on_earlier(
    plan: &mut Plan<'_>,
    prints: &mut HashMap<Print, First>,
    job: &Prepared,
    event: &PreparedEvent,
) -> Option<[u8; 16]> {
    let (print, window) = (print_of(event)?, event.dedup_window_micros?);
    let first = prints.get_mut(&print)?;
    let now = event.received_at.max(first.seen_at);
    let quiet = now - first.seen_at >= window;
    if first.stored && !quiet {
        first.seen_at = now;
        let counted = plan.counted.entry(first.event).or_default();
        *counted = Counted {
            more: counted.more + event.count,
            seen_at: now,
            message: job.message.id,
        };
        plan.renewed.insert(print, (first.event, now));
        return Some(first.event);
    }
    if quiet && first.event != event.id {
        plan.reopened.insert(event.id, first.event);
    }
    // It stands for itself, and as it is stored now, the next one of the batch is counted on it.
    let renews = first.event != event.id;
    *first = First {
        event: event.id,
        seen_at: event.received_at,
        stored: true,
    };
    if renews {
        plan.renewed.insert(print, (event.id, event.received_at));
    }
    None
}

/// An open group, stored before or coming with this batch.
#[derive(Debug)]
struct Open {
    id: [u8; 16],
    due_at: i64,
    records: u32,
    bytes: u32,
    /// Its place among the planned deliveries, when it comes with this batch.
    planned: Option<usize>,
}

async fn open_groups<'a>(work: &Work, batch: &Batch<'a>) -> Result<HashMap<String, Open>, Failure> {
    let deliveries = batch
        .new_ones()
        .flat_map(|(_, job)| &job.events)
        .flat_map(|event| &event.deliveries);
    let keys: BTreeSet<_> = deliveries
        .filter_map(|delivery| delivery.group.as_ref())
        .map(|group| sound(&group.key))
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<_> = keys.into_iter().collect();
    let rows = all(work, OPEN_GROUPS, &[&keys], |row| {
        let number = |column| row.try_get::<_, i32>(column).map(i32::unsigned_abs);
        Ok((
            row.try_get::<_, String>(0)?,
            row.try_get::<_, Vec<u8>>(1)?,
            row.try_get(2)?,
            number(3)?,
            number(4)?,
        ))
    })
    .await?;
    rows.into_iter()
        .map(|(key, id, due_at, records, bytes)| {
            Ok((
                key,
                Open {
                    id: fixed("delivery", &id, &id)?,
                    due_at,
                    records,
                    bytes,
                    planned: None,
                },
            ))
        })
        .collect()
}

/// Plans an event with its deliveries; answers its id.
fn store<'a>(
    plan: &mut Plan<'a>,
    groups: &mut HashMap<String, Open>,
    job: &'a Prepared,
    event: &'a PreparedEvent,
) -> [u8; 16] {
    let mut deliveries = Vec::with_capacity(48 * event.deliveries.len());
    for delivery in &event.deliveries {
        let id = join(plan, groups, event, delivery)
            .unwrap_or_else(|| open(plan, groups, job, event, delivery));
        for part in [&id, &delivery.integration, &delivery.rule] {
            deliveries.extend_from_slice(part);
        }
    }
    plan.events.push(PlannedEvent {
        event,
        message: job.message.id,
        deliveries,
    });
    event.id
}

/// Joins the open group of this key when its window lasts and it has room; otherwise closes it.
fn join(
    plan: &mut Plan<'_>,
    groups: &mut HashMap<String, Open>,
    event: &PreparedEvent,
    delivery: &PreparedDelivery,
) -> Option<[u8; 16]> {
    let group = delivery.group.as_ref()?;
    let key = sound(&group.key);
    let open = groups.get_mut(key.as_ref())?;
    let (records, bytes) = (
        open.records.saturating_add(group.records),
        open.bytes.saturating_add(group.bytes),
    );
    if open.due_at > group.asked_at.micros() && records <= RECORDS && bytes <= BYTES {
        (open.records, open.bytes) = (records, bytes);
        let size = (records.cast_signed(), bytes.cast_signed());
        match open.planned {
            Some(place) => (plan.deliveries[place].records, plan.deliveries[place].bytes) = size,
            None => drop(plan.grown.insert(open.id, size)),
        }
        plan.joined.push((open.id, event.id));
        return Some(open.id);
    }
    match open.planned {
        Some(place) => plan.deliveries[place].group_key = None,
        None => drop(plan.closed.insert(open.id)),
    }
    groups.remove(key.as_ref());
    None
}

fn open<'a>(
    plan: &mut Plan<'a>,
    groups: &mut HashMap<String, Open>,
    job: &Prepared,
    event: &PreparedEvent,
    delivery: &'a PreparedDelivery,
) -> [u8; 16] {
    let group = delivery.group.as_ref();
    let size = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    if let Some(group) = group {
        let open = Open {
            id: delivery.id,
            due_at: delivery.due_at,
            records: group.records,
            bytes: group.bytes,
            planned: Some(plan.deliveries.len()),
        };
        groups.insert(sound(&group.key).into_owned(), open);
    }
    plan.deliveries.push(PlannedDelivery {
        delivery,
        event: event.id,
        created_at: job.message.received_at,
        group_key: group.map(|group| group.key.as_str()),
        records: group.map_or(0, |group| size(group.records)),
        bytes: group.map_or(0, |group| size(group.bytes)),
    });
    delivery.id
}
