use axum::extract::State;
use domain::configuration::Configuration;
use domain::filter::{Filter, Place};
use domain::rule::{IntegrationRule, MATCHERS};
use domain::{EventSetId, IntegrationId, RuleId, Timestamp};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::RuleView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::integration::{expect_authenticated, find};
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Id};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleForm {
    pub(in crate::api) name: String,
    pub(in crate::api) event_set_id: String,
    /// Filters, all of which must hold: `severity=~"high|critical"`, `field.hostname=~"web-.*"`. None asks for a company.
    #[serde(default)]
    pub(in crate::api) matchers: Vec<String>,
    /// A rule that is off makes no alerts.
    #[serde(default = "on")]
    #[schema(required = false)]
    pub(in crate::api) enabled: bool,
}

/// What is not told is on.
pub(in crate::api) fn on() -> bool {
    true
}

/// Link an authenticated integration with an event set.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/rules", tag = "rules", params(("id" = String, Path)),
    request_body = RuleForm, responses((status = 201, body = RuleView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    Form(form): Form<RuleForm>,
) -> Made<RuleView> {
    let rule = form.draft(&app, &caller, id)?;
    let view = RuleView::from(&rule);
    app.store()
        .change(Change::InsertRule(rule), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl RuleForm {
    /// The new rule that it makes of an authenticated integration; nothing is stored yet.
    pub(crate) fn draft(
        &self,
        app: &App,
        caller: &Caller,
        integration: IntegrationId,
    ) -> Result<IntegrationRule, Problem> {
        expect_authenticated(find(integration, caller)?)?;
        let mut fields = Fields::default();
        let known = (app.fresh(RuleId::new), app.now());
        let rule = self.parse(&mut fields, known, integration, &caller.configuration);
        fields.finish_with(rule)
    }

    /// The rule that it makes of an id and the time of its making, new or known.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        (id, created_at): (RuleId, Timestamp),
        integration: IntegrationId,
        configuration: &Configuration,
    ) -> Option<IntegrationRule> {
        let name = fields.name(&self.name);
        let is_there = |id: EventSetId| configuration.event_set(id).is_some();
        let event_set = fields.id("/event_set_id", &self.event_set_id, "event set", is_there);
        let matchers = parse_matchers(fields, &self.matchers);
        Some(IntegrationRule {
            id,
            integration,
            name: name?,
            event_set: event_set?,
            matchers,
            enabled: self.enabled,
            created_at,
        })
    }
}

impl From<&IntegrationRule> for RuleForm {
    fn from(rule: &IntegrationRule) -> Self {
        Self {
            name: rule.name.clone(),
            event_set_id: rule.event_set.to_string(),
            matchers: rule.matchers.iter().map(Filter::to_string).collect(),
            enabled: rule.enabled,
        }
    }
}

/// Matchers, each broken one noted.
pub(in crate::api) fn parse_matchers(fields: &mut Fields, texts: &[String]) -> Vec<Filter> {
    fields.at_most("/matchers", texts.len(), MATCHERS);
    let texts = texts.iter().enumerate().take(MATCHERS);
    texts
        .filter_map(|(index, text)| {
            let matcher = Filter::parse_for(Place::Rule, text);
            fields.take(&format!("/matchers/{index}"), matcher)
        })
        .collect()
}
