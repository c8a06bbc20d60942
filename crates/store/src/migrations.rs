//! Numbered SQL files, each run once and known again by its checksum.

use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// One file; its number is its place in the list, from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) sql: &'static str,
}

impl Migration {
    pub(crate) fn checksum(&self) -> String {
        crate::codec::hex(&Sha256::digest(self.sql))
    }
}

/// The files of one database. Both have the same ones, so they are named once.
macro_rules! migrations {
    ($database:literal) => {
        migrations!($database:
            1 "0001_start",
            2 "0002_silence",
            3 "0003_replays",
            4 "0004_revision",
            5 "0005_fair_pages",
            6 "0006_known",
            7 "0007_drift",
            8 "0008_readings",
            9 "0009_repeats",
            10 "0010_session",
            11 "0011_figures",
            12 "0012_imports",
        )
    };
    ($database:literal: $($version:literal $name:literal,)+) => {
        &[$(Migration {
            version: $version,
            sql: include_str!(concat!("../migrations/", $database, "/", $name, ".sql")),
        }),+]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!("sqlite");

pub(crate) const POSTGRES: &[Migration] = migrations!("postgres");

/// Those that still have to run, when these have run: (version, checksum) in the order of versions.
pub(crate) fn missing<'a>(
    known: &'a [Migration],
    done: &[(u32, String)],
) -> Result<&'a [Migration], StoreError> {
    let newest = known.last().map_or(0, |migration| migration.version);
    if let Some((found, _)) = done.iter().find(|(version, _)| *version > newest) {
        return Err(StoreError::NewerSchema {
            found: *found,
            known: newest,
        });
    }
    for (migration, (version, checksum)) in known.iter().zip(done) {
        if migration.version != *version || migration.checksum() != *checksum {
            return Err(StoreError::AlteredSchema { version: *version });
        }
    }
    Ok(&known[done.len().min(known.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration {
            version: 1,
            sql: "a",
        },
        Migration {
            version: 2,
            sql: "b",
        },
    ];

    #[test]
    fn what_has_not_run_is_missing_and_what_was_altered_or_is_newer_is_refused() {
        let done = |count: usize| -> Vec<_> {
            KNOWN[..count]
                .iter()
                .map(|migration| (migration.version, migration.checksum()))
                .collect()
        };
        assert_eq!(missing(KNOWN, &done(0)).unwrap().len(), 2);
        assert_eq!(missing(KNOWN, &done(1)).unwrap()[0].version, 2);
        assert!(missing(KNOWN, &done(2)).unwrap().is_empty());
        let altered = vec![(1, "other".to_owned())];
        assert_eq!(
            missing(KNOWN, &altered).unwrap_err(),
            StoreError::AlteredSchema { version: 1 }
        );
        assert_eq!(
            missing(KNOWN, &[(3, String::new())]).unwrap_err(),
            StoreError::NewerSchema { found: 3, known: 2 }
        );
    }
}
