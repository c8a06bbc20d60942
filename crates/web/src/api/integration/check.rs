use axum::Json;
use axum::extract::State;
use domain::IntegrationId;
use serde_json::Value;

use super::trial;
use crate::App;
use crate::api::Answer;
use crate::read::{Admin, Id};

/// Try the stored credentials again, step by step; the last step is a marked test alert.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/check", tag = "integrations", params(("id" = String, Path)),
    responses((status = 200, body = Object, description = "`{\"ok\", \"steps\": [{\"name\", \"ok\", \"detail\", \"millis\"}]}`")))]
pub(crate) async fn check(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
) -> Answer<Value> {
    super::find(id, &caller)?;
    trial::take_test_send(&app, &caller)?;
    let trial = trial::authenticate(&app, id, &caller.actor()).await?;
    Ok(Json(trial.report()))
}
