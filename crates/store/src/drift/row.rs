//! Rows of watched subjects and of the events that are looked at, as both databases give them.

use domain::{CompanyId, EventId, SourceId, Timestamp};

use super::{Sighting, Watched, WatchedKey};
use crate::StoreError;
use crate::codec::{fixed, of_json, split_ids};

const TABLE: &str = "drift";

/// The columns of [`WatchedRow`], in its order.
pub(crate) const WATCHED_COLUMNS: &str =
    "company, source, subject_key, subject, kind, state, misses, opened_at, changed_at";
/// The columns of [`SightingRow`], in its order.
pub(crate) const SEEN_COLUMNS: &str =
    "seq, id, company, source, subject, kind, matched, received_at";

#[derive(Debug)]
pub(crate) struct WatchedRow {
    pub(crate) company: Vec<u8>,
    pub(crate) source: Vec<u8>,
    pub(crate) subject_key: Vec<u8>,
    pub(crate) subject: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) misses: Vec<u8>,
    pub(crate) opened_at: Option<i64>,
    pub(crate) changed_at: i64,
}

#[derive(Debug)]
pub(crate) struct SightingRow {
    pub(crate) seq: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) company: Option<Vec<u8>>,
    pub(crate) source: Option<Vec<u8>>,
    pub(crate) subject: String,
    pub(crate) kind: Option<String>,
    pub(crate) matched: String,
    pub(crate) received_at: i64,
}

impl TryFrom<WatchedRow> for Watched {
    type Error = StoreError;

    fn try_from(row: WatchedRow) -> Result<Self, StoreError> {
        let id = &row.subject_key;
        let company: [u8; 16] = fixed(TABLE, id, &row.company)?;
        Ok(Self {
            key: WatchedKey {
                company: (company != [0; 16]).then(|| CompanyId::from_bytes(company)),
                source: SourceId::from_bytes(fixed(TABLE, id, &row.source)?),
                subject: fixed(TABLE, id, id)?,
            },
            subject: row.subject,
            kind: row.kind,
            state: of_json(TABLE, id, &row.state)?,
            misses: split_ids(TABLE, id, &row.misses)?
                .into_iter()
                .map(EventId::from_bytes)
                .collect(),
            opened_at: row.opened_at.map(Timestamp::from_micros),
            changed_at: Timestamp::from_micros(row.changed_at),
        })
    }
}

impl SightingRow {
    /// None when it says nothing of a wording: it came from no source, or its subject names no kind.
    pub(crate) fn read(self) -> Result<Option<Sighting>, StoreError> {
        let (Some(source), Some(kind)) = (self.source, self.kind) else {
            return Ok(None);
        };
        let id = &self.id;
        let company = self
            .company
            .map(|company| fixed("event", id, &company).map(CompanyId::from_bytes))
            .transpose()?;
        let source = SourceId::from_bytes(fixed("event", id, &source)?);
        Ok(Some(Sighting {
            event: EventId::from_bytes(fixed("event", id, id)?),
            key: WatchedKey::new(company, source, &self.subject),
            subject: self.subject,
            kind,
            full: self.matched == domain::event::Match::Full.as_str(),
            received_at: Timestamp::from_micros(self.received_at),
        }))
    }
}
