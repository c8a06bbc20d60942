//! Silences and maintenance windows.

pub(crate) mod create;
pub(crate) mod end;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod remove;
pub(crate) mod update;

use std::sync::Arc;

use domain::access::Actor;
use domain::silence::{Silence, Window};
use domain::{CompanyId, SilenceId, Timestamp};
use serde::Serialize;
use store::Silenced;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) filter: String,
    /// Empty means all.
    pub(crate) companies: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    /// Of one that repeats: the end of its first window.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) until: Timestamp,
    /// `daily` or `weekly`.
    #[schema(value_type = Option<String>)]
    pub(crate) repeat: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) repeat_until: Option<Timestamp>,
    pub(crate) reason: String,
    #[schema(value_type = Object)]
    pub(crate) author: Actor,
    /// `active`, `scheduled` (not begun, or between two windows) or `ended`.
    #[schema(value_type = String)]
    pub(crate) state: &'static str,
    /// The window that it holds in, or the next one: `{"from", "until"}`.
    #[schema(value_type = Option<Object>)]
    pub(crate) window: Option<Window>,
    /// From when on it never holds again.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) ends_at: Timestamp,
    /// When a person ended it before its time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) ended_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// How many events it has muted so far; only of a single silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) silenced: Option<u32>,
    /// There are more than were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) silenced_more: Option<bool>,
}

impl SilenceView {
    pub(crate) fn new(silence: &Silence, caller: &Caller, now: Timestamp) -> Self {
        let seen = |company: &&CompanyId| caller.sees(**company);
        Self {
            id: silence.id.to_string(),
            name: silence.name.clone(),
            filter: silence.filter.to_string(),
            companies: silence
                .companies
                .iter()
                .filter(seen)
                .map(CompanyId::to_string)
                .collect(),
            from: silence.from,
            until: silence.until,
            repeat: silence.repeat.map(|repeat| repeat.every.as_str()),
            repeat_until: silence.repeat.map(|repeat| repeat.until),
            reason: silence.reason.clone(),
            author: silence.author.clone(),
            state: silence.state(now).as_str(),
            window: silence.window_from(now),
            ends_at: silence.ends(),
            ended_at: silence.ended_at,
            created_at: silence.created_at,
            silenced: None,
            silenced_more: None,
        }
    }

    fn counted(self, silenced: Silenced) -> Self {
        Self {
            silenced: Some(silenced.count),
            silenced_more: Some(silenced.more),
            ..self
        }
    }
}

/// Whether a silence exists for the caller: it may mute events of one of the caller's companies.
fn seen(silence: &Silence, caller: &Caller) -> bool {
    caller.sees_all()
        || silence.companies.is_empty()
        || silence
            .companies
            .iter()
            .any(|company| caller.sees(*company))
}

pub(crate) fn find(id: SilenceId, caller: &Caller) -> Result<&Arc<Silence>, Problem> {
    let found = caller
        .configuration
        .silence(id)
        .filter(|silence| seen(silence, caller));
    found.ok_or_else(|| Problem::not_found("silence"))
}

/// A silence that the caller may change: it is about no company beyond the caller's.
fn find_own(id: SilenceId, caller: &Caller) -> Result<&Arc<Silence>, Problem> {
    let silence = find(id, caller)?;
    if is_own(silence, caller) {
        return Ok(silence);
    }
    Err(Problem::forbidden(
        "this silence is about companies that the key is not for; use a key for all of them",
    ))
}

/// Whether a silence is about no company beyond the caller's.
pub(crate) fn is_own(silence: &Silence, caller: &Caller) -> bool {
    let companies = &silence.companies;
    caller.sees_all()
        || (!companies.is_empty() && companies.iter().all(|company| caller.sees(*company)))
}
