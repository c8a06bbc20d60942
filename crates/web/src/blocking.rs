//! Work that keeps a core busy, away from the threads that others wait for.

use crate::problem::Problem;

/// Does the work on a thread that may be busy.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(error.to_string()))
}
