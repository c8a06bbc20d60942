//! Lists: newest first, in pages.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use store::{Page, PageAt};
use utoipa::{IntoParams, ToSchema};

use super::Params;
use crate::problem::Problem;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many items; 100 unless told, at most 1,000.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; null when this is the last.
    pub(crate) next: Option<String>,
}

/// The page that a query asks for. More than 1,000 items are 1,000.
pub(crate) fn page_at(params: &mut Params, limit: Option<&str>, cursor: Option<String>) -> PageAt {
    let limit = params.with("limit", limit, |text| match text.parse::<u64>() {
        Ok(number @ 1..) => Ok(u16::try_from(number).unwrap_or(u16::MAX)),
        _ => Err(format!("is a whole number from 1 to {}", PageAt::MOST)),
    });
    PageAt::new(limit, cursor.filter(|cursor| !cursor.is_empty()))
}

/// For a query that stands where all of its things are meant.
pub(crate) fn no_page(params: &mut Params, limit: Option<&str>, cursor: Option<&str>) {
    for (name, value) in [("limit", limit), ("cursor", cursor)] {
        if value.is_some() {
            params.error(name, "has no place here: all that fits is meant");
        }
    }
}

impl PageQuery {
    /// For lists whose query has further parameters.
    pub(crate) fn new(limit: Option<String>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// With so many items where the query says nothing, which an empty field of a form does not either.
    pub(crate) fn or(self, rows: u16) -> Self {
        let limit = self.limit.filter(|limit| !limit.is_empty());
        Self {
            limit: limit.or_else(|| Some(rows.to_string())),
            ..self
        }
    }

    /// Whether it is another page than the first.
    pub(crate) fn is_later(&self) -> bool {
        self.cursor.as_deref().is_some_and(|text| !text.is_empty())
    }

    pub(crate) fn at(self) -> Result<PageAt, Problem> {
        let mut params = Params::default();
        let at = page_at(&mut params, self.limit.as_deref(), self.cursor);
        params.finish().map(|()| at)
    }

    /// The page of things that are all in hand: the configuration's. Only what is on the page is put in order.
    pub(crate) fn of<T, I>(
        self,
        things: impl Iterator<Item = T>,
        id: impl Fn(&T) -> I,
    ) -> Result<Page<T>, Problem>
    where
        I: Ord + std::str::FromStr + std::fmt::Display,
    {
        let mut params = Params::default();
        let after: Option<I> = params.with("cursor", self.cursor.as_deref(), |text| {
            text.parse()
                .map_err(|_| "is not one that a page gave; start again without it".to_owned())
        });
        let at = page_at(&mut params, self.limit.as_deref(), None);
        params.finish()?;
        let mut things: Vec<T> = things
            .filter(|thing| after.as_ref().is_none_or(|after| id(thing) < *after))
            .collect();
        let limit = usize::from(at.limit());
        let more = things.len() > limit;
        if more {
            things.select_nth_unstable_by_key(limit, |thing| Reverse(id(thing)));
            things.truncate(limit);
        }
        things.sort_unstable_by_key(|thing| Reverse(id(thing)));
        let next = if more {
            things.last().map(|thing| id(thing).to_string())
        } else {
            None
        };
        Ok(Page {
            items: things,
            next,
        })
    }
}

/// A page in the words of the API.
pub(crate) fn listing<T, V>(page: Page<T>, view: impl FnMut(T) -> V) -> Listing<V> {
    Listing {
        items: page.items.into_iter().map(view).collect(),
        next: page.next,
    }
}
