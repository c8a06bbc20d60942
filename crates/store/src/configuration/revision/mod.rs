//! What each item was, from one epoch until another: by it a node reads only what is new to it, and a person can go back.

mod postgres;
mod sqlite;

use std::collections::BTreeMap;

use super::{Kind, Loaded, LoadedItem};
use crate::StoreError;
use crate::codec::{fixed, hex};

pub(crate) use postgres::{
    OLDEST as OLDEST_POSTGRES, prune as prune_postgres, since as since_postgres,
    write as write_postgres,
};
pub(crate) use sqlite::{
    OLDEST as OLDEST_SQLITE, prune as prune_sqlite, since as since_sqlite, write as write_sqlite,
};

/// An item as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) kind: Kind,
    pub(crate) id: [u8; 16],
    pub(crate) scope: [u8; 16],
    pub(crate) name_key: String,
    pub(crate) document: String,
    pub(crate) sealed: Option<Vec<u8>>,
}

/// The same before it is parsed.
#[derive(Debug)]
pub(crate) struct StoredRow {
    pub(crate) kind: String,
    pub(crate) id: Vec<u8>,
    pub(crate) scope: Vec<u8>,
    pub(crate) name_key: String,
    pub(crate) document: String,
    pub(crate) sealed: Option<Vec<u8>>,
}

impl TryFrom<StoredRow> for Stored {
    type Error = StoreError;

    fn try_from(row: StoredRow) -> Result<Self, StoreError> {
        let kind = Kind::of_noun(&row.kind).ok_or_else(|| {
            StoreError::corrupt("item", hex(&row.id), format_args!("kind `{}`", row.kind))
        })?;
        Ok(Self {
            kind,
            id: fixed(kind.noun(), &row.id, &row.id)?,
            scope: fixed(kind.noun(), &row.id, &row.scope)?,
            name_key: row.name_key,
            document: row.document,
            sealed: row.sealed,
        })
    }
}

/// What an operation did to one item. Of an item that it only looked at, both are the same.
#[derive(Debug, Clone)]
pub(crate) struct Touched {
    pub(crate) before: Option<Stored>,
    pub(crate) after: Option<Stored>,
}

/// What a whole change leaves: each item once, however often it was touched.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Their present rows end.
    pub(crate) ended: Vec<[u8; 16]>,
    /// Their rows begin.
    pub(crate) begun: Vec<Stored>,
}

impl Outcome {
    pub(crate) fn of(touched: Vec<Touched>) -> Self {
        let mut items: BTreeMap<[u8; 16], Touched> = BTreeMap::new();
        for step in touched {
            let Some(id) = step.id() else { continue };
            items
                .entry(id)
                .and_modify(|whole| whole.after.clone_from(&step.after))
                .or_insert(step);
        }
        let mut outcome = Self::default();
        for (id, whole) in items {
            if whole.before == whole.after {
                continue;
            }
            if whole.before.is_some() {
                outcome.ended.push(id);
            }
            outcome.begun.extend(whole.after);
        }
        outcome
    }
}

impl Touched {
    pub(crate) fn id(&self) -> Option<[u8; 16]> {
        self.either().map(|stored| stored.id)
    }

    /// What it is now, else what it was.
    pub(crate) fn either(&self) -> Option<&Stored> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What lies between a snapshot and now.
#[derive(Debug)]
pub(crate) struct LoadedDelta {
    /// Made or changed.
    pub(crate) put: Loaded,
    /// Taken away, as they last were.
    pub(crate) removed: Vec<LoadedItem>,
}

/// Whether revisions still tell all that has happened since an epoch.
fn is_covered(since: i64, oldest: Option<i64>, newest: i64) -> bool {
    oldest.is_some_and(|oldest| oldest <= since) && since <= newest
}

/// The oldest epoch that stays when what ended before some time is forgotten: the one that held at that time, for to go
/// back to it is to undo the first change that is kept. `first` is the first epoch that began at that time or later.
fn oldest_kept(first: Option<i64>, newest: i64) -> i64 {
    first.map_or(newest, |first| first - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: u8, document: &str) -> Stored {
        Stored {
            kind: Kind::Company,
            id: [id; 16],
            scope: [0; 16],
            name_key: String::new(),
            document: document.to_owned(),
            sealed: None,
        }
    }

    fn check(steps: &[(u8, Option<&str>, Option<&str>)], ended: &[u8], begun: &[(u8, &str)]) {
        let touched = steps
            .iter()
            .map(|(id, before, after)| Touched {
                before: before.map(|document| stored(*id, document)),
                after: after.map(|document| stored(*id, document)),
            })
            .collect();
        let outcome = Outcome::of(touched);
        let ids: Vec<_> = ended.iter().map(|id| [*id; 16]).collect();
        assert_eq!(outcome.ended, ids, "{steps:?}");
        let begun: Vec<_> = begun.iter().map(|(id, text)| stored(*id, text)).collect();
        assert_eq!(outcome.begun, begun, "{steps:?}");
    }

    #[test]
    fn a_change_leaves_each_item_once() {
        check(&[(1, None, Some("a"))], &[], &[(1, "a")]);
        check(&[(1, Some("a"), None)], &[1], &[]);
        check(&[(1, Some("a"), Some("a"))], &[], &[]);
        check(
            &[
                (2, Some("x"), Some("y")),
                (1, None, Some("a")),
                (1, Some("a"), Some("b")),
            ],
            &[2],
            &[(1, "b"), (2, "y")],
        );
        check(&[(1, None, Some("a")), (1, Some("a"), None)], &[], &[]);
        check(&[(1, Some("a"), None), (1, None, Some("a"))], &[], &[]);
    }

    #[test]
    fn the_state_at_the_edge_is_kept() {
        assert_eq!(oldest_kept(Some(7), 9), 6);
        assert_eq!(oldest_kept(None, 9), 9);
        assert!(is_covered(6, Some(6), 9) && is_covered(9, Some(6), 9));
        assert!(!is_covered(5, Some(6), 9) && !is_covered(10, Some(6), 9));
        assert!(!is_covered(5, None, 9));
    }
}
