use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::silence::{Silence, State as Life, Window};
use domain::{SilenceId, Timestamp};
use serde::Deserialize;

use super::{Badge, author, chips, companies, counted, midnight, repeats};
use crate::App;
use crate::api::silence::{self, SilenceView, find, is_own};
use crate::console::filters;
use crate::console::page::see_told;
use crate::console::text::{Shown, WHOLE, visible};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Id, Posted, Query};

/// What the page asks before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    End,
    Remove,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    ask: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "silence/detail.html")]
pub(super) struct SilencePage {
    frame: Frame,
    id: String,
    name: String,
    badge: Badge,
    filter: Vec<String>,
    /// None is all.
    companies: Vec<String>,
    from: Timestamp,
    until: Timestamp,
    repeats: &'static str,
    repeat_until: Option<Timestamp>,
    window: Option<Window>,
    ended: Option<Timestamp>,
    reason: Shown,
    author: String,
    created: Timestamp,
    muted: String,
    muted_today: String,
    may_change: bool,
    has_ended: bool,
    asks: Option<Asks>,
}

pub(super) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SilenceId>,
    Query(asked): Query<Asked>,
) -> Page {
    let caller = &visitor.caller;
    let silence = Arc::clone(find(id, caller)?);
    let (store, scope, now) = (app.store(), caller.scope(), app.now());
    let muted = counted(store.silenced(scope, id).await?);
    let today = counted(store.silenced_since(scope, id, midnight(now)).await?);
    let view = SilenceView::new(&silence, caller, now);
    let frame = Frame::new(&visitor, Here::Silences, "Silence", None);
    let may_change = frame.may_operate && is_own(&silence, caller);
    let mut shown = SilencePage::new(frame, view, &caller.configuration);
    shown.may_change = may_change;
    shown.has_ended = silence.state(now) == Life::Ended;
    (shown.muted, shown.muted_today) = (muted, today);
    shown.asks = asks(&asked, &silence, may_change, now);
    page(&shown)
}

/// Only what can be done is asked for.
fn asks(asked: &Asked, silence: &Silence, may_change: bool, now: Timestamp) -> Option<Asks> {
    match asked.ask.as_deref() {
        Some("remove") if may_change => Some(Asks::Remove),
        Some("end") if may_change && silence.state(now) != Life::Ended => Some(Asks::End),
        _ => None,
    }
}

/// What comes in from now on goes where the rules send it.
pub(super) async fn end(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SilenceId>,
    posted: Posted,
) -> Page {
    let operator = visitor.operator(&posted)?;
    let ended = silence::end::end(app, operator, Id(id)).await?.0;
    Ok(see_told(
        &format!("/silences/{}", ended.id),
        Told::SilenceEnded,
    ))
}

pub(super) async fn remove(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SilenceId>,
    posted: Posted,
) -> Page {
    let operator = visitor.operator(&posted)?;
    silence::remove::remove(app, operator, Id(id)).await?;
    Ok(see_told("/silences", Told::Removed))
}

impl SilencePage {
    fn new(
        frame: Frame,
        silence: SilenceView,
        configuration: &domain::configuration::Configuration,
    ) -> Self {
        Self {
            frame,
            badge: Badge::of(silence.state),
            filter: chips(&silence.filter),
            companies: companies(&silence.companies, configuration),
            from: silence.from,
            until: silence.until,
            repeats: repeats(&silence),
            repeat_until: silence.repeat_until,
            window: silence.window,
            ended: silence.ended_at,
            reason: Shown::line(&silence.reason, WHOLE),
            author: author(&silence.author),
            created: silence.created_at,
            name: visible(&silence.name),
            id: silence.id,
            muted: String::new(),
            muted_today: String::new(),
            may_change: false,
            has_ended: false,
            asks: None,
        }
    }

    fn asks_end(&self) -> bool {
        self.asks == Some(Asks::End)
    }

    fn asks_remove(&self) -> bool {
        self.asks == Some(Asks::Remove)
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let at = Timestamp::from_micros(1_764_122_400_000_000);
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let sample = |is_filled: bool, asks| Self {
            frame: Frame::sample(Here::Silences),
            id: "1".to_owned(),
            name: visible(hostile),
            badge: Badge::of(if is_filled { "active" } else { "ended" }),
            filter: chips("event=\"<script>\u{202e}\""),
            companies: if is_filled {
                vec![visible(hostile), "3 more".to_owned()]
            } else {
                Vec::new()
            },
            from: at,
            until: at,
            repeats: if is_filled { "each week" } else { "" },
            repeat_until: is_filled.then_some(at),
            window: is_filled.then_some(Window {
                from: at,
                until: at,
            }),
            ended: (!is_filled).then_some(at),
            reason: Shown::line(hostile, WHOLE),
            author: visible(hostile),
            created: at,
            muted: "12".to_owned(),
            muted_today: "3".to_owned(),
            may_change: is_filled,
            has_ended: !is_filled,
            asks,
        };
        vec![
            sample(true, None),
            sample(false, None),
            sample(true, Some(Asks::End)),
            sample(true, Some(Asks::Remove)),
        ]
    }
}
