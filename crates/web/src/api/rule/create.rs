use axum::extract::State;
use domain::filter::Filter;
use domain::rule::{IntegrationRule, MATCHERS};
use domain::{EventSetId, IntegrationId, RuleId};
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
    name: String,
    event_set_id: String,
    /// Filters, all of which must hold: `severity=~"high|critical"`, `field.hostname=~"web-.*"`. None asks for a company.
    #[serde(default)]
    matchers: Vec<String>,
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
    expect_authenticated(find(id, &caller)?)?;
    let rule = form.parse(&app, id, &caller)?;
    let view = RuleView::from(&rule);
    app.store()
        .change(Change::InsertRule(rule), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl RuleForm {
    fn parse(
        self,
        app: &App,
        integration: IntegrationId,
        caller: &Caller,
    ) -> Result<IntegrationRule, Problem> {
        let mut fields = Fields::default();
        let name = fields.name(&self.name);
        let is_there = |id: EventSetId| caller.configuration.event_set(id).is_some();
        let event_set = fields.id("/event_set_id", &self.event_set_id, "event set", is_there);
        fields.at_most("/matchers", self.matchers.len(), MATCHERS);
        let matchers = self
            .matchers
            .iter()
            .enumerate()
            .take(MATCHERS)
            .filter_map(|(index, text)| fields.take(&format!("/matchers/{index}"), matcher(text)));
        let matchers = matchers.collect();
        let (name, event_set) = fields.finish_with(name.zip(event_set))?;
        let id = app.fresh(RuleId::new);
        Ok(IntegrationRule {
            id,
            integration,
            name,
            event_set,
            matchers,
            created_at: app.now(),
        })
    }
}

fn matcher(text: &str) -> Result<Filter, String> {
    let filter: Filter = text
        .parse()
        .map_err(|error: domain::filter::FilterError| error.to_string())?;
    if filter.asks_company() {
        return Err(
            "must not ask for `company`; the company mapping says which companies a rule is for"
                .to_owned(),
        );
    }
    Ok(filter)
}
