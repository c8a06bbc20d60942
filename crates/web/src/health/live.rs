use axum::Json;
use serde_json::{Value, json};

/// The process answers. It asks nothing of the store, so that a slow disk gets nobody restarted.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Object)))]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
