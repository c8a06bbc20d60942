use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use metrics::gauge;

use crate::App;
use crate::problem::Problem;
use crate::read::Viewer;

/// Version of the Prometheus text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures in the Prometheus text format. They are of all companies together, so the key must be for all of them.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(app: State<App>, Viewer(caller): Viewer) -> Result<Response, Problem> {
    if !caller.sees_all() {
        return Err(Problem::forbidden(
            "the figures are of all companies together; this takes a key for all companies",
        ));
    }
    let now = app.clock().now();
    let health = app.store().health(now).await;
    let waited = health
        .oldest_due
        .map_or(0.0, |due| now.since(due).as_secs_f64());
    #[expect(
        clippy::cast_precision_loss,
        reason = "the count stops long before the precision does"
    )]
    gauge!("alertwire_queue_depth").set(health.pending as f64);
    gauge!("alertwire_queue_oldest_age_seconds").set(waited);
    gauge!("alertwire_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(([(header::CONTENT_TYPE, TEXT)], app.metrics().render()).into_response())
}
