//! The arithmetic of the seal: a book is a number of messages and the sum of their keyed hashes, so that what came in equals
//! what is there and what was pruned, in whatever order they came and went.
//!
//! A sum of keyed hashes (modulo 2^256) cannot be matched by other messages without the key; that the sums themselves are
//! those which were written, their own keyed hash tells.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::StoreError;
use crate::codec::fixed;
use crate::seal::Seal;

const MILLIS_OF_DAY: i64 = 86_400_000;

/// A number of messages and the sum of their keyed hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Book {
    pub(crate) count: u64,
    pub(crate) sum: [u8; 32],
}

impl Book {
    pub(crate) fn add(&mut self, hash: [u8; 32]) {
        *self = self.with(&Self {
            count: 1,
            sum: hash,
        });
    }

    pub(crate) fn with(&self, other: &Self) -> Self {
        let (mut sum, mut carry) = ([0; 32], 0);
        for place in (0..32).rev() {
            let digit = u16::from(self.sum[place]) + u16::from(other.sum[place]) + carry;
            sum[place] = digit.to_be_bytes()[1];
            carry = digit >> 8;
        }
        Self {
            count: self.count.saturating_add(other.count),
            sum,
        }
    }
}

/// What of a message is sealed: all that never changes. Which events it has and how it is read may.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) seq: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) source: Option<Vec<u8>>,
    pub(crate) received_at: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) headers: String,
}

impl Line {
    /// The day that the message belongs to, by the time in its id.
    pub(crate) fn day(&self) -> i64 {
        day_of(&self.id)
    }
}

/// The day of an id, in days since 1970.
pub(crate) fn day_of(id: &[u8]) -> i64 {
    let millis = id.iter().take(6).fold(0, |millis: i64, byte| {
        millis.wrapping_shl(8) | i64::from(*byte)
    });
    millis / MILLIS_OF_DAY
}

/// The lowest id of a day.
pub(crate) fn first_id(day: i64) -> [u8; 16] {
    crate::retention::lowest_id(domain::Timestamp::from_micros(
        day.saturating_mul(MILLIS_OF_DAY * 1_000),
    ))
}

/// A book as it stands in a row, with the keyed hash of that row.
#[derive(Debug, Clone)]
pub(crate) struct BookRow {
    pub(crate) count: i64,
    pub(crate) sum: Vec<u8>,
    pub(crate) mac: Option<Vec<u8>>,
}

/// Where a row stands: one that was moved elsewhere is a forged one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Day(i64),
    /// Over all days, sealed up to this number of storing.
    All(i64),
    Pruned {
        class: &'a str,
        day: i64,
    },
}

impl Place<'_> {
    /// The table, and what a person may call the row.
    fn name(self) -> (&'static str, String) {
        match self {
            Self::Day(day) => ("seal", super::date(day)),
            Self::All(_) => ("sealed", "1".to_owned()),
            Self::Pruned { class, day } => ("pruned", format!("{class} {}", super::date(day))),
        }
    }
}

/// Who can write in the books: it holds the key.
#[derive(Clone)]
pub(crate) struct Notary(Hmac<Sha256>);

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notary([hidden])")
    }
}

impl Notary {
    pub(crate) fn new(seal: &Seal) -> Self {
        Self(seal.keyed("journal"))
    }

    /// The keyed hash of a message.
    pub(crate) fn line(&self, line: &Line) -> [u8; 32] {
        let source = line.source.as_deref().unwrap_or_default();
        self.hash(&[
            b"message",
            &line.id,
            source,
            &line.received_at.to_be_bytes(),
            &line.sha256,
            line.headers.as_bytes(),
        ])
    }

    /// The keyed hash of anything else that is pruned.
    pub(crate) fn gone(&self, class: &str, id: &[u8]) -> [u8; 32] {
        self.hash(&[b"gone", class.as_bytes(), id])
    }

    pub(crate) fn row(&self, place: Place<'_>, book: &Book) -> BookRow {
        BookRow {
            count: count(book.count),
            sum: book.sum.to_vec(),
            mac: Some(self.mac(place, book).to_vec()),
        }
    }

    /// The book of a row, an empty one where there is none; or that the row is not as it was written.
    pub(crate) fn read(&self, place: Place<'_>, row: Option<&BookRow>) -> Result<Book, StoreError> {
        let Some(row) = row else {
            return Ok(Book::default());
        };
        let (table, name) = place.name();
        let forged = || StoreError::corrupt(table, &name, "it is not as it was written");
        let book = Book {
            count: u64::try_from(row.count).map_err(|_| forged())?,
            sum: fixed(table, name.as_bytes(), &row.sum)?,
        };
        if row.mac.as_deref() == Some(&self.mac(place, &book)[..]) {
            Ok(book)
        } else {
            Err(forged())
        }
    }

    fn mac(&self, place: Place<'_>, book: &Book) -> [u8; 32] {
        let (kind, class, number): (&[u8], &str, i64) = match place {
            Place::Day(day) => (b"day", "", day),
            Place::All(seq) => (b"all", "", seq),
            Place::Pruned { class, day } => (b"pruned", class, day),
        };
        self.hash(&[
            kind,
            class.as_bytes(),
            &number.to_be_bytes(),
            &book.count.to_be_bytes(),
            &book.sum,
        ])
    }

    /// Each part with its length, so that no two lists of parts are the same bytes.
    fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// A count as both databases store it.
fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Messages that are about to be sealed, those up to a number of storing.
#[derive(Debug, Clone)]
pub(crate) struct Sealing {
    /// Up to where the journal was sealed before.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) days: BTreeMap<i64, Book>,
    pub(crate) count: usize,
}

impl Sealing {
    pub(crate) fn of(notary: &Notary, from: i64, to: i64, lines: &[Line]) -> Self {
        let mut days: BTreeMap<i64, Book> = BTreeMap::new();
        for line in lines {
            days.entry(line.day()).or_default().add(notary.line(line));
        }
        Self {
            from,
            to,
            days,
            count: lines.len(),
        }
    }

    /// All of them in one book.
    pub(crate) fn total(&self) -> Book {
        let start = Book::default();
        self.days
            .values()
            .fold(start, |total, book| total.with(book))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SealingKey;

    fn notary(byte: u8) -> Notary {
        Notary::new(&Seal::new(&SealingKey::from_bytes([byte; 32])))
    }

    fn line(number: u8) -> Line {
        Line {
            seq: i64::from(number),
            id: vec![number; 16],
            source: None,
            received_at: 7,
            sha256: vec![number; 32],
            headers: "[]".to_owned(),
        }
    }

    #[test]
    fn the_order_does_not_matter_and_each_message_does() {
        let notary = notary(1);
        let book = |numbers: &[u8]| {
            let mut book = Book::default();
            numbers
                .iter()
                .for_each(|number| book.add(notary.line(&line(*number))));
            book
        };
        assert_eq!(book(&[1, 2, 3]), book(&[3, 1, 2]));
        assert_eq!(book(&[1, 2]).with(&book(&[3])), book(&[1, 2, 3]));
        assert_ne!(book(&[1, 2]), book(&[1, 3]));
        let other = Line {
            source: Some(vec![9; 16]),
            ..line(1)
        };
        assert_ne!(notary.line(&other), notary.line(&line(1)));
    }

    #[test]
    fn sums_carry_and_wrap() {
        let mut book = Book {
            count: 1,
            sum: [255; 32],
        };
        let mut one = [0; 32];
        one[31] = 1;
        book.add(one);
        assert_eq!((book.count, book.sum), (2, [0; 32]));
    }

    #[test]
    fn a_row_is_good_in_its_place_under_its_key_alone() {
        let (book, notary) = (
            Book {
                count: 3,
                sum: [5; 32],
            },
            notary(1),
        );
        let row = notary.row(Place::Day(7), &book);
        assert_eq!(notary.read(Place::Day(7), Some(&row)).unwrap(), book);
        assert!(notary.read(Place::Day(8), Some(&row)).is_err());
        assert!(notary.read(Place::All(7), Some(&row)).is_err());
        assert!(
            super::tests::notary(2)
                .read(Place::Day(7), Some(&row))
                .is_err()
        );
        let altered = BookRow { count: 4, ..row };
        assert!(notary.read(Place::Day(7), Some(&altered)).is_err());
    }

    #[test]
    fn a_day_begins_with_its_first_id() {
        for day in [0, 1, 20_000] {
            assert_eq!(day_of(&first_id(day)), day);
        }
    }
}
