use axum::Json;
use axum::extract::State;
use domain::IntegrationId;
use serde_json::{Map, Value, json};

use super::trial::{self, Trial};
use super::{expect_authenticated, find};
use crate::App;
use crate::api::Answer;
use crate::api::whitelisting;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Send a marked test alert by the finished set-up.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/finish", tag = "integrations", params(("id" = String, Path)),
    responses(
        (status = 200, body = Object, description = "The test alert was received."),
        (status = 502, body = crate::problem::ProblemView, description = "`Error Sending Request for URL`, with `cause`, `remedy`, `whitelisting` and `check`."),
    ))]
pub(crate) async fn finish(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
) -> Answer<Value> {
    let integration = find(id, &caller)?;
    expect_authenticated(integration)?;
    trial::take_test_send(&app, &caller)?;
    let trial = Trial::run(&app, integration).await?;
    if !trial.ok {
        return Err(error_sending(&app, &trial));
    }
    Ok(Json(json!({"ok": true, "check": trial.report()})))
}

fn error_sending(app: &App, trial: &Trial) -> Problem {
    let mut extra = Map::new();
    extra.insert("cause".into(), json!(trial.cause()));
    extra.insert("remedy".into(), json!(trial.remedy()));
    extra.insert("whitelisting".into(), json!(whitelisting::link(app)));
    extra.insert("check".into(), trial.report());
    Problem::error_sending(trial.fault(), extra)
}
