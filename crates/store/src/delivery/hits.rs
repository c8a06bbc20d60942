//! How often rules made alerts of late.

use std::collections::HashMap;

use domain::access::Scope;
use domain::{IntegrationId, RuleId, Timestamp};

use crate::codec::fixed;
use crate::{Store, StoreError};

impl Store {
    /// Most deliveries that are looked at for the hits of rules: the newest.
    pub const MOST_HITS: u32 = 20_000;
}

/// Which deliveries are counted as hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitsQuery {
    pub scope: Scope,
    /// Of this integration alone.
    pub integration: Option<IntegrationId>,
    /// Made at this time or later.
    pub since: Timestamp,
}

/// Alerts that one rule made. What was sent again is not counted again, and events that were joined are one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub count: u64,
    /// When the newest of them was made.
    pub newest: Timestamp,
}

/// The hits of each rule that has some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    pub rules: HashMap<RuleId, Hit>,
    /// There are more deliveries of this time than were looked at.
    pub truncated: bool,
}

/// A rule as both databases give it.
#[derive(Debug)]
pub(crate) struct HitRow {
    pub(crate) rule: Vec<u8>,
    pub(crate) count: i64,
    pub(crate) newest: Option<i64>,
    /// Deliveries of it that were looked at, those outside the scope included.
    pub(crate) looked_at: i64,
}

impl Hits {
    pub(crate) fn of(rows: &[HitRow]) -> Result<Self, StoreError> {
        let looked_at: i64 = rows.iter().map(|row| row.looked_at).sum();
        let mut rules = HashMap::with_capacity(rows.len());
        for row in rows {
            let Some(newest) = row.newest else { continue };
            let rule = RuleId::from_bytes(fixed("delivery", &row.rule, &row.rule)?);
            let hit = Hit {
                count: row.count.unsigned_abs(),
                newest: Timestamp::from_micros(newest),
            };
            rules.insert(rule, hit);
        }
        Ok(Self {
            rules,
            truncated: looked_at > i64::from(Store::MOST_HITS),
        })
    }
}
