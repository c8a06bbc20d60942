use axum::Json;
use axum::extract::State;
use domain::IntegrationId;
use domain::access::Scope;
use serde::Serialize;
use store::{Change, DeliveryQuery, Standing};
use utoipa::ToSchema;

use super::find;
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// Pending deliveries are counted up to here.
const COUNTED: u32 = 1_000_000;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedView {
    id: String,
    name: String,
    /// Pending and parked deliveries that ended as dead with it, reason `removed`; those beyond a million are not counted.
    dead_deliveries: u32,
}

/// Remove an integration with its rules and mappings. What was still to be delivered ends as dead.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}", tag = "integrations", params(("id" = String, Path)),
    responses((status = 200, body = RemovedView)))]
pub(crate) async fn remove(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
) -> Answer<RemovedView> {
    let name = find(id, &caller)?.name.clone();
    let dead_deliveries =
        waiting(&app, id, Standing::Pending).await? + waiting(&app, id, Standing::Parked).await?;
    app.store()
        .change(Change::RemoveIntegration(id), &caller.actor(), app.now())
        .await?;
    Ok(Json(RemovedView {
        id: id.to_string(),
        name,
        dead_deliveries,
    }))
}

async fn waiting(app: &App, id: IntegrationId, standing: Standing) -> Result<u32, Problem> {
    let query = DeliveryQuery {
        standing: Some(standing),
        integration: Some(id),
        ..DeliveryQuery::default()
    };
    Ok(app
        .store()
        .count_deliveries(&Scope::All, &query, COUNTED)
        .await?)
}
