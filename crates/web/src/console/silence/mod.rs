//! Silences: what is kept quiet, for whom, until when and why.

mod detail;
mod form;
mod list;

use axum::Router;
use axum::routing::{get, post};
use domain::access::Actor;
use domain::configuration::Configuration;
use domain::silence::State as Life;
use domain::{CompanyId, Timestamp};
use store::Silenced;

use super::text::visible;
use crate::App;
use crate::api::Named;
use crate::api::silence::SilenceView;

/// Companies that are named one by one where a silence is shown; of more their number is told.
const NAMED: usize = 3;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/silences", get(list::show).post(form::make))
        .route("/silences/new", get(form::fresh))
        .route("/silences/{id}", get(detail::show).post(form::change))
        .route("/silences/{id}/edit", get(form::edit))
        .route("/silences/{id}/end", post(detail::end))
        .route("/silences/{id}/remove", post(detail::remove))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::SilencesPage::samples()),
        rendered(detail::SilencePage::samples()),
        rendered(form::FormPage::samples()),
    ]
    .concat()
}

/// Where a silence is in its life: never by colour alone.
#[derive(Debug, Clone, Copy)]
struct Badge {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
}

impl Badge {
    /// Of the word that the API has for it.
    fn of(state: &str) -> Self {
        let (class, glyph, word) = if state == Life::Active.as_str() {
            ("wait", "◐", "active")
        } else if state == Life::Scheduled.as_str() {
            ("held", "…", "planned")
        } else {
            ("held", "○", "ended")
        };
        Self { class, glyph, word }
    }
}

/// The companies of a silence in words; none is all of them.
fn companies(ids: &[String], configuration: &Configuration) -> Vec<String> {
    let named = ids.iter().take(NAMED).filter_map(|id| {
        let company = id.parse::<CompanyId>().ok()?;
        Some(Named::company(company, configuration).shown())
    });
    let mut names: Vec<_> = named.collect();
    if ids.len() > NAMED {
        names.push(format!("{} more", ids.len() - NAMED));
    }
    names
}

/// The terms of a filter, each for a chip of its own.
fn chips(filter: &str) -> Vec<String> {
    let (mut terms, mut term) = (Vec::new(), String::new());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in filter.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if !is_quoted && (c.is_whitespace() || c == ',') => {
                if !term.is_empty() {
                    terms.push(visible(&std::mem::take(&mut term)));
                }
                continue;
            }
            _ => {}
        }
        term.push(c);
    }
    if !term.is_empty() {
        terms.push(visible(&term));
    }
    terms
}

/// Who made it.
pub(super) fn author(actor: &Actor) -> String {
    match actor {
        Actor::User { name, .. } => visible(name),
        Actor::Key { name, .. } => format!("API key {}", visible(name)),
        Actor::Local => "the command line".to_owned(),
        Actor::System => "Alertwire".to_owned(),
    }
}

/// `12`, or `10000+` when there are more than were counted.
fn counted(silenced: Silenced) -> String {
    let more = if silenced.more { "+" } else { "" };
    format!("{}{more}", silenced.count)
}

/// When the day began, in UTC.
fn midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    Timestamp::from_micros(now.micros() - now.micros().rem_euclid(DAY))
}

/// How it comes again, in words; empty when it does not.
fn repeats(silence: &SilenceView) -> &'static str {
    match silence.repeat {
        Some("daily") => "each day",
        Some(_) => "each week",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_parted_into_its_terms() {
        let terms =
            chips("severity<=medium  event=problem.*,field.hostname=~\"web \\\" 1\" text=a");
        assert_eq!(
            terms,
            [
                "severity<=medium",
                "event=problem.*",
                "field.hostname=~\"web \\\" 1\"",
                "text=a"
            ]
        );
        assert!(chips("  ").is_empty());
    }

    #[test]
    fn a_day_begins_at_midnight() {
        let now: Timestamp = "2026-01-31T12:34:56Z".parse().unwrap();
        assert_eq!(midnight(now), "2026-01-31T00:00:00Z".parse().unwrap());
    }
}
