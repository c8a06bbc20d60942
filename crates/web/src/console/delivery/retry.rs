use axum::extract::State;
use domain::DeliveryId;
use domain::access::Role;

use crate::App;
use crate::api::delivery::retry::send_again;
use crate::console::page::see;
use crate::console::{Page, Visitor};
use crate::read::{Id, Posted};

/// Sends one again, and shows the one that is due now.
pub(crate) async fn retry(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<DeliveryId>,
    posted: Posted,
) -> Page {
    visitor.expect(&posted, Role::Operator)?;
    let due = send_again(&app, &visitor.caller, id).await?;
    Ok(see(&format!("/deliveries/{due}")))
}
