//! What a silence would have muted, had it been there.

use std::sync::Arc;

use domain::configuration::{Delta, Parts};
use domain::silence::Silence;
use domain::{Timestamp, what_if};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::api::Named;
use crate::api::what_if::{Question, last_days};
use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// Events that were looked at.
    pub(crate) events: u64,
    /// Those that went somewhere and would have been muted.
    pub(crate) muted: u64,
    /// All events of these days were looked at.
    pub(crate) complete: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) oldest_examined: Option<Timestamp>,
    /// The newest of them, at most 100.
    pub(crate) examples: Vec<MutedView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MutedView {
    pub(crate) event_id: String,
    pub(crate) subject: String,
    pub(crate) company: Option<Named>,
}

pub(super) async fn preview(
    app: &App,
    caller: &Caller,
    silence: &Silence,
    days: u16,
) -> Result<PreviewView, Problem> {
    let over = last_days(days, app.now());
    let before = &caller.configuration;
    let put = Parts {
        epoch: before.epoch,
        instance: before.instance.clone(),
        silences: vec![silence.rehearsed(over)],
        ..Parts::default()
    };
    let delta = Delta {
        put,
        ..Delta::default()
    };
    let question = Question {
        after: Arc::new(before.changed(delta)),
        over,
        filter: None,
    };
    let answered = question.ask(app, caller).await?;
    let tally = answered.tally;
    let muted = |example: what_if::Example| MutedView {
        event_id: example.event.to_string(),
        subject: example.subject,
        company: example.company.map(|id| Named::company(id, before)),
    };
    Ok(PreviewView {
        events: tally.events,
        muted: tally.lost,
        complete: answered.complete,
        oldest_examined: tally.last,
        examples: tally.examples.into_iter().map(muted).collect(),
    })
}
