//! Finish: the check once more, one test alert, and what came of it.

use askama::Template;
use axum::extract::{Path, State};
use domain::IntegrationId;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::checklist::Checklist;
use super::tabs::{self, Tab, Tabs, find};
use crate::App;
use crate::api::integration::{Listener, authenticate, finish};
use crate::console::page::{page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Id, Posted};

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

type Of = Path<(String, IntegrationId)>;

pub(super) async fn show(app: State<App>, visitor: Visitor, Path((connector, id)): Of) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&FinishPage::new(&app, &visitor, &connector, id, None).await?)
}

/// Sends the test alert. When it does not get through, that is noted, so that the set-up shows as incomplete.
pub(super) async fn run(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let actor = admin.0.actor();
    let (stored, _) = find(&app, &visitor, &connector, id).await?;
    if stored.authenticated_at.is_none() {
        let path = format!("{}/credentials", tabs::path(&connector, id));
        return Ok(see_told(&path, Told::NotAuthenticated));
    }
    let whole = HeaderMap::new();
    match finish::finish(app.clone(), admin, Id(id), whole).await {
        Ok(_) => {
            let report = serde_json::json!({"ok": true, "steps": []});
            let report = stored.last_check.clone().unwrap_or(report);
            let list = Some(Checklist::of(&report));
            page(&FinishPage::new(&app, &visitor, &connector, id, list).await?)
        }
        Err(problem) if problem.status() == StatusCode::BAD_GATEWAY => {
            let report = problem.extra().get("check").cloned().unwrap_or(Value::Null);
            authenticate(&app, id, &actor, &Listener::nobody()).await?;
            let list = Some(Checklist::of(&report));
            let view = FinishPage::new(&app, &visitor, &connector, id, list).await?;
            page_with(problem.status(), &view)
        }
        Err(problem) => Err(problem),
    }
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
