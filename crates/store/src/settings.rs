//! What the store must be told to open.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::{NodeId, Secret};
use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// Everything that opening takes, as parsed types. [`Settings::new`] fills the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    pub database: Database,
    /// Stable over restarts, so that this node takes its own leases back at once.
    pub node: NodeId,
    pub key: SealingKey,
    /// Random; becomes the instance id when the database is new.
    pub instance_seed: [u8; 16],
    /// What the user's event kinds and wordings, which the database holds, extend.
    pub catalogue: Arc<Catalogue>,
    /// Connections that read at the same time.
    pub readers: NonZeroUsize,
    /// Writes that may wait; one more is [`StoreError::Overloaded`].
    pub queue: NonZeroUsize,
    /// Writes that share one commit.
    pub commit_batch: NonZeroUsize,
    /// Connections that write to PostgreSQL at the same time; SQLite has one.
    pub writers: NonZeroUsize,
}

impl Settings {
    #[must_use]
    pub fn new(database: Database, node: NodeId, key: SealingKey, instance_seed: [u8; 16]) -> Self {
        let some = |number| NonZeroUsize::new(number).expect("the defaults are not zero");
        Self {
            database,
            node,
            key,
            instance_seed,
            catalogue: Catalogue::builtin(),
            readers: some(4),
            queue: some(8_192),
            commit_batch: some(512),
            writers: some(2),
        }
    }
}

/// Where everything is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file; SQLite puts `-wal` and `-shm` beside it.
    Sqlite(PathBuf),
    /// A connection URL, which may hold a password.
    Postgres(Secret<String>),
}

impl FromStr for Database {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", rest)) if rest.len() > 2 && rest.starts_with("//") => {
                Ok(Self::Postgres(Secret::new(text.to_owned())))
            }
            // What stands behind a colon may be a password, so it is not repeated.
            Some((scheme, _)) => Err(StoreError::BadDatabase(format!("{scheme}:…"))),
            None => Err(StoreError::BadDatabase(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://[hidden]"),
        }
    }
}

/// The 32 bytes that secrets are sealed under; every node of a database has the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey(Secret<[u8; 32]>);

impl SealingKey {
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Tells two keys apart and says nothing about either: the first 8 hex digits of its hash.
    #[must_use]
    pub fn id(&self) -> String {
        crate::codec::hex(&Sha256::digest(self.reveal())[..4])
    }

    pub(crate) fn reveal(&self) -> &[u8; 32] {
        self.0.reveal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_url() {
        assert_eq!(
            "sqlite:/var/lib/a.db".parse(),
            Ok(Database::Sqlite("/var/lib/a.db".into()))
        );
        assert!(matches!(
            "postgres://u:p@h/d".parse(),
            Ok(Database::Postgres(_))
        ));
        for text in [
            "",
            "sqlite:",
            "mysql://u:hush@h/d",
            "postgres:x",
            "/var/lib/a.db",
        ] {
            let error = text.parse::<Database>().unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_connection_url_is_not_printed() {
        let database: Database = "postgres://u:hush@h/d".parse().unwrap();
        assert!(!format!("{database:?}").contains("hush"));
    }
}
