mod csv;

use axum::extract::State;
use axum::response::Response;
use domain::access::Scope;
use domain::event::Event;
use domain::projection;
use serde::Deserialize;
use serde_json::json;
use store::{EventQuery, PageAt};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::list::search;
use super::{EventView, projected, search_page, views};
use crate::App;
use crate::api::file::{self, Label, MOST, Parts};
use crate::problem::Problem;
use crate::read::{Caller, Params, Query, Viewer};

/// Events of one read: few enough that their bodies fit in memory several times.
const PAGE: u16 = 100;
/// Most events of one export.
pub(crate) const EVENTS: u64 = MOST;
/// Most columns of fields.
const FIELDS: usize = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `jsonl` (unless told): an event a line as `GET /api/v1/events` shows it, and at the end a line
    /// `{"end": {"events", "complete", "next"}}`. `csv`: a row for each record of an event, every cell quoted. `ocsf`, `ecs`,
    /// `cef`, `leef`: a line for each record as a SIEM reads it, and nothing else.
    format: Option<String>,
    /// Only events that it lets through: `company=Acme received_at>=2026-11-01T00:00:00Z`.
    filter: Option<String>,
    /// `newest` (unless told) or `oldest` first.
    order: Option<String>,
    /// Of CSV: fields that get a column of their own, parted by commas. All fields stand as JSON in `fields` unless told.
    fields: Option<String>,
    /// Of CSV: `true` leaves cells as they are that a spreadsheet would take for formulas. Open such a file in no spreadsheet.
    raw: Option<String>,
    /// How many events; 1,000,000 unless told, which is the most.
    #[param(value_type = Option<u64>)]
    limit: Option<String>,
    /// `next` of the export that ended before the last event.
    cursor: Option<String>,
}

/// How events are written.
#[derive(Debug)]
enum Format {
    Jsonl,
    Csv(csv::Sheet),
    Siem(projection::Format),
}

/// Events as a file: streamed, so it may be as long as it likes.
#[utoipa::path(get, path = "/api/v1/events/export", tag = "events", params(ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let (format, query, limit, cursor) = query.parse()?;
    write(&app, &caller, format, query, (limit, cursor)).await
}

/// What a list of the console shows, from its beginning, in the format of this name; none when there is no such format.
pub(crate) async fn list_as(
    app: &App,
    caller: &Caller,
    format: &str,
    query: EventQuery,
) -> Result<Option<Response>, Problem> {
    let Some(format) = Format::named(format, || csv::Sheet::new(None, false)) else {
        return Ok(None);
    };
    let written = write(app, caller, format, query, (EVENTS, None)).await;
    written.map(Some)
}

/// Begins the file: so many events from this cursor on.
async fn write(
    app: &App,
    caller: &Caller,
    format: Format,
    query: EventQuery,
    (limit, cursor): (u64, Option<String>),
) -> Result<Response, Problem> {
    let permit = file::permit(app)?;
    let label = Label {
        media_type: format.media_type(),
        name: format.file_name().to_owned(),
        limit,
    };
    let head = format.head();
    let export = Export {
        app: app.clone(),
        scope: caller.scope().clone(),
        format,
        query,
        limit,
        written: 0,
        cursor,
        is_over: false,
        _permit: permit,
    };
    file::stream(label, head, export).await
}

struct Export {
    app: App,
    scope: Scope,
    format: Format,
    query: EventQuery,
    limit: u64,
    written: u64,
    cursor: Option<String>,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Parts for Export {
    fn of(&self) -> &'static str {
        "events"
    }

    async fn part(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        while !self.is_over {
            if self.app.closing().is_cancelled() {
                return Err(Problem::try_later("the server is closing"));
            }
            let left = self.limit - self.written;
            let limit = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
            let at = PageAt::new(Some(limit), self.cursor.take());
            let page = search_page(&self.app, &self.scope, &self.query, &at).await?;
            self.written += page.items.len() as u64;
            let mut part = self.written_out(page.items).await?;
            self.is_over = page.next.is_none() || self.written >= self.limit;
            if self.is_over {
                let tail = self.format.tail(self.written, page.next.as_deref());
                part.extend(tail);
            }
            self.cursor = page.next;
            // A page that found nothing is nothing to send.
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }
}

impl Export {
    async fn written_out(&self, events: Vec<Event>) -> Result<Vec<u8>, Problem> {
        let configuration = self.app.store().configuration().await?;
        if let Format::Siem(format) = self.format {
            return projected::lines(events, format, configuration).await;
        }
        let mut part = Vec::new();
        for view in &views(events, configuration).await? {
            self.format.write(view, &mut part);
        }
        Ok(part)
    }
}

impl Format {
    fn named(word: &str, sheet: impl FnOnce() -> csv::Sheet) -> Option<Self> {
        match word {
            "jsonl" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv(sheet())),
            siem => siem.parse().ok().map(Self::Siem),
        }
    }

    fn media_type(&self) -> &'static str {
        match self {
            Self::Jsonl => "application/x-ndjson",
            Self::Csv(_) => "text/csv; charset=utf-8; header=present",
            Self::Siem(format) if format.is_json() => "application/x-ndjson",
            Self::Siem(_) => "text/plain; charset=utf-8",
        }
    }

    fn file_name(&self) -> &'static str {
        match self {
            Self::Jsonl => "events.jsonl",
            Self::Csv(_) => "events.csv",
            Self::Siem(format) if format.is_json() => "events.jsonl",
            Self::Siem(_) => "events.log",
        }
    }

    fn head(&self) -> Vec<u8> {
        match self {
            Self::Jsonl | Self::Siem(_) => Vec::new(),
            Self::Csv(sheet) => sheet.head(),
        }
    }

    fn write(&self, view: &EventView, into: &mut Vec<u8>) {
        match self {
            Self::Jsonl => into.extend(format!("{}\n", json!(view)).into_bytes()),
            Self::Csv(sheet) => sheet.write(view, into),
            // Written from the events themselves.
            Self::Siem(_) => {}
        }
    }

    /// A file in JSON always ends with this line, so that one which broke off is known; one in CSV only where there is more.
    /// A SIEM would take such a line for an event.
    fn tail(&self, events: u64, next: Option<&str>) -> Vec<u8> {
        match self {
            Self::Siem(_) => Vec::new(),
            Self::Jsonl => {
                let end = json!({"events": events, "complete": next.is_none(), "next": next});
                format!("{}\n", json!({ "end": end })).into_bytes()
            }
            Self::Csv(sheet) => next.map_or_else(Vec::new, |next| {
                let note =
                    format!("more: this file ends after {events} events; cursor={next} goes on");
                sheet.note(&note)
            }),
        }
    }
}

impl ExportQuery {
    fn parse(self) -> Result<(Format, EventQuery, u64, Option<String>), Problem> {
        let mut params = Params::default();
        let oldest_first = params.with("order", self.order.as_deref(), |word| match word {
            "newest" => Ok(false),
            "oldest" => Ok(true),
            _ => Err("is `newest` or `oldest`".to_owned()),
        });
        let raw = params.with("raw", self.raw.as_deref(), |word| {
            word.parse::<bool>()
                .map_err(|_| "is `true` or `false`".to_owned())
        });
        let fields = params.with("fields", self.fields.as_deref(), fields);
        let limit = params.with("limit", self.limit.as_deref(), |text| {
            match text.parse::<u64>() {
                Ok(number @ 1..=EVENTS) => Ok(number),
                _ => Err(format!("is a whole number from 1 to {EVENTS}")),
            }
        });
        let filter = params.with("filter", self.filter.as_deref(), search);
        let (columns, is_raw) = (fields.clone(), raw == Some(true));
        let format = params.with("format", self.format.as_deref(), |word| {
            Format::named(word, || csv::Sheet::new(columns, is_raw))
                .ok_or_else(|| "is one of jsonl, csv, ocsf, ecs, cef, leef".to_owned())
        });
        if !matches!(format, Some(Format::Csv(_))) {
            for (name, given) in [("fields", fields.is_some()), ("raw", raw.is_some())] {
                if given {
                    params.error(name, "goes with `format=csv` alone");
                }
            }
        }
        params.finish()?;
        let query = EventQuery {
            filter,
            oldest_first: oldest_first == Some(true),
            ..EventQuery::default()
        };
        let cursor = self.cursor.filter(|cursor| !cursor.is_empty());
        let format = format.unwrap_or(Format::Jsonl);
        Ok((format, query, limit.unwrap_or(EVENTS), cursor))
    }
}

fn fields(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(str::trim);
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    match names.len() {
        0 => Err("names at least one field".to_owned()),
        1..=FIELDS => Ok(names),
        _ => Err(format!("names at most {FIELDS} fields")),
    }
}
