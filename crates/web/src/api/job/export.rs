use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::configuration::Configuration;
use http::Uri;
use serde::Serialize;
use serde_json::Value;
use store::Job;

use super::{ProgressView, asked, newest};
use crate::App;
use crate::api::export::Column::{Actor, Key};
use crate::api::export::Sheet;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Listing, PageQuery, Query, Viewer, listing};

static SHEET: Sheet = Sheet {
    of: "jobs",
    columns: &[
        Key("id"),
        Key("kind"),
        Key("state"),
        Key("asked"),
        Key("to"),
        Key("total"),
        Key("done"),
        Key("skipped"),
        Key("failed"),
        Key("left"),
        Key("rate_per_second"),
        Key("eta"),
        Actor("actor"),
        Key("error"),
        Key("created_at"),
        Key("changed_at"),
        Key("ended_at"),
    ],
    is_paged: true,
};

/// A job of any kind in a file.
#[derive(Debug, Serialize)]
struct JobLine {
    id: String,
    kind: &'static str,
    state: &'static str,
    /// What it is to be done to, as it was asked.
    asked: Value,
    to: Option<Named>,
    #[serde(flatten)]
    progress: ProgressView,
}

/// Jobs of every kind as a file, newest first, streamed; JSON lines end with a line `{"end": …}`.
#[utoipa::path(get, path = "/api/v1/jobs/export", tag = "deliveries",
    params(PageQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: PageQuery| lines(app, Viewer(caller), Query(query));
    SHEET.write(app, caller, &uri, list).await
}

async fn lines(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<JobLine>> {
    let page = newest(&app, &caller, query.at()?).await?;
    let now = app.now();
    Ok(Json(listing(page, |job| {
        JobLine::new(job, &caller.configuration, now)
    })))
}

impl JobLine {
    fn new(job: Job, configuration: &Configuration, now: Timestamp) -> Self {
        let progress = ProgressView::new(&job, now);
        let kind = job.spec.kind().as_str();
        let (asked, to) = asked(&job.spec);
        Self {
            id: job.id.to_string(),
            kind,
            state: job.state.as_str(),
            asked,
            to: to.map(|id| Named::integration(id, configuration)),
            progress,
        }
    }
}
