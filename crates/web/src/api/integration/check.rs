use axum::extract::State;
use axum::response::Response;
use domain::IntegrationId;
use http::HeaderMap;

use super::{progress, trial};
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Try the stored credentials again, step by step; the last step is a marked test alert. With `accept: text/event-stream` each
/// step is told as it ends (`event: step`), and then the whole report (`event: check`).
#[utoipa::path(post, path = "/api/v1/integrations/{id}/check", tag = "integrations", params(("id" = String, Path)),
    responses((status = 200, description = "`{\"ok\", \"steps\": [{\"name\", \"ok\", \"warning\", \"detail\", \"millis\", \"cause\", \"remedy\"}]}`",
        content((Object = "application/json"), (String = "text/event-stream")))))]
pub(crate) async fn check(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    super::find(id, &caller)?;
    trial::take_test_send(&app, &caller)?;
    let (own, actor) = (app.0.clone(), caller.actor());
    progress::answer(&app, &headers, "check", |listener| async move {
        let trial = trial::authenticate(&own, id, &actor, &listener).await?;
        Ok(trial.report())
    })
    .await
}
