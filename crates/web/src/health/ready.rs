use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use store::Health;
use utoipa::ToSchema;

use crate::App;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadyView {
    pub(crate) ready: bool,
    /// A write went through just now.
    pub(crate) store_writable: bool,
    /// Deliveries that are due have not waited too long.
    pub(crate) outbox_moving: bool,
    /// Seconds that the oldest due delivery has waited; 0 when nothing is due.
    pub(crate) oldest_due_seconds: f64,
}

/// The store can be written and the outbox moves.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = ReadyView), (status = 503, body = ReadyView)))]
pub(crate) async fn ready(app: State<App>) -> (StatusCode, Json<ReadyView>) {
    let (view, _) = look(&app).await;
    let status = if view.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(view))
}

/// Whether it is ready, and what that was told by.
pub(crate) async fn look(app: &App) -> (ReadyView, Health) {
    let now = app.clock().now();
    let health = app.store().health(now).await;
    if let Err(reason) = &health.writable {
        tracing::error!(reason, "the store cannot be written");
    }
    let waited = health
        .oldest_due
        .map_or(std::time::Duration::ZERO, |due| now.since(due));
    let view = ReadyView {
        ready: health.writable.is_ok() && waited <= app.settings().outbox_stale,
        store_writable: health.writable.is_ok(),
        outbox_moving: waited <= app.settings().outbox_stale,
        oldest_due_seconds: waited.as_secs_f64(),
    };
    (view, health)
}
