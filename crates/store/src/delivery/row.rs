//! Rows of deliveries as both databases give and take them.

use std::collections::HashMap;

use delivery::{Delivery, Gate, Status};
use domain::{CompanyId, DeliveryId, EventId, IntegrationId, RuleId, Timestamp};

use super::{DeliveryRow, Due, DuePage, PreparedAttempt, Settlement, Standing};
use crate::codec::{fixed, hex, of_json, split_ids};
use crate::event::read_deliveries;
use crate::{FrozenAlert, StoreError};

const TABLE: &str = "delivery";

/// Lanes keep retries from standing in the way of what is new: 0 critical, 1 first tries, 2 retries.
pub(crate) fn lane(critical: bool, attempts: u32) -> i16 {
    match (critical, attempts) {
        (true, _) => 0,
        (false, 0) => 1,
        (false, _) => 2,
    }
}

/// The lane of what a replay sends, critical or not: many old alerts do not stand in the way of a new one.
pub(crate) const REPLAYS: i16 = 2;

/// Whether a gate holds everything back; the table of owners repeats it for lists.
pub(crate) fn held(gate: &Gate) -> bool {
    gate.held().is_some()
}

/// At most `limit` of what is due in each lane: critical ones first, then first tries, but a quarter of what room is
/// left goes to retries that are due. `later` is the earliest due time beyond now.
pub(crate) fn mix(lanes: [Vec<Due>; 3], limit: usize, later: Option<Timestamp>) -> DuePage {
    let [mut items, mut first, mut retries] = lanes;
    let room = limit.saturating_sub(items.len());
    let for_retries = retries
        .len()
        .min((room / 4).max(room.saturating_sub(first.len())));
    let left = [
        split_off(&mut items, limit),
        split_off(&mut first, room - for_retries),
        split_off(&mut retries, for_retries),
    ];
    items.append(&mut first);
    items.append(&mut retries);
    DuePage {
        items,
        next_due: left.into_iter().flatten().chain(later).min(),
    }
}

/// Cuts what is beyond `most`, and says when the first of it was due.
fn split_off(due: &mut Vec<Due>, most: usize) -> Option<Timestamp> {
    let next = due.get(most).map(|due| due.state.due_at);
    due.truncate(most);
    next
}

/// A [`Delivery`] in its columns.
#[derive(Debug, Clone)]
pub(crate) struct StateRow {
    pub(crate) status: String,
    pub(crate) attempts: i32,
    pub(crate) due_at: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) parked_since: Option<i64>,
    pub(crate) reason: Option<String>,
}

impl StateRow {
    pub(crate) fn new(state: &Delivery) -> Self {
        Self {
            status: state.status.as_str().to_owned(),
            attempts: i32::try_from(state.attempts).unwrap_or(i32::MAX),
            due_at: state.due_at.micros(),
            not_before: state.not_before.map(Timestamp::micros),
            parked_since: state.parked_since.map(Timestamp::micros),
            reason: state.reason.map(|reason| reason.as_str().to_owned()),
        }
    }

    pub(crate) fn read(&self, id: &[u8]) -> Result<Delivery, StoreError> {
        let corrupt = |what: &str, word: &str| {
            StoreError::corrupt(TABLE, hex(id), format_args!("{what} `{word}`"))
        };
        let status = read_status(id, &self.status)?;
        let reason = self
            .reason
            .as_deref()
            .map(|word| word.parse().map_err(|_| corrupt("reason", word)))
            .transpose()?;
        Ok(Delivery {
            status,
            attempts: self.attempts.unsigned_abs(),
            due_at: Timestamp::from_micros(self.due_at),
            not_before: self.not_before.map(Timestamp::from_micros),
            parked_since: self.parked_since.map(Timestamp::from_micros),
            reason,
        })
    }
}

pub(crate) fn read_status(id: &[u8], word: &str) -> Result<Status, StoreError> {
    word.parse()
        .map_err(|_| StoreError::corrupt(TABLE, hex(id), format_args!("status `{word}`")))
}

/// A settlement in its columns, made by the caller's task.
#[derive(Debug)]
pub(crate) struct PreparedSettlement {
    pub(crate) delivery: [u8; 16],
    pub(crate) state: StateRow,
    /// The class of what the attempt failed by; none leaves nothing of an earlier failure.
    pub(crate) cause: Option<String>,
    pub(crate) attempt: Option<PreparedAttempt>,
}

impl PreparedSettlement {
    pub(crate) fn new(settlement: Settlement) -> Self {
        Self {
            delivery: settlement.delivery.to_bytes(),
            state: StateRow::new(&settlement.state),
            cause: settlement
                .attempt
                .as_ref()
                .and_then(|attempt| attempt.cause.clone()),
            attempt: settlement.attempt.map(PreparedAttempt::new),
        }
    }
}

/// A pending delivery with its alert.
#[derive(Debug)]
pub(crate) struct DueRow {
    pub(crate) id: Vec<u8>,
    pub(crate) company: Vec<u8>,
    pub(crate) critical: bool,
    pub(crate) state: StateRow,
    pub(crate) event: Vec<u8>,
    pub(crate) replay_of: Option<Vec<u8>>,
    pub(crate) created_at: i64,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) headers: Option<String>,
    pub(crate) hash: Option<Vec<u8>>,
}

impl TryFrom<DueRow> for Due {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self, StoreError> {
        let id = &row.id;
        let replay_of = row
            .replay_of
            .as_deref()
            .map(|bytes| fixed(TABLE, id, bytes))
            .transpose()?;
        Ok(Self {
            id: DeliveryId::from_bytes(fixed(TABLE, id, id)?),
            company: CompanyId::from_bytes(fixed(TABLE, id, &row.company)?),
            critical: row.critical,
            state: row.state.read(id)?,
            first_event: EventId::from_bytes(fixed(TABLE, id, &row.event)?),
            replay_of: replay_of.map(DeliveryId::from_bytes),
            created_at: Timestamp::from_micros(row.created_at),
            alert: read_alert(id, row.body, row.headers, row.hash)?,
        })
    }
}

/// The frozen alert of three columns that are set together.
pub(crate) fn read_alert(
    id: &[u8],
    body: Option<Vec<u8>>,
    headers: Option<String>,
    hash: Option<Vec<u8>>,
) -> Result<Option<FrozenAlert>, StoreError> {
    let (Some(body), Some(headers), Some(hash)) = (body, headers, hash) else {
        return Ok(None);
    };
    let headers = of_json(TABLE, id, &headers)?;
    Ok(Some(FrozenAlert {
        body,
        headers,
        hash: fixed(TABLE, id, &hash)?,
    }))
}

/// The last attempt failed: a good one takes the cause away.
pub(crate) const FAILING: &str = "d.cause IS NOT NULL AND d.status <> 'delivered'";

/// No person wanted it no more.
pub(crate) const UNCANCELLED: &str = "coalesce(d.reason, '') <> 'cancelled'";

/// A delivery as lists show it.
#[derive(Debug)]
pub(crate) struct ListRow {
    pub(crate) id: Vec<u8>,
    pub(crate) integration: Vec<u8>,
    pub(crate) rule: Vec<u8>,
    pub(crate) company: Vec<u8>,
    pub(crate) critical: bool,
    pub(crate) state: StateRow,
    pub(crate) cause: Option<String>,
    pub(crate) event: Vec<u8>,
    /// Ids of the events that joined it, one after another.
    pub(crate) joined: Vec<u8>,
    /// Of its first event, as the subject is.
    pub(crate) kind: Option<String>,
    /// Of its first event; none when retention has taken that.
    pub(crate) subject: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) replay_of: Option<Vec<u8>>,
    /// Only where the subject has to come from there.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) sealed: bool,
    /// Its integration is switched off or its gate is held.
    pub(crate) parked: bool,
}

impl TryFrom<ListRow> for DeliveryRow {
    type Error = StoreError;

    fn try_from(row: ListRow) -> Result<Self, StoreError> {
        let id = &row.id;
        let state = row.state.read(id)?;
        let mut events = Vec::new();
        if row.subject.is_some() {
            events.push(EventId::from_bytes(fixed(TABLE, id, &row.event)?));
        }
        events.extend(
            split_ids(TABLE, id, &row.joined)?
                .into_iter()
                .map(EventId::from_bytes),
        );
        let replay_of = row
            .replay_of
            .as_deref()
            .map(|bytes| fixed(TABLE, id, bytes))
            .transpose()?;
        Ok(Self {
            id: DeliveryId::from_bytes(fixed(TABLE, id, id)?),
            integration: IntegrationId::from_bytes(fixed(TABLE, id, &row.integration)?),
            rule: RuleId::from_bytes(fixed(TABLE, id, &row.rule)?),
            company: CompanyId::from_bytes(fixed(TABLE, id, &row.company)?),
            standing: standing(state.status, row.parked),
            reason: row.state.reason,
            cause: row.cause,
            events,
            kind: row.kind,
            subject: row
                .subject
                .or_else(|| subject_of(row.body.as_deref()?))
                .unwrap_or_default(),
            critical: row.critical,
            created_at: Timestamp::from_micros(row.created_at),
            due_at: state.due_at,
            not_before: state.not_before,
            attempts: state.attempts,
            replay_of: replay_of.map(DeliveryId::from_bytes),
            sealed: row.sealed,
        })
    }
}

/// Where a delivery stands. `parked`: its integration is switched off or its gate is held.
fn standing(status: Status, parked: bool) -> Standing {
    match status {
        Status::Pending if parked => Standing::Parked,
        Status::Pending => Standing::Pending,
        Status::Delivered => Standing::Delivered,
        Status::Dead => Standing::Dead,
    }
}

/// What is read to tell where the deliveries of some events stand.
#[derive(Debug)]
pub(crate) struct StandingRows {
    /// Each event with the column that names its deliveries.
    pub(crate) events: Vec<(Vec<u8>, Vec<u8>)>,
    /// Each delivery that is there with its status, and whether it is parked while it is pending.
    pub(crate) deliveries: HashMap<Vec<u8>, (String, bool)>,
}

impl StandingRows {
    /// The ids of all deliveries that the events name.
    pub(crate) fn named(events: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<[u8; 16]>, StoreError> {
        let mut ids = Vec::new();
        for (id, column) in events {
            let carried = read_deliveries(id, column)?;
            ids.extend(carried.iter().map(|carried| carried.delivery.to_bytes()));
        }
        Ok(ids)
    }

    pub(crate) fn read(self) -> Result<Vec<(EventId, Standing)>, StoreError> {
        let mut standings = Vec::new();
        for (id, column) in &self.events {
            let event = EventId::from_bytes(fixed("event", id, id)?);
            for carried in read_deliveries(id, column)? {
                let id = carried.delivery.to_bytes();
                if let Some((status, parked)) = self.deliveries.get(&id[..]) {
                    standings.push((event, standing(read_status(&id, status)?, *parked)));
                }
            }
        }
        Ok(standings)
    }
}

/// The subject as it stands in a frozen alert.
fn subject_of(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        subject: String,
    }
    serde_json::from_slice::<Envelope>(body)
        .ok()
        .map(|envelope| envelope.subject)
}
