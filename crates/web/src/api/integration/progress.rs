//! A try that is told as it goes: each step as a server-sent event, then the whole.

use std::convert::Infallible;

use axum::Json;
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use connectors::{MOST_STEPS, Step};
use http::{HeaderMap, header};
use serde_json::Value;
use tokio::sync::mpsc::{Sender, channel};

use crate::App;
use crate::problem::Problem;

/// Who hears of the steps as they end.
#[derive(Debug, Clone)]
pub(crate) struct Listener(Option<Sender<Line>>);

impl Listener {
    pub(crate) fn nobody() -> Self {
        Self(None)
    }

    /// Tells how far something is. What there is no room for is left out: the next one tells more.
    pub(in crate::api) fn tell_progress(&self, progress: &Value) {
        let Some(sender) = &self.0 else { return };
        if let Ok(line) = Line::default().event("progress").json_data(progress) {
            let _ = sender.try_send(line);
        }
    }

    /// Whoever listened has gone.
    pub(in crate::api) fn is_gone(&self) -> bool {
        self.0.as_ref().is_some_and(Sender::is_closed)
    }

    pub(super) fn tell(&self, step: &Step) {
        let Some(sender) = &self.0 else { return };
        if let Ok(line) = Line::default().event("step").json_data(step) {
            // There is room for all steps of a try; a caller who has gone hears nothing, and the try goes on.
            let _ = sender.try_send(line);
        }
    }
}

/// Does the work and answers with what it comes to. A caller who accepts `text/event-stream` gets an event for each
/// step or stretch of it as it ends, then one that is called `last`, or `problem` with the document that would else have been the answer.
pub(in crate::api) async fn answer<F>(
    app: &App,
    headers: &HeaderMap,
    last: &'static str,
    work: impl FnOnce(Listener) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Value, Problem>> + Send + 'static,
{
    if !takes_events(headers) {
        return Ok(Json(work(Listener::nobody()).await?).into_response());
    }
    let permit = app.streams().clone().try_acquire_owned();
    let permit =
        permit.map_err(|_| Problem::try_later("too many live streams are open; close one"))?;
    // All steps, and what ends them.
    let (sender, receiver) = channel(MOST_STEPS + 1);
    let (work, app) = (work(Listener(Some(sender.clone()))), app.clone());
    // A task of its own: what was begun is noted, also when the caller goes away.
    tokio::spawn(async move {
        let line = match work.await {
            Ok(value) => Line::default().event(last).json_data(value),
            Err(problem) => problem_line(&app, &problem),
        };
        if let Ok(line) = line {
            let _ = sender.send(line).await;
        }
        drop(permit);
    });
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async {
        let line = receiver.recv().await?;
        Some((Ok::<_, Infallible>(line), receiver))
    });
    Ok(Sse::new(lines)
        .keep_alive(KeepAlive::default())
        .into_response())
}

fn takes_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case("text/event-stream"))
}

fn problem_line(app: &App, problem: &Problem) -> Result<Line, axum::Error> {
    let request_id = app.request_id();
    if problem.status().is_server_error() {
        tracing::error!(request_id, status = problem.status().as_u16(), reason = %problem.for_log().escape_debug(), "a check failed");
    }
    Line::default()
        .event("problem")
        .json_data(problem.view(&request_id))
}
