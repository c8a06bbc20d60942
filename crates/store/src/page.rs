//! Pages of lists: newest first, each continued by a cursor.

use crate::StoreError;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAt {
    limit: u16,
    cursor: Option<String>,
}

impl PageAt {
    pub const MOST: u16 = 1_000;
    pub const DEFAULT: u16 = 100;

    /// A limit outside 1 to [`PageAt::MOST`] is moved to the nearer end.
    #[must_use]
    pub fn new(limit: Option<u16>, cursor: Option<String>) -> Self {
        Self {
            limit: limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MOST),
            cursor,
        }
    }

    #[must_use]
    pub fn limit(&self) -> u16 {
        self.limit
    }

    /// The 16 bytes of the id that the page comes after; none at the beginning of a list.
    pub(crate) fn after_id(&self) -> Result<Option<[u8; 16]>, StoreError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let id: domain::EventId = cursor.parse().map_err(|_| StoreError::BadCursor)?;
        Ok(Some(id.to_bytes()))
    }

    /// The number that the page comes after, for lists that are numbered.
    pub(crate) fn after_number(&self) -> Result<Option<i64>, StoreError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        cursor.parse().map(Some).map_err(|_| StoreError::BadCursor)
    }
}

impl Default for PageAt {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; none when this is the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page of a read that asked for one row more than the limit, to learn whether there is a next page.
    pub(crate) fn of(mut rows: Vec<T>, at: &PageAt, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::from(at.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(cursor) } else { None };
        Self { items: rows, next }
    }
}
