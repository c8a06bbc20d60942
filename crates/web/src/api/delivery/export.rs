use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::configuration::Configuration;
use http::Uri;
use serde::Serialize;
use store::{DeliveryRow, LastTry, Standing};

use super::fault;
use super::list::DeliveriesQuery;
use crate::App;
use crate::api::export::Column::Key;
use crate::api::export::Sheet;
use crate::api::{Answer, Named};
use crate::problem::Problem;
use crate::read::{Listing, Viewer};

static SHEET: Sheet = Sheet {
    of: "deliveries",
    columns: &[
        Key("id"),
        Key("created_at"),
        Key("status"),
        Key("reason"),
        Key("fault"),
        Key("cause"),
        Key("status_code"),
        Key("company"),
        Key("integration"),
        Key("rule"),
        Key("subject"),
        Key("critical"),
        Key("attempts_spent"),
        Key("duration_millis"),
        Key("next_attempt_at"),
        Key("replay_of"),
        Key("event_ids"),
        Key("kind"),
    ],
    is_paged: true,
};

/// A delivery in a file, with its last attempt in figures.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    created_at: Timestamp,
    status: &'static str,
    reason: Option<String>,
    fault: Option<&'static str>,
    cause: Option<String>,
    status_code: Option<u16>,
    company: Named,
    integration: Named,
    rule: Named,
    subject: String,
    critical: bool,
    attempts_spent: u32,
    duration_millis: Option<f64>,
    next_attempt_at: Option<Timestamp>,
    replay_of: Option<String>,
    event_ids: Vec<String>,
    kind: Option<String>,
}

/// Deliveries as a file, newest first: streamed, by the query keys of `GET /api/v1/deliveries`. JSON lines end with a line
/// `{"end": {"deliveries", "complete", "next"}}`; in CSV every cell is quoted, and none is a formula.
#[utoipa::path(get, path = "/api/v1/deliveries/export", tag = "deliveries",
    params(DeliveriesQuery, ("format" = Option<String>, Query, description = "`jsonl` (unless told) or `csv`.")),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = |app, caller, query: DeliveriesQuery| lines(app, Viewer(caller), query);
    SHEET.write(app, caller, &uri, list).await
}

async fn lines(
    app: State<App>,
    Viewer(caller): Viewer,
    query: DeliveriesQuery,
) -> Answer<Listing<Line>> {
    let (query, at) = query.parse(&caller)?;
    let page = app.store().deliveries(caller.scope(), &query, &at).await?;
    let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
    let tries = app.store().last_tries(caller.scope(), &ids).await?;
    let configuration = app.store().configuration().await?;
    let line = |row: DeliveryRow| {
        let last = tries.get(&row.id).copied();
        Line::new(row, last, &configuration)
    };
    Ok(Json(Listing {
        items: page.items.into_iter().map(line).collect(),
        next: page.next,
    }))
}

impl Line {
    fn new(row: DeliveryRow, last: Option<LastTry>, configuration: &Configuration) -> Self {
        let due = row
            .not_before
            .map_or(row.due_at, |not_before| not_before.max(row.due_at));
        Self {
            id: row.id.to_string(),
            created_at: row.created_at,
            status: row.standing.as_str(),
            fault: fault(row.reason.as_deref()),
            reason: row.reason,
            cause: row.cause,
            status_code: last.and_then(|last| last.status_code),
            company: Named::company(row.company, configuration),
            integration: Named::integration(row.integration, configuration),
            rule: Named::rule(row.rule, configuration),
            subject: row.subject,
            critical: row.critical,
            attempts_spent: row.attempts,
            duration_millis: last.map(|last| last.duration_micros as f64 / 1_000.0),
            next_attempt_at: (row.standing == Standing::Pending).then_some(due),
            replay_of: row.replay_of.map(|id| id.to_string()),
            event_ids: row.events.iter().map(ToString::to_string).collect(),
            kind: row.kind,
        }
    }
}
