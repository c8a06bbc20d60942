use axum::Json;
use axum::extract::State;
use domain::DeliveryId;

use super::{AttemptView, DeliveryView};
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Caller, Id, Viewer};

/// One delivery with all of its attempts.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<DeliveryId>,
) -> Answer<DeliveryView> {
    show(&app, &caller, id).await.map(Json)
}

pub(super) async fn show(
    app: &App,
    caller: &Caller,
    id: DeliveryId,
) -> Result<DeliveryView, Problem> {
    let row = app
        .store()
        .delivery(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery"))?;
    let attempts = app.store().attempts(caller.scope(), id).await?;
    Ok(DeliveryView::new(
        row,
        attempts.into_iter().map(AttemptView::whole).collect(),
        &caller.configuration,
    ))
}
