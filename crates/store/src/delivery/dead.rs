//! Dead letters by cause: how many, since when, and whose fault.

use delivery::DeadReason;
use domain::{CompanyId, IntegrationId, Timestamp};

use crate::StoreError;
use crate::codec::{fixed, hex};

/// Most dead letters that are counted, and most groups that are told.
pub(crate) const COUNTED: i64 = 1_000_000;
pub(crate) const GROUPS: i64 = 1_000;

/// Which dead letters are counted; each part narrows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeadQuery {
    pub integration: Option<IntegrationId>,
    pub company: Option<CompanyId>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

/// Dead letters of one integration that died of the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    pub integration: IntegrationId,
    pub reason: DeadReason,
    /// The class of what the last attempt failed by.
    pub cause: Option<String>,
    pub count: u64,
    /// When the oldest and the newest of them were made.
    pub oldest: Timestamp,
    pub newest: Timestamp,
}

/// The groups, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetters {
    pub rows: Vec<DeadLetterRow>,
    /// There are more than were counted or told.
    pub truncated: bool,
}

/// A group as both databases give it.
#[derive(Debug)]
pub(crate) struct GroupRow {
    pub(crate) integration: Vec<u8>,
    pub(crate) reason: String,
    pub(crate) cause: Option<String>,
    pub(crate) count: i64,
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
}

impl DeadLetters {
    /// Of one group more than is told, and one letter more than is counted.
    pub(crate) fn of(groups: Vec<GroupRow>) -> Result<Self, StoreError> {
        let counted: i64 = groups.iter().map(|group| group.count).sum();
        let most = usize::try_from(GROUPS).unwrap_or(usize::MAX);
        let truncated = counted > COUNTED || groups.len() > most;
        let rows = groups.into_iter().take(most).map(DeadLetterRow::try_from);
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            truncated,
        })
    }
}

impl TryFrom<GroupRow> for DeadLetterRow {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        let id = &row.integration;
        let reason = row.reason.parse().map_err(|_| {
            StoreError::corrupt("delivery", hex(id), format_args!("reason `{}`", row.reason))
        })?;
        Ok(Self {
            integration: IntegrationId::from_bytes(fixed("delivery", id, id)?),
            reason,
            cause: row.cause,
            count: row.count.unsigned_abs(),
            oldest: Timestamp::from_micros(row.oldest),
            newest: Timestamp::from_micros(row.newest),
        })
    }
}
