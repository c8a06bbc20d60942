//! The most that HTTP allows here: axum takes the body and throws it away.

use anyhow::Result;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;

pub async fn run() -> Result<()> {
    let throw_away = async |body: Bytes| {
        drop(body);
        (StatusCode::ACCEPTED, "{}")
    };
    super::serve(Router::new().route("/intake", post(throw_away))).await
}
