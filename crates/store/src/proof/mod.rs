//! The proof that what was acked is there, unchanged.
//!
//! Behind the ack path each message is sealed once: its keyed hash is added to the book of its day. What retention prunes is
//! added to another book. So for each day *sealed = present + pruned*, and a message that was deleted, added or altered
//! beneath the program shows, for nobody without the sealing key can make the sums come out. What the seal cannot tell is
//! whether the newest messages, which are not sealed yet, are those that were acked, nor whether the whole database is an
//! older copy of itself: receipts kept elsewhere tell that ([`Store::prove_receipt`]).

mod books;
mod postgres;
mod sqlite;

use std::collections::HashSet;

use domain::access::Scope;
use domain::{EventId, MessageId};
use sha2::{Digest as _, Sha256};

use crate::codec::split_ids;
use crate::{Backend, Store, StoreError};

pub(crate) use books::{Book, BookRow, Line, Notary, Place};
pub(crate) use postgres::{
    add_pruned as add_pruned_postgres, sealed_up_to as sealed_up_to_postgres,
};
pub(crate) use sqlite::{
    add_pruned as add_pruned_sqlite, sealed_up_to as sealed_up_to_sqlite,
    step_back as step_back_sqlite,
};

/// Most days that have books: more than a century.
const DAYS: usize = 40_000;
/// Messages that one transaction seals, and how many of them are sealed before some are pruned.
const SEALED_AT_ONCE: usize = 2_000;

/// How far the journal is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Messages that were sealed since the beginning, those that were pruned since included.
    pub count: u64,
    /// The sum over all of them, which names the state of the seal.
    pub sum: [u8; 32],
    /// Days that have a book or messages, oldest first.
    pub days: Vec<i64>,
    pub faults: Vec<Fault>,
}

/// What the books of a day say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    pub sealed: u64,
    /// Of those that were sealed.
    pub present: u64,
    pub pruned: u64,
    /// Present, and newer than the seal.
    pub unsealed: u64,
    pub faults: Vec<Fault>,
}

/// What was checked of a page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<Id> {
    pub rows: u64,
    pub faults: Vec<Fault>,
    /// Where the next page begins after; none when this was the last.
    pub next: Option<Id>,
}

/// What is not as it was acked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The raw bytes do not have their hash, or its row cannot be read.
    Altered { message: MessageId },
    /// An event of the message is not there.
    EventGone { message: MessageId, event: EventId },
    /// An event is there and the message that it names is not, or does not name it.
    Stray { event: EventId, message: MessageId },
    /// What was sealed is not what is there and what was pruned: messages were deleted, added or altered.
    Day {
        day: i64,
        sealed: u64,
        present: u64,
        pruned: u64,
    },
    /// A row of the books was altered, removed or put there by someone without the key.
    Book { what: String },
}

/// What a sender was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: MessageId,
    pub sha256: [u8; 32],
    pub events: Vec<EventId>,
}

/// What became of an acked message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    Kept,
    /// It is there, with other bytes.
    Altered,
    /// It is there, and an event of it is not.
    EventGone,
    /// It is not there, and of its day messages were pruned.
    Pruned,
    /// It is not there.
    Missing,
}

/// The date of a day.
#[must_use]
pub fn date(day: i64) -> String {
    let midnight = domain::Timestamp::from_micros(day.saturating_mul(86_400_000_000));
    midnight
        .to_string()
        .chars()
        .take_while(|letter| *letter != 'T')
        .collect()
}

impl Store {
    /// Seals at most `limit` messages that are not sealed yet; answers how many. Call it again while it answers `limit`.
    pub async fn seal_journal(&self, limit: usize) -> Result<usize, StoreError> {
        let notary = self.notary();
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::seal(db, notary, limit).await,
            Backend::Postgres(db) => postgres::seal(db, &notary, limit).await,
        }
    }

    /// Seals all that is stored by now: what is pruned has to be in the books before.
    pub(crate) async fn seal_all(&self) -> Result<(), StoreError> {
        while self.seal_journal(SEALED_AT_ONCE).await? == SEALED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// How far the journal is sealed, and whether the books of all days make up the whole.
    pub async fn sealed(&self) -> Result<Sealed, StoreError> {
        let notary = self.notary();
        let read = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::all_books(db).await?,
            Backend::Postgres(db) => postgres::all_books(db).await?,
        };
        Ok(read.check(&notary))
    }

    /// Whether what was sealed of a day is what is there and what was pruned.
    pub async fn prove_day(&self, day: i64) -> Result<Day, StoreError> {
        let notary = self.notary();
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::day(db, notary, day).await,
            Backend::Postgres(db) => postgres::day(db, &notary, day).await,
        }
    }

    /// Checks the bytes and events of at most `limit` messages that come after this one.
    pub async fn prove_messages(
        &self,
        after: Option<MessageId>,
        limit: u16,
    ) -> Result<Checked<MessageId>, StoreError> {
        let after = after.map(MessageId::to_bytes);
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::messages(db, after, limit).await,
            Backend::Postgres(db) => postgres::messages(db, after, limit).await,
        }
    }

    /// Checks for at most `limit` events that come after this one that their messages are there and name them.
    pub async fn prove_events(
        &self,
        after: Option<EventId>,
        limit: u16,
    ) -> Result<Checked<EventId>, StoreError> {
        let after = after.map(EventId::to_bytes);
        let rows = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::events(db, after, limit).await?,
            Backend::Postgres(db) => postgres::events(db, after, limit).await?,
        };
        let next = rows.last().filter(|_| rows.len() >= usize::from(limit));
        Ok(Checked {
            rows: rows.len() as u64,
            next: next.map(|(event, ..)| *event),
            faults: rows
                .iter()
                .filter(|(_, _, is_named)| !is_named)
                .map(|(event, message, _)| Fault::Stray {
                    event: *event,
                    message: *message,
                })
                .collect(),
        })
    }

    /// Whether what was acked to a sender is there, unchanged.
    pub async fn prove_receipt(&self, receipt: &Receipt) -> Result<ReceiptState, StoreError> {
        let found = match self.message(&Scope::All, receipt.id).await {
            Ok(found) => found,
            Err(StoreError::Corrupt { .. }) => return Ok(ReceiptState::Altered),
            Err(error) => return Err(error),
        };
        let Some((message, listed)) = found else {
            let day = self
                .prove_day(books::day_of(&receipt.id.to_bytes()))
                .await?;
            return Ok(match day.pruned {
                0 => ReceiptState::Missing,
                _ => ReceiptState::Pruned,
            });
        };
        if message.sha256 != receipt.sha256 {
            return Ok(ReceiptState::Altered);
        }
        let named = receipt.events.iter().all(|event| listed.contains(event));
        let own = |event: &&EventId| is_own(&message.id.to_bytes(), &event.to_bytes());
        let own: Vec<EventId> = receipt.events.iter().filter(own).copied().collect();
        let there = self.events_of(&Scope::All, &own).await?.len() == own.len();
        Ok(match named && there {
            true => ReceiptState::Kept,
            false => ReceiptState::EventGone,
        })
    }

    pub(crate) fn notary(&self) -> Notary {
        self.0.notary.clone()
    }
}

/// Whether an event came with a message, by the time in their ids. One that is older counts the message and may be pruned
/// before it.
fn is_own(message: &[u8; 16], event: &[u8; 16]) -> bool {
    event[..6] >= message[..6]
}

/// All books as they stand in the database.
struct Books {
    all: Option<(i64, BookRow)>,
    days: Vec<(i64, BookRow)>,
    pruned: Vec<i64>,
    present: Vec<i64>,
}

impl Books {
    fn check(self, notary: &Notary) -> Sealed {
        let mut faults = Vec::new();
        let mut note = |read: Result<Book, StoreError>| {
            read.unwrap_or_else(|error| {
                faults.push(Fault::Book {
                    what: error.to_string(),
                });
                Book::default()
            })
        };
        let up_to = self.all.as_ref().map_or(0, |(seq, _)| *seq);
        let row = self.all.as_ref().map(|(_, row)| row);
        let all = note(notary.read(Place::All(up_to), row));
        let mut sum = Book::default();
        for (day, row) in &self.days {
            sum = sum.with(&note(notary.read(Place::Day(*day), Some(row))));
        }
        if faults.is_empty() && sum != all {
            faults.push(Fault::Book {
                what: format!(
                    "the books of all days hold {} messages, and {} were sealed",
                    sum.count, all.count
                ),
            });
        }
        let mut days: Vec<i64> = self.days.iter().map(|(day, _)| *day).collect();
        days.extend(self.pruned);
        days.extend(self.present);
        days.sort_unstable();
        days.dedup();
        Sealed {
            count: all.count,
            sum: all.sum,
            days,
            faults,
        }
    }
}

/// The books of one day, as of one instant.
#[derive(Default)]
struct DayRows {
    day: i64,
    sealed: Option<BookRow>,
    pruned: Option<BookRow>,
    present: Book,
    unsealed: u64,
}

impl DayRows {
    fn check(&self, notary: &Notary) -> Day {
        let mut faults = Vec::new();
        let mut note = |read: Result<Book, StoreError>| {
            read.unwrap_or_else(|error| {
                faults.push(Fault::Book {
                    what: error.to_string(),
                });
                Book::default()
            })
        };
        let class = crate::RetentionClass::Messages.as_str();
        let sealed = note(notary.read(Place::Day(self.day), self.sealed.as_ref()));
        let place = Place::Pruned {
            class,
            day: self.day,
        };
        let pruned = note(notary.read(place, self.pruned.as_ref()));
        if sealed != self.present.with(&pruned) {
            faults.push(Fault::Day {
                day: self.day,
                sealed: sealed.count,
                present: self.present.count,
                pruned: pruned.count,
            });
        }
        Day {
            day: self.day,
            sealed: sealed.count,
            present: self.present.count,
            pruned: pruned.count,
            unsealed: self.unsealed,
            faults,
        }
    }
}

/// A message's row, to be compared with itself and with its events.
struct Kept {
    id: [u8; 16],
    is_whole: bool,
    events: Vec<u8>,
}

impl Kept {
    fn new(id: [u8; 16], sha256: &[u8], events: Vec<u8>, raw: &[u8]) -> Self {
        Self {
            id,
            is_whole: Sha256::digest(raw)[..] == *sha256 && events.len().is_multiple_of(16),
            events,
        }
    }

    /// The ids of its events, as far as the column can be read.
    fn events(&self) -> Vec<[u8; 16]> {
        split_ids("message", &self.id, &self.events).unwrap_or_default()
    }

    /// `there` are those of its events that are there.
    fn faults(&self, there: &HashSet<[u8; 16]>) -> Vec<Fault> {
        let message = MessageId::from_bytes(self.id);
        let mut faults = Vec::new();
        if !self.is_whole {
            faults.push(Fault::Altered { message });
        }
        for id in self.events() {
            let is_there = there.contains(&id) || !is_own(&self.id, &id);
            if !is_there {
                let event = EventId::from_bytes(id);
                faults.push(Fault::EventGone { message, event });
            }
        }
        faults
    }
}
