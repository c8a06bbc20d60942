//! Finish: the check once more, one test alert, and what came of it.

use askama::Template;
use axum::extract::{Path, State};
use domain::IntegrationId;
use http::StatusCode;
use serde_json::Value;

use super::checklist::Checklist;
use super::tabs::{self, Tab, Tabs, find};
use crate::App;
use crate::api::integration::trial::take_test_send;
use crate::api::integration::{Listener, authenticate};
use crate::console::page::{page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "integration/finish.html")]
pub(super) struct FinishPage {
    frame: Frame,
    tabs: Tabs,
    id: String,
    url: String,
    /// None: it has not been asked for yet.
    checklist: Option<Checklist>,
}

/// What the button of a Finish that failed says.
const AGAIN: &str = "again";

type Of = Path<(String, IntegrationId)>;

pub(super) async fn show(app: State<App>, visitor: Visitor, Path((connector, id)): Of) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&FinishPage::new(&app, &visitor, &connector, id, None).await?)
}

/// Sends one test alert and notes what came of it: when it does not get through, the set-up shows as incomplete.
pub(super) async fn run(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let Admin(caller) = visitor.admin(&posted)?;
    let (stored, _) = find(&app, &visitor, &connector, id).await?;
    // Where it just failed, this authenticates it anew.
    if stored.authenticated_at.is_none() && !posted.has(AGAIN) {
        let path = format!("{}/credentials", tabs::path(&connector, id));
        return Ok(see_told(&path, Told::NotAuthenticated));
    }
    take_test_send(&app, &caller)?;
    let trial = authenticate(&app, id, &caller.actor(), &Listener::nobody()).await?;
    let status = match trial.ok {
        true => StatusCode::OK,
        false => StatusCode::BAD_GATEWAY,
    };
    let list = Checklist::of(&trial.report());
    // The page shows the state that the try has led to, not the one before it.
    let visitor = Visitor {
        caller: caller.before(app.store().configuration().await?),
        ..visitor
    };
    let view = FinishPage::new(&app, &visitor, &connector, id, Some(list)).await?;
    page_with(status, &view)
}

impl FinishPage {
    async fn new(
        app: &App,
        visitor: &Visitor,
        connector: &str,
        id: IntegrationId,
        checklist: Option<Checklist>,
    ) -> Result<Self, Problem> {
        let (stored, gate) = find(app, visitor, connector, id).await?;
        let url = stored.fields.get("webhook_url").and_then(Value::as_str);
        Ok(Self {
            frame: Frame::new(visitor, Here::Integrations, "Finish", None),
            tabs: Tabs::new(&stored, &gate, Tab::Mapping),
            id: id.to_string(),
            url: visible(url.unwrap_or_default()),
            checklist,
        })
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |checklist| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Mapping, true),
            id: "1".to_owned(),
            url: "<img src=x onerror=alert(1)>".to_owned(),
            checklist,
        };
        let sample = |is_good| Some(Checklist::sample(is_good));
        vec![page(None), page(sample(true)), page(sample(false))]
    }
}
