use axum::extract::State;
use axum::response::Response;
use domain::IntegrationId;
use http::HeaderMap;
use serde_json::{Map, json};
use std::sync::Arc;

use super::trial::{self, Trial};
use super::{expect_authenticated, find, progress};
use crate::App;
use crate::api::whitelisting;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Send a marked test alert by the finished set-up. With `accept: text/event-stream` each step is told as it ends
/// (`event: step`), and then the answer (`event: finish`) or the problem (`event: problem`).
#[utoipa::path(post, path = "/api/v1/integrations/{id}/finish", tag = "integrations", params(("id" = String, Path)),
    responses(
        (status = 200, description = "The test alert was received.",
            content((Object = "application/json"), (String = "text/event-stream"))),
        (status = 502, body = crate::problem::ProblemView, description = "`Error Sending Request for URL`, with `cause`, `remedy`, `whitelisting` and `check`."),
    ))]
pub(crate) async fn finish(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let integration = find(id, &caller)?;
    expect_authenticated(integration)?;
    trial::take_test_send(&app, &caller)?;
    let (own, integration) = (app.0.clone(), Arc::clone(integration));
    progress::answer(&app, &headers, "finish", |listener| async move {
        let trial = Trial::run(&own, &integration, &listener).await?;
        if trial.ok {
            Ok(json!({"ok": true, "check": trial.report()}))
        } else {
            Err(error_sending(&own, &trial))
        }
    })
    .await
}

fn error_sending(app: &App, trial: &Trial) -> Problem {
    let mut extra = Map::new();
    extra.insert("cause".into(), json!(trial.cause()));
    extra.insert("remedy".into(), json!(trial.remedy()));
    extra.insert("whitelisting".into(), json!(whitelisting::link(app)));
    extra.insert("check".into(), trial.report());
    Problem::error_sending(trial.fault(), extra)
}
