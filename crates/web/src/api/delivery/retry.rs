use axum::Json;
use axum::extract::State;
use domain::DeliveryId;
use http::StatusCode;
use store::Retried;

use super::DeliveryView;
use super::get::show;
use crate::App;
use crate::api::Made;
use crate::problem::Problem;
use crate::read::{Caller, Id, Operator};

/// Send again by hand: an undelivered one is due now under the same id, a delivered one gets a new delivery with a new id.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryView)))]
pub(crate) async fn retry(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<DeliveryId>,
) -> Made<DeliveryView> {
    let due = send_again(&app, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(show(&app, &caller, due).await?)))
}

/// Answers the delivery that is due now.
pub(crate) async fn send_again(
    app: &App,
    caller: &Caller,
    id: DeliveryId,
) -> Result<DeliveryId, Problem> {
    match app
        .store()
        .retry(caller.scope(), id, app.clock().now(), &caller.actor())
        .await?
    {
        Retried::Due(id) | Retried::Replayed(id) => Ok(id),
        Retried::NotFound => Err(Problem::not_found("delivery")),
        Retried::Grouping => {
            let detail =
                "it waits for further events and goes out by itself at the end of its window";
            Err(Problem::wrong_state(detail))
        }
    }
}
