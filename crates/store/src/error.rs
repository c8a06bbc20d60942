//! What can go wrong with the store, as far as a caller can act on it.

/// Every failure of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The thing that was to be changed is not there (or belongs to another company).
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    /// Names are unique among things of a kind.
    #[error("the name `{name}` is taken by another {what}")]
    NameTaken { what: &'static str, name: String },
    /// Something else still needs it.
    #[error("the {what} {id} is still used by a {by}; change or remove that first")]
    InUse {
        what: &'static str,
        id: String,
        by: &'static str,
    },
    /// What was to be stored names something that is not there.
    #[error("there is no {what} {id} to refer to")]
    NoSuch { what: &'static str, id: String },
    /// An epoch that never was, is still to come, or whose revisions have been forgotten.
    #[error("there is no epoch {to} to go back to; there are those from {oldest} to {newest}")]
    NoEpoch { to: u64, oldest: u64, newest: u64 },
    /// Going back would touch more than one transaction should.
    #[error("more than {most} things differ from that epoch; go back in smaller steps")]
    TooMuch { most: usize },
    /// The configuration has moved since these changes were worked out; nothing was written.
    #[error("the configuration was changed by somebody else meanwhile; try again")]
    Moved,
    /// A page's cursor is not one that this store gave out.
    #[error("the cursor is not one that a page gave; start again without it")]
    BadCursor,
    /// The secrets in the database were sealed by another key.
    #[error("the database was sealed by another key: start with the key file it was made with")]
    WrongKey,
    /// The database was written by a newer version.
    #[error(
        "the database has schema version {found}, this program knows {known}: run the newer program"
    )]
    NewerSchema { found: u32, known: u32 },
    /// A migration that ran once is not the one that this program has.
    #[error(
        "migration {version} of the database is not the one of this program: was the program altered?"
    )]
    AlteredSchema { version: u32 },
    /// Text that names no database.
    #[error("`{0}` names no database; write `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    BadDatabase(String),
    /// The queue of waiting writes is full: try again later.
    #[error("too many writes are waiting; try again in a moment")]
    Overloaded,
    /// Disk full, connection lost, closing: nothing was stored, try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A stored row does not read as what it must be.
    #[error("row {id} of {table} is corrupt: {detail}")]
    Corrupt {
        table: &'static str,
        id: String,
        detail: String,
    },
}

impl StoreError {
    pub(crate) fn corrupt(
        table: &'static str,
        id: impl std::fmt::Display,
        detail: impl std::fmt::Display,
    ) -> Self {
        Self::Corrupt {
            table,
            id: id.to_string(),
            detail: detail.to_string(),
        }
    }
}
