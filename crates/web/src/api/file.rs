//! Lists as files: streamed, so they may be as long as they like.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{once, try_unfold};
use futures_util::{StreamExt as _, future};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use tokio::sync::OwnedSemaphorePermit;

use crate::App;
use crate::problem::Problem;

/// Most items of one file; a further one goes on by the cursor.
pub(crate) const MOST: u64 = 1_000_000;
/// When to come again while others export.
const RETRY_SECONDS: u64 = 5;
/// Tells how many items a file has at most.
const LIMIT: HeaderName = HeaderName::from_static("alertwire-export-limit");

/// A file as far as it has come. Nothing is read before whoever takes it wants more.
pub(super) trait Parts: Send + 'static {
    /// What it is of, for the log.
    fn of(&self) -> &'static str;

    /// The next bytes; none when that was all.
    fn part(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Problem>> + Send;
}

/// What a browser is told of a file.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) media_type: &'static str,
    /// What it is called when it is saved.
    pub(super) name: String,
    pub(super) limit: u64,
}

/// The right to write a file: as many as may be are written at once.
pub(super) fn permit(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = Arc::clone(app.exports()).try_acquire_owned();
    permit.map_err(|_| {
        Problem::too_many(
            "as many exports are under way as may be; ask again when one has ended",
            RETRY_SECONDS,
        )
    })
}

/// The answer. Its first part is read before it begins: what is wrong with the question is a problem, not half a file.
pub(super) async fn stream<P: Parts>(
    label: Label,
    head: Vec<u8>,
    mut parts: P,
) -> Result<Response, Problem> {
    let disposition = format!("attachment; filename=\"{}\"", label.name);
    let disposition = HeaderValue::try_from(disposition)
        .map_err(|error| Problem::internal(format!("a file cannot be named: {error}")))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(label.media_type)),
        (CONTENT_DISPOSITION, disposition),
        (LIMIT, HeaderValue::from(label.limit)),
    ];
    let mut first = head;
    first.extend(parts.part().await?.unwrap_or_default());
    let rest = try_unfold(parts, |mut parts| async move {
        let part = parts.part().await.map_err(|problem| {
            tracing::error!(
                of = parts.of(),
                reason = problem.for_log(),
                "an export broke off"
            );
            io::Error::other("the export broke off")
        })?;
        Ok(part.map(|part| (Bytes::from(part), parts)))
    });
    let parts = once(future::ready(Ok::<_, io::Error>(Bytes::from(first)))).chain(rest);
    Ok((headers, Body::from_stream(parts)).into_response())
}
