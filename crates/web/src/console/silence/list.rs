use askama::Template;
use axum::extract::State;
use domain::configuration::Configuration;
use domain::{SilenceId, Timestamp};
use serde::Deserialize;

use super::{Badge, author, chips, companies, counted, midnight, repeats};
use crate::App;
use crate::api::silence::SilenceView;
use crate::api::silence::list::{SilencesQuery, list};
use crate::console::filters;
use crate::console::page::ROWS;
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::problem::Problem;
use crate::read::{Caller, Query, Viewer};

/// What the URL asks for; what else it holds, such as what came of a form, is not for the list.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    state: Option<String>,
    company: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "silence/list.html")]
pub(super) struct SilencesPage {
    frame: Frame,
    asked: Asked,
    state: query::State,
    files: query::Files,
    rows: Vec<Row>,
    next: Option<String>,
    /// It is not the first page.
    is_later: bool,
}

/// A silence in the list.
#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    badge: Badge,
    filter: Vec<String>,
    /// None is all.
    companies: Vec<String>,
    ends: Timestamp,
    repeats: &'static str,
    reason: Shown,
    author: String,
    muted_today: String,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let caller = &visitor.caller;
    let wanted = SilencesQuery {
        state: asked.state.clone(),
        company: asked.company.clone(),
        limit: filled(asked.limit.as_deref()).or_else(|| Some(ROWS.to_string())),
        cursor: filled(asked.cursor.as_deref()),
    };
    let listed = list(app.clone(), Viewer(caller.clone()), Query(wanted)).await?;
    let state = state(&asked);
    let mut rows = Vec::with_capacity(listed.0.items.len());
    for silence in listed.0.items {
        rows.push(Row::new(silence, &app, caller).await?);
    }
    page(&SilencesPage {
        frame: Frame::new(
            &visitor,
            Here::Silences,
            "Silences",
            asked.company.as_deref(),
        ),
        rows,
        next: listed.0.next.map(|cursor| state.next(&cursor)),
        is_later: filled(asked.cursor.as_deref()).is_some(),
        files: state.files("/api/v1/silences/export"),
        state,
        asked,
    })
}

/// An empty field of a form says nothing.
fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// All that the URL holds but the page.
fn state(asked: &Asked) -> query::State {
    let all = [
        ("state", asked.state.as_deref()),
        ("company", asked.company.as_deref()),
        ("limit", asked.limit.as_deref()),
    ];
    query::State::new("/silences", &all)
}

impl Row {
    async fn new(silence: SilenceView, app: &App, caller: &Caller) -> Result<Self, Problem> {
        let today = midnight(app.now());
        // One that had ended before muted nothing today; it need not be counted.
        let muted_today = match silence.id.parse::<SilenceId>() {
            Ok(id) if silence.ends_at > today => {
                let (store, scope) = (app.store(), caller.scope());
                counted(store.silenced_since(scope, id, today).await?)
            }
            _ => "0".to_owned(),
        };
        Ok(Self::with(silence, muted_today, &caller.configuration))
    }

    fn with(silence: SilenceView, muted_today: String, configuration: &Configuration) -> Self {
        Self {
            path: format!("/silences/{}", silence.id),
            badge: Badge::of(silence.state),
            filter: chips(&silence.filter),
            companies: companies(&silence.companies, configuration),
            ends: silence.ends_at,
            repeats: repeats(&silence),
            reason: Shown::line(&silence.reason, ROW),
            author: author(&silence.author),
            name: visible(&silence.name),
            muted_today,
        }
    }
}

impl SilencesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let empty = |asked: Asked, is_later| Self {
            frame: Frame::sample(Here::Silences),
            files: state(&asked).files("/api/v1/silences/export"),
            state: state(&asked),
            asked,
            rows: Vec::new(),
            next: None,
            is_later,
        };
        let narrowed = Asked {
            state: Some("ended\"><script>".to_owned()),
            ..Asked::default()
        };
        let mut filled = empty(Asked::default(), true);
        filled.rows = vec![Row::sample("active", true), Row::sample("ended", false)];
        filled.next = Some("/silences?cursor=1".to_owned());
        vec![
            filled,
            empty(Asked::default(), false),
            empty(narrowed, false),
            empty(Asked::default(), true),
        ]
    }
}

impl Row {
    #[cfg(test)]
    fn sample(state: &str, is_filled: bool) -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        Self {
            path: "/silences/1".to_owned(),
            name: visible(hostile),
            badge: Badge::of(state),
            filter: chips("severity>=info field.a=\"<script>\u{202e}\""),
            companies: if is_filled {
                vec![visible(hostile)]
            } else {
                Vec::new()
            },
            ends: Timestamp::from_micros(1_764_122_400_000_000),
            repeats: if is_filled { "each day" } else { "" },
            reason: Shown::line(hostile, ROW),
            author: visible(hostile),
            muted_today: "10000+".to_owned(),
        }
    }
}
