//! An event in the formats of others.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::configuration::Configuration;
use domain::event::Event;
use domain::projection::{Document, Format, Names, Origin, project};
use http::header::CONTENT_TYPE;

use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::Caller;

/// A document for each record: an array of objects, or lines of text.
pub(super) async fn answer(
    app: &App,
    caller: &Caller,
    event: Event,
    format: Format,
) -> Result<Response, Problem> {
    let documents = documents(app, caller, event, format).await?;
    Ok(response(format, &documents))
}

pub(crate) async fn documents(
    app: &App,
    caller: &Caller,
    event: Event,
    format: Format,
) -> Result<Vec<Document>, Problem> {
    // The journal forgets a message with its events; one that went just now only says less.
    let message = app.store().message(caller.scope(), event.message).await?;
    let configuration = caller.configuration.clone();
    let project = move || {
        // What was raised by the API came as something else than an alert, and a message of several alerts may hold some
        // that the caller must not see.
        let tells_raw = |events: usize| event.source.is_some() && events == 1;
        let origin = message.as_ref().map(|(message, events)| Origin {
            sha256: message.sha256,
            webhook_id: message.webhook_id.as_deref(),
            raw: tells_raw(events.len()).then_some(&*message.raw),
        });
        let names = Names {
            configuration: &configuration,
            version: env!("CARGO_PKG_VERSION"),
            origin,
        };
        project(format, &event, &names)
    };
    // Like the view: a body of a megabyte takes its time.
    blocking(project).await
}

/// A line for each record of these events. Their messages are not read for it, so they are told without the bytes they came in.
pub(super) async fn lines(
    events: Vec<Event>,
    format: Format,
    configuration: Arc<Configuration>,
) -> Result<Vec<u8>, Problem> {
    let project = move || {
        let names = Names {
            configuration: &configuration,
            version: env!("CARGO_PKG_VERSION"),
            origin: None,
        };
        let documents = events
            .iter()
            .flat_map(|event| project(format, event, &names));
        documents
            .flat_map(|document| format!("{document}\n").into_bytes())
            .collect()
    };
    blocking(project).await
}

fn response(format: Format, documents: &[Document]) -> Response {
    if format.is_json() {
        let objects = documents.iter().filter_map(|document| match document {
            Document::Object(object) => Some(object),
            Document::Line(_) => None,
        });
        return Json(objects.collect::<Vec<_>>()).into_response();
    }
    let lines = documents.iter().fold(String::new(), |lines, document| {
        format!("{lines}{document}\n")
    });
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response()
}
