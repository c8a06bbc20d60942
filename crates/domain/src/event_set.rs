//! A named selection of event kinds with a *Notify By*.

use serde::{Deserialize, Serialize};

use crate::{EventSetId, Timestamp};

/// Most event kinds that one set may name.
pub const EVENTS: usize = 1_000;

/// What shares one alert. In order of immediacy: when several rules match, the most immediate one wins (decisions.md 1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NotifyBy {
    /// Each event is its own alert.
    #[default]
    Event,
    /// Events of one kind about one asset are joined within the window.
    Asset,
    /// Events of one kind about one product are joined within the window.
    Product,
    /// Events of one kind in one company are joined within the window.
    Company,
}

impl NotifyBy {
    pub const ALL: [Self; 4] = [Self::Event, Self::Asset, Self::Product, Self::Company];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Asset => "asset",
            Self::Product => "product",
            Self::Company => "company",
        }
    }
}

/// A set belongs to no integration; many rules may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSet {
    pub id: EventSetId,
    pub name: String,
    pub notify_by: NotifyBy,
    /// Codes of event kinds, sorted, without repeats.
    pub events: Vec<String>,
    /// Critical events do not wait for the window.
    #[serde(default)]
    pub critical_bypass: bool,
    pub created_at: Timestamp,
}
