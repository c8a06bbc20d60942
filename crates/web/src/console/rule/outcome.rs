//! What a change would have done to stored events, as pages show it before it is saved.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::event::Reason;
use serde_json::{Value, json};

use crate::App;
use crate::api::Named;
use crate::api::what_if::{self, ExampleView, WhatIfView};
use crate::console::event::list::words;
use crate::console::form;
use crate::console::text::{ROW, Shown};
use crate::problem::Problem;
use crate::read::{Caller, Viewer};

/// Hours that a dry run of a form looks back.
pub(in crate::console) const DAY: u32 = 24;

/// The answer of a dry run.
#[derive(Debug)]
pub(in crate::console) struct Outcome {
    pub(in crate::console) since: Timestamp,
    /// How far back it got, where it did not get all the way.
    pub(in crate::console) cut: Option<Timestamp>,
    pub(in crate::console) read: u64,
    pub(in crate::console) events: u64,
    pub(in crate::console) same: u64,
    pub(in crate::console) gained: u64,
    pub(in crate::console) lost: u64,
    pub(in crate::console) moved: u64,
    pub(in crate::console) integrations: Vec<Count>,
    /// The newest events that do not stay the same.
    pub(in crate::console) examples: Vec<Example>,
}

/// How many events an integration gets.
#[derive(Debug)]
pub(in crate::console) struct Count {
    pub(in crate::console) name: String,
    pub(in crate::console) before: u64,
    pub(in crate::console) after: u64,
}

/// An event that does not stay the same.
#[derive(Debug)]
pub(in crate::console) struct Example {
    pub(in crate::console) path: String,
    pub(in crate::console) subject: Shown,
    pub(in crate::console) company: Option<String>,
    pub(in crate::console) before: String,
    pub(in crate::console) after: String,
}

impl Outcome {
    /// Asks what a change would have done to the events of the last hours.
    pub(in crate::console) async fn of(
        app: &State<App>,
        caller: &Caller,
        hours: u32,
        change: &Value,
    ) -> Result<Self, Problem> {
        let back = Duration::from_secs(u64::from(hours) * 3_600);
        let since = app.now().before(back).to_string();
        let form = form::read(&json!({"since": since, "change": change}))?;
        let Json(view) = what_if::create(app.clone(), Viewer(caller.clone()), form).await?;
        Ok(view.into())
    }

    /// Events that go another way.
    pub(in crate::console) fn changed(&self) -> u64 {
        self.gained + self.lost + self.moved
    }

    /// There are more of them than are shown.
    pub(in crate::console) fn is_excerpt(&self) -> bool {
        usize::try_from(self.changed()).is_ok_and(|changed| changed > self.examples.len())
    }

    #[cfg(test)]
    pub(in crate::console) fn sample() -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        Self {
            since: Timestamp::from_micros(1_764_122_400_000_000),
            cut: Some(Timestamp::from_micros(1)),
            read: 5,
            events: 4,
            same: 1,
            gained: 1,
            lost: 1,
            moved: 1,
            integrations: vec![Count {
                name: "<script>alert(1)</script>".to_owned(),
                before: 1,
                after: 2,
            }],
            examples: vec![Example {
                path: "/events/1".to_owned(),
                subject: Shown::line(hostile, ROW),
                company: None,
                before: "<script>alert(1)</script>".to_owned(),
                after: "nowhere: no rule".to_owned(),
            }],
        }
    }
}

impl From<WhatIfView> for Outcome {
    fn from(view: WhatIfView) -> Self {
        let counts = view.integrations.iter().map(|count| Count {
            name: count.integration.shown(),
            before: count.before,
            after: count.after,
        });
        Self {
            since: view.since,
            cut: view.oldest_examined.filter(|_| !view.complete),
            read: view.read,
            events: view.events,
            same: view.same,
            gained: view.gained,
            lost: view.lost,
            moved: view.moved,
            integrations: counts.collect(),
            examples: view.examples.into_iter().map(Example::from).collect(),
        }
    }
}

impl From<ExampleView> for Example {
    fn from(view: ExampleView) -> Self {
        Self {
            path: format!("/events/{}", view.event_id),
            subject: Shown::line(&view.subject, ROW),
            company: view.company.map(|company| company.shown()),
            before: goes(&view.before, view.reason_before),
            after: goes(&view.after, view.reason_after),
        }
    }
}

/// Where an event goes, or why it goes nowhere.
fn goes(integrations: &[Named], reason: Option<&str>) -> String {
    let names: Vec<_> = integrations.iter().map(Named::shown).collect();
    if !names.is_empty() {
        return names.join(", ");
    }
    let reason = Reason::ALL
        .into_iter()
        .find(|own| Some(own.as_str()) == reason);
    reason.map_or_else(
        || "nowhere".to_owned(),
        |reason| format!("nowhere: {}", words(reason)),
    )
}
