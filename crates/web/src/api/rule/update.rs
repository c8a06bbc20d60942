use axum::Json;
use axum::extract::State;
use domain::rule::IntegrationRule;
use domain::{IntegrationId, RuleId};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::create::RuleForm;
use super::{RuleView, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::api::integration::{self, expect_authenticated};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Ids};

/// What is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulePatch {
    name: Option<String>,
    event_set_id: Option<String>,
    /// In the place of the former.
    matchers: Option<Vec<String>>,
    /// Off, it makes no alerts.
    enabled: Option<bool>,
}

/// Change a rule of an authenticated integration.
#[utoipa::path(patch, path = "/api/v1/integrations/{id}/rules/{rule_id}", tag = "rules",
    params(("id" = String, Path), ("rule_id" = String, Path)),
    request_body = RulePatch, responses((status = 200, body = RuleView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Ids(integration, id): Ids<IntegrationId, RuleId>,
    Form(patch): Form<RulePatch>,
) -> Answer<RuleView> {
    let stored = find(integration, id, &caller)?;
    let changed = patch.draft(integration, id, &caller)?;
    let view = RuleView::from(&changed);
    if changed != *stored {
        app.store()
            .change(Change::UpdateRule(changed), &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

impl RulePatch {
    /// What it makes of the stored rule of an authenticated integration; nothing is stored yet.
    pub(crate) fn draft(
        self,
        integration: IntegrationId,
        id: RuleId,
        caller: &Caller,
    ) -> Result<IntegrationRule, Problem> {
        let stored = find(integration, id, caller)?;
        expect_authenticated(integration::find(integration, caller)?)?;
        let form = self.over(stored.into());
        let mut fields = Fields::default();
        let known = (id, stored.created_at);
        let changed = form.parse(&mut fields, known, integration, &caller.configuration);
        fields.finish_with(changed)
    }

    fn over(self, stored: RuleForm) -> RuleForm {
        RuleForm {
            name: self.name.unwrap_or(stored.name),
            event_set_id: self.event_set_id.unwrap_or(stored.event_set_id),
            matchers: self.matchers.unwrap_or(stored.matchers),
            enabled: self.enabled.unwrap_or(stored.enabled),
        }
    }
}
