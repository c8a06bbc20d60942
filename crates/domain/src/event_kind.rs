//! Event kinds of the user's, and their wordings for other kinds: what the catalogue is extended by while it runs.

use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::{EventKindId, Timestamp};

/// Most entries that the catalogue is extended by.
pub const ENTRIES: usize = 1_000;
/// Longest entry, in bytes.
pub const ENTRY_BYTES: usize = 64 * 1024;

/// What an entry is to its code. A code may have one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adds {
    /// The kind itself; it takes the place of one that is built in or in a file.
    Kind,
    /// Further subjects and wordings of a kind that stands elsewhere.
    Wordings,
}

impl Adds {
    pub const ALL: [Self; 2] = [Self::Kind, Self::Wordings];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Wordings => "wordings",
        }
    }

    /// What an entry of this code is known by: `backup.failed`, or `backup.failed wordings`.
    #[must_use]
    pub fn name_of(self, code: &str) -> String {
        match self {
            Self::Kind => code.to_owned(),
            Self::Wordings => format!("{code} wordings"),
        }
    }
}

/// One entry: a catalogue file with a single `[[event]]` or `[[extend]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventKind {
    pub id: EventKindId,
    pub code: String,
    pub adds: Adds,
    /// The text of the file.
    pub file: String,
    pub author: Actor,
    pub created_at: Timestamp,
}

impl EventKind {
    /// What it is known by among the entries.
    #[must_use]
    pub fn name(&self) -> String {
        self.adds.name_of(&self.code)
    }
}
