//! How requests become types: who calls ([`caller`]), what the body says ([`form`]), ids of the path, the query.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod file_form;
pub(crate) mod form;
pub(crate) mod id;
pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod posted;
pub(crate) mod query;
pub(crate) mod session;

pub(crate) use caller::{Admin, Caller, Operator, Viewer};
pub(crate) use client::Client;
pub(crate) use form::Form;
pub(crate) use id::{Id, Ids, Mapped};
pub(crate) use page::{Listing, PageQuery, listing};
pub(crate) use posted::Posted;
pub(crate) use query::{ListQuery, Pages, Params, Query};
