//! What would be if the configuration were another: stored events are matched on today's and on the changed one.

mod change;
mod entries;
mod question;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::filter::{Filter, Place};
use domain::silence::Window;
use serde::Deserialize;
use utoipa::ToSchema;

use entries::ChangeForm;

use super::Answer;
use super::fields::Fields;
use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Caller, Form, Viewer};

pub(super) use question::Question;
pub(crate) use view::{ExampleView, WhatIfView};

/// Most days that a question may look back by their number; events are kept for as long unless told otherwise.
const DAYS: u16 = 30;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIfForm {
    /// Events of the last so many days, 1 to 30; 1 unless told.
    days: Option<u64>,
    /// Instead of days: received at this time or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Received before this time; now unless told.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only events that it lets through: `company=Acme severity>=high`.
    filter: Option<String>,
    #[serde(default)]
    change: ChangeForm,
}

/// Where stored events would go if rules, event sets, mappings or silences were others. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/what-if", tag = "what-if", request_body = WhatIfForm,
    responses((status = 200, body = WhatIfView)))]
pub(crate) async fn create(
    app: State<App>,
    Viewer(caller): Viewer,
    Form(form): Form<WhatIfForm>,
) -> Answer<WhatIfView> {
    let (asking, whose) = (app.clone(), caller.clone());
    // A changed snapshot of a large configuration takes its time to make.
    let question = blocking(move || form.parse(&asking, &whose)).await??;
    let after = Arc::clone(&question.after);
    let over = question.over;
    let answered = question.ask(&app, &caller).await?;
    Ok(Json(WhatIfView::new(answered, over, &after, &caller)))
}

impl WhatIfForm {
    fn parse(self, app: &App, caller: &Caller) -> Result<Question, Problem> {
        let mut fields = Fields::default();
        let over = self.over(&mut fields, app.now());
        let filter = self
            .filter
            .as_deref()
            .and_then(|text| fields.take("/filter", Filter::parse_for(Place::Search, text)));
        let over = over.unwrap_or_else(|| last_days(1, app.now()));
        let after = self.change.parse(&mut fields, app, caller, over);
        fields.finish()?;
        Ok(Question {
            after,
            over,
            filter,
        })
    }

    fn over(&self, fields: &mut Fields, now: Timestamp) -> Option<Window> {
        if self.since.is_none() && self.until.is_none() {
            let days = fields.take("/days", days(self.days.unwrap_or(1)))?;
            return Some(last_days(days, now));
        }
        if self.days.is_some() {
            fields.error("/days", "is not given beside `since` or `until`");
        }
        let Some(from) = self.since else {
            fields.error("/since", "is missing; it goes with `until`");
            return None;
        };
        let until = self.until.unwrap_or_else(|| up_to(now));
        if until <= from {
            fields.error("/until", "is after `since`");
            return None;
        }
        Some(Window { from, until })
    }
}

/// A number of days that a question may look back.
pub(in crate::api) fn days(number: u64) -> Result<u16, String> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=DAYS).contains(number))
        .ok_or_else(|| format!("is a whole number from 1 to {DAYS}"))
}

/// The last days, up to what came in at this very moment.
pub(in crate::api) fn last_days(days: u16, now: Timestamp) -> Window {
    Window {
        from: now.before(Duration::from_secs(u64::from(days) * 24 * 3_600)),
        until: up_to(now),
    }
}

/// Ends of stretches of time are not part of them.
fn up_to(now: Timestamp) -> Timestamp {
    now.after(Duration::from_micros(1))
}
