use axum::extract::State;
use connectors::rotation::{has_previous, without_previous};
use domain::IntegrationId;
use http::StatusCode;

use super::{find, replace_signing, stored_secrets};
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Let the former signing secret sign no longer, before its time.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}/signing-secret/previous", tag = "integrations", params(("id" = String, Path)),
    responses((status = 204, description = "Only the new secret signs.")))]
pub(crate) async fn end_overlap(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
) -> Result<StatusCode, Problem> {
    let stored = find(id, &caller)?;
    let secrets = stored_secrets(&app, stored).await?;
    if !has_previous(&secrets) {
        return Err(Problem::not_found("former signing secret"));
    }
    let parsed = without_previous(&stored.fields, &secrets);
    replace_signing(&app, stored, parsed, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
