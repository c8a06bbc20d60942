//! Rows of jobs as both databases give and take them, and the list of what a job takes.

use std::num::NonZeroU32;

use delivery::replay::{Found, Meant, Progress, meant};
use domain::access::Scope;
use domain::finding::Tally as Findings;
use domain::{CompanyId, DeliveryId, EventId, JobId, Timestamp};
use serde_json::{Value, json};

use super::import::{NewImport, Once};
use super::{Again, Job, JobKind, JobLease, JobSpec, JobStep, JobWork, NewJob, Release};
use crate::StoreError;
use crate::accept::PreparedDelivery;
use crate::codec::{fixed, hex, of_json, to_json};
use crate::delivery::{REPLAYS, Target, lane};
use crate::reading::PreparedReadings;

const TABLE: &str = "job";
/// Items of one row of `job_part`.
pub(super) const PART: usize = 1_000;
/// Bytes of one item: its id, and one for what is meant for it.
const ITEM: usize = 17;

/// The columns of [`JobColumns`], in its order.
pub(super) const COLUMNS: &str = "id, spec, everyone, state, rate, size, cursor, total, done, skipped, failed, actor, error, \
     created_at, changed_at, ended_at, tally";

/// A delivery or an event, and what is meant for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    id: [u8; 16],
    pub meant: Meant,
}

/// What a job takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Oldest first.
    pub items: Vec<Item>,
    /// What fits the query and is passed over.
    pub skipped: u64,
    /// There is more than may be listed.
    pub truncated: bool,
}

/// A list that is being made.
#[derive(Debug)]
pub(crate) struct Listing {
    listed: Listed,
    most: u64,
}

impl Item {
    /// What is meant for a delivery now; none when it is passed over.
    pub(crate) fn of_delivery(
        id: [u8; 16],
        found: Found,
        company: CompanyId,
        is_there: bool,
        to: Option<&Target>,
    ) -> Option<Self> {
        if is_there || to.is_some_and(|to| !to.serves(company)) {
            return None;
        }
        let meant = meant(found, to.is_some())?;
        Some(Self { id, meant })
    }

    pub(crate) fn of_event(id: [u8; 16], meant: Meant) -> Self {
        Self { id, meant }
    }

    #[must_use]
    pub fn delivery(&self) -> DeliveryId {
        DeliveryId::from_bytes(self.id)
    }

    #[must_use]
    pub fn event(&self) -> EventId {
        EventId::from_bytes(self.id)
    }

    fn code(self) -> u8 {
        match self.meant {
            Meant::Retry => b'r',
            Meant::New => b'n',
            Meant::Route => b'u',
            Meant::Read => b'e',
        }
    }
}

impl Listed {
    #[must_use]
    pub fn total(&self) -> u64 {
        (self.items.len() as u64).saturating_add(self.skipped)
    }

    #[must_use]
    pub fn count(&self, meant: Meant) -> u64 {
        self.items.iter().filter(|item| item.meant == meant).count() as u64
    }
}

impl Listing {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            listed: Listed::default(),
            most: u64::from(most),
        }
    }

    /// Adds an item, or counts one that is passed over.
    pub(crate) fn add(&mut self, item: Option<Item>) {
        if self.listed.total() >= self.most {
            self.listed.truncated = true;
            return;
        }
        match item {
            Some(item) => self.listed.items.push(item),
            None => self.listed.skipped += 1,
        }
    }

    /// Nobody looks for more.
    pub(crate) fn cut(&mut self) {
        self.listed.truncated = true;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.listed.truncated
    }

    pub(crate) fn finish(self) -> Listed {
        self.listed
    }
}

/// The items in the rows that keep them.
pub(super) fn write_parts(items: &[Item]) -> Vec<Vec<u8>> {
    let write = |items: &[Item]| {
        let mut bytes = Vec::with_capacity(items.len() * ITEM);
        for item in items {
            bytes.extend_from_slice(&item.id);
            bytes.push(item.code());
        }
        bytes
    };
    items.chunks(PART).map(write).collect()
}

/// The rows that hold these items: the first one, and how many items of it come before them; and the last one.
pub(super) fn parts_of(from: u64, most: usize) -> (i64, usize, i64) {
    let (part, end) = (PART as u64, from.saturating_add(most.max(1) as u64) - 1);
    let number = |item: u64| i64::try_from(item / part).unwrap_or(i64::MAX);
    let before = usize::try_from(from % part).unwrap_or(0);
    (number(from), before, number(end))
}

/// The items of these rows, without those before and with no more than asked for.
pub(super) fn read_parts(
    id: JobId,
    parts: &[Vec<u8>],
    before: usize,
    most: usize,
) -> Result<Vec<Item>, StoreError> {
    let corrupt = |what: &str| StoreError::corrupt("job_part", hex(&id.to_bytes()), what);
    let mut items = Vec::with_capacity(most);
    for part in parts {
        let (chunks, rest) = part.as_chunks::<ITEM>();
        if !rest.is_empty() {
            return Err(corrupt("a list of items is cut short"));
        }
        for chunk in chunks {
            let meant = match chunk[16] {
                b'r' => Meant::Retry,
                b'n' => Meant::New,
                b'u' => Meant::Route,
                b'e' => Meant::Read,
                _ => return Err(corrupt("an item says nothing that may be meant for it")),
            };
            items.push(Item {
                id: fixed("job_part", &id.to_bytes(), &chunk[..16])?,
                meant,
            });
        }
    }
    Ok(items.into_iter().skip(before).take(most).collect())
}

/// A job in its columns.
#[derive(Debug)]
pub(super) struct JobColumns {
    pub(super) id: Vec<u8>,
    pub(super) spec: String,
    pub(super) everyone: bool,
    pub(super) state: String,
    pub(super) rate: i32,
    pub(super) size: i64,
    pub(super) cursor: i64,
    pub(super) total: i64,
    pub(super) done: i64,
    pub(super) skipped: i64,
    pub(super) failed: i64,
    pub(super) actor: String,
    pub(super) error: Option<String>,
    pub(super) created_at: i64,
    pub(super) changed_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) tally: Option<String>,
}

/// A job in the columns that it begins with.
#[derive(Debug)]
pub(super) struct NewRow<'a> {
    pub(super) id: JobId,
    pub(super) kind: JobKind,
    pub(super) spec: String,
    pub(super) scope: &'a Scope,
    pub(super) rate: NonZeroU32,
    pub(super) size: u64,
    pub(super) total: u64,
    pub(super) skipped: u64,
    pub(super) failed: u64,
    pub(super) tally: Option<String>,
    pub(super) once: Option<&'a Once>,
}

impl<'a> NewRow<'a> {
    pub(super) fn of_job(job: &'a NewJob) -> Self {
        Self {
            id: job.id,
            kind: job.spec.kind(),
            spec: to_json(&job.spec),
            scope: &job.scope,
            rate: job.rate,
            size: job.listed.items.len() as u64,
            total: job.listed.total(),
            skipped: job.listed.skipped,
            failed: 0,
            tally: None,
            once: None,
        }
    }

    pub(super) fn of_import(import: &'a NewImport) -> Self {
        let spec = JobSpec::Import(Box::new(import.spec.clone()));
        let failed = import.failed.sum().failed;
        Self {
            id: import.id,
            kind: spec.kind(),
            spec: to_json(&spec),
            scope: &import.scope,
            rate: import.rate,
            size: import.size,
            total: import.size.saturating_add(failed),
            skipped: 0,
            failed,
            tally: Some(to_json(&import.failed)),
            once: import.once.as_ref(),
        }
    }

    /// What the audit log says of a job that begins.
    pub(super) fn begun(&self) -> Value {
        let spec: Value = serde_json::from_str(&self.spec).unwrap_or_default();
        json!({"spec": spec, "total": self.total, "rate_per_second": self.rate})
    }
}

impl JobColumns {
    /// The job, with the companies that its maker was bound to.
    pub(super) fn read(self, companies: Vec<CompanyId>) -> Result<Job, StoreError> {
        let id = &self.id;
        let corrupt = |detail: String| StoreError::corrupt(TABLE, hex(id), detail);
        let rate = u32::try_from(self.rate).ok().and_then(NonZeroU32::new);
        Ok(Job {
            id: JobId::from_bytes(fixed(TABLE, id, id)?),
            spec: of_json(TABLE, id, &self.spec)?,
            scope: if self.everyone {
                Scope::All
            } else {
                Scope::Companies(companies)
            },
            state: self.state.parse().map_err(corrupt)?,
            rate: rate.ok_or_else(|| corrupt(format!("rate {}", self.rate)))?,
            size: self.size.unsigned_abs(),
            cursor: self.cursor.unsigned_abs(),
            progress: Progress {
                total: self.total.unsigned_abs(),
                done: self.done.unsigned_abs(),
                skipped: self.skipped.unsigned_abs(),
                failed: self.failed.unsigned_abs(),
            },
            actor: of_json(TABLE, id, &self.actor)?,
            error: self.error,
            created_at: Timestamp::from_micros(self.created_at),
            changed_at: Timestamp::from_micros(self.changed_at),
            ended_at: self.ended_at.map(Timestamp::from_micros),
            tally: self
                .tally
                .as_deref()
                .map(|text| of_json(TABLE, id, text))
                .transpose()?,
        })
    }
}

/// What the stored specs of re-readings and imports begin with; every other spec is a replay.
pub(super) const REREAD: &str = "{\"reread\":%";
pub(super) const IMPORT: &str = "{\"import\":%";

/// A number of items as both databases store it; there are never more than a million.
pub(super) fn number(items: u64) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// What the audit log says of a job that has ended.
pub(super) fn ended(state: &str, progress: &Progress, error: Option<&str>) -> Value {
    let Progress {
        total,
        done,
        skipped,
        failed,
    } = progress;
    let mut detail =
        json!({"state": state, "total": total, "done": done, "skipped": skipped, "failed": failed});
    if let Some(error) = error {
        detail["error"] = json!(error);
    }
    detail
}

/// A step in the columns that both databases store.
#[derive(Debug)]
pub(crate) struct PreparedStep {
    pub(super) lease: JobLease,
    pub(super) scope: Scope,
    pub(super) work: PreparedWork,
    /// How many items it takes.
    pub(super) items: u64,
}

#[derive(Debug)]
pub(super) enum PreparedWork {
    Again {
        to: Option<Target>,
        items: Vec<Again>,
        epoch: Option<u64>,
    },
    Route {
        releases: Vec<PreparedRelease>,
        stay: u64,
        epoch: u64,
    },
    Reread {
        messages: Vec<PreparedReadings>,
        passed: u64,
        failed: u64,
        epoch: u64,
    },
    Import {
        tally: Findings,
    },
}

#[derive(Debug)]
pub(super) struct PreparedRelease {
    pub(super) event: [u8; 16],
    pub(super) deliveries: Vec<PreparedDelivery>,
}

/// What a step did to its items.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) done: u64,
    pub(super) skipped: u64,
    pub(super) failed: u64,
}

impl Tally {
    /// Of an import: what is new was done, what was seen was passed over.
    pub(super) fn of_findings(tally: &Findings) -> Self {
        let sum = tally.sum();
        Self {
            done: sum.new,
            skipped: sum.seen,
            failed: sum.failed,
        }
    }
}

impl PreparedStep {
    pub(crate) fn new(step: JobStep) -> Self {
        let (work, items) = match step.work {
            JobWork::Again(items) => {
                let count = items.len() as u64;
                let work = PreparedWork::Again {
                    to: None,
                    items,
                    epoch: None,
                };
                (work, count)
            }
            JobWork::Elsewhere { to, items, epoch } => {
                let count = items.len() as u64;
                let work = PreparedWork::Again {
                    to: Some(to),
                    items,
                    epoch: Some(epoch),
                };
                (work, count)
            }
            JobWork::Route {
                releases,
                stay,
                epoch,
            } => {
                let count = (releases.len() as u64).saturating_add(stay);
                let releases = releases.into_iter().map(PreparedRelease::new).collect();
                let work = PreparedWork::Route {
                    releases,
                    stay,
                    epoch,
                };
                (work, count)
            }
            JobWork::Reread {
                messages,
                passed,
                failed,
                epoch,
            } => {
                let messages: Vec<_> = messages.into_iter().map(PreparedReadings::new).collect();
                let revised = messages.iter().map(|message| message.revised.len() as u64);
                let count = revised.sum::<u64>() + passed + failed;
                let work = PreparedWork::Reread {
                    messages,
                    passed,
                    failed,
                    epoch,
                };
                (work, count)
            }
            JobWork::Import { tally } => {
                let sum = tally.sum();
                let work = PreparedWork::Import { tally };
                (work, sum.new + sum.seen + sum.failed)
            }
        };
        Self {
            lease: step.lease,
            scope: step.scope,
            work,
            items,
        }
    }
}

impl PreparedWork {
    /// Whether events come of it that were not there before.
    pub(super) fn finds_events(&self) -> bool {
        match self {
            Self::Reread { messages, .. } => {
                messages.iter().any(|message| !message.further.is_empty())
            }
            // An import's events are told of where they are accepted.
            Self::Again { .. } | Self::Route { .. } | Self::Import { .. } => false,
        }
    }

    /// The epoch that the work was decided by, where it matters.
    pub(super) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Again { epoch, .. } => *epoch,
            Self::Import { .. } => None,
            Self::Route { epoch, .. } | Self::Reread { epoch, .. } => Some(*epoch),
        }
    }
}

/// In which lane an event that is let go waits. A group may be joined by new ones, so it waits where they would.
pub(super) fn lane_of(delivery: &PreparedDelivery) -> i16 {
    match delivery.group {
        Some(_) => lane(delivery.critical, 0),
        None => REPLAYS,
    }
}

impl PreparedRelease {
    fn new(release: Release) -> Self {
        Self {
            event: release.event.to_bytes(),
            deliveries: release
                .deliveries
                .into_iter()
                .map(PreparedDelivery::new)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: u16) -> Vec<Item> {
        let item = |number: u16| {
            let mut id = [7; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            Item {
                id,
                meant: [Meant::Retry, Meant::New, Meant::Route, Meant::Read]
                    [usize::from(number % 4)],
            }
        };
        (0..count).map(item).collect()
    }

    #[test]
    fn items_are_found_again_wherever_one_begins_to_read() {
        let all = items(2_500);
        let parts = write_parts(&all);
        assert_eq!(parts.len(), 3);
        let job = JobId::from_bytes([1; 16]);
        for (from, most) in [
            (0, 1),
            (0, 200),
            (950, 200),
            (999, 1),
            (1_000, 1_000),
            (2_400, 200),
        ] {
            let (first, before, last) = parts_of(from, most);
            let read = parts.iter().take(last as usize + 1).skip(first as usize);
            let read: Vec<_> = read.cloned().collect();
            let from = from as usize;
            let wanted = &all[from..(from + most).min(all.len())];
            assert_eq!(
                read_parts(job, &read, before, most).unwrap(),
                wanted,
                "{from}"
            );
        }
    }

    #[test]
    fn a_list_is_cut_at_its_bound_and_says_so() {
        let mut listing = Listing::new(3);
        for item in items(3) {
            listing.add(Some(item));
        }
        assert!(!listing.is_full());
        listing.add(None);
        let listed = listing.finish();
        assert_eq!((listed.total(), listed.truncated), (3, true));
    }
}
