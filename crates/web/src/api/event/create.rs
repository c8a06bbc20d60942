use alertwire_catalogue::{Record, RenderError, Severity};
use axum::Json;
use axum::extract::{Request, State};
use bytes::Bytes;
use connectors::FieldError;
use domain::{EventId, Timestamp};
use http::{HeaderMap, StatusCode};
use receive::{Raise, RaiseError, Raised, Wanted};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::Idempotency;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::api::Made;
use crate::api::fields::{ERRORS, Fields};
use crate::problem::Problem;
use crate::read::form::{expect_json, media_type};
use crate::read::{Caller, Operator, Params, Query, body, json};

/// Most events of one request.
const EVENTS: usize = 10_000;
/// Most events of a request that wants what is new alone: each is looked for inside the transaction.
const NEW_EVENTS: usize = 1_000;
/// Longest idempotency key, in bytes.
const KEY_BYTES: usize = 255;

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventForm {
    /// Code of a kind.
    event: String,
    /// Id or name.
    company: String,
    /// One record; or `records` for several.
    #[schema(value_type = Option<Object>)]
    fields: Option<Record>,
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<Vec<Record>>,
    /// Else what the fields say, else the kind's own.
    severity: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Timestamp>,
}

/// One or an array of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "shows the shape of the body, which is read in one of two ways"
)]
pub(crate) enum EventsForm {
    One(EventForm),
    Many(Vec<EventForm>),
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RaiseQuery {
    /// Store only events that tell of what their company is not known to have, by fingerprint. At most 1,000 events.
    #[param(value_type = Option<bool>)]
    only_new: Option<String>,
    /// With `only_new`: store nothing and tell what is known.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RaisedView {
    /// In the order of the request.
    items: Vec<RaisedItem>,
    /// Null when nothing was stored: all of it was known, or it was a dry run.
    journal_id: Option<String>,
}

impl RaisedView {
    /// The id of the first event, when it was stored.
    pub(crate) fn first(&self) -> Option<&str> {
        self.items.first()?.id.as_deref()
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RaisedItem {
    /// The event, or the one that told of the same first, which may be forgotten by now. Null only in a dry run.
    id: Option<String>,
    /// With `only_new`: it was known, and nothing was stored for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<bool>,
}

/// Raise events: one, an array, or a line each (`application/x-ndjson`). All are stored, or none.
///
/// With `only_new` what the company is known to have is left out, and the answer tells so for each event. What an import has
/// told of stays known beyond the retention of events (`retention.known`).
#[utoipa::path(post, path = "/api/v1/events", tag = "events",
    params(RaiseQuery, ("Idempotency-Key" = Option<String>, Header, description = "Quoted or bare; kept for 24 h.")),
    request_body(content((EventsForm = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 202, body = RaisedView), (status = 200, body = RaisedView, description = "A dry run."),
        (status = 429, body = crate::problem::ProblemView, description = "A company's quota is used up, or the queue is full: nothing is stored; come again after Retry-After.")))]
pub(crate) async fn create(
    app: State<App>,
    Operator(caller): Operator,
    Query(query): Query<RaiseQuery>,
    request: Request,
) -> Made<RaisedView> {
    let (wanted, dry_run) = query.parse()?;
    let (parts, body) = request.into_parts();
    let lines = media_type(&parts.headers) == "application/x-ndjson";
    if !lines {
        expect_json(&parts.headers)?;
    }
    let key = idempotency_key(&parts.headers)?;
    let raw = body::whole(body, app.settings().events_bytes).await?;
    let batch = if lines {
        Batch::of_lines(&raw)
    } else {
        Batch::of_json(&raw)
    }?;
    let raises = batch.raises(&caller)?;
    if wanted == Wanted::New && raises.len() > NEW_EVENTS {
        let detail =
            format!("names at most {NEW_EVENTS} events with only_new; send several requests");
        return Err(Problem::field("", detail));
    }
    if dry_run {
        let known = app.receiver().known(&raises).await;
        let known = known.map_err(|error| batch.refused(error))?;
        return Ok((StatusCode::OK, Json(RaisedView::preview(known))));
    }
    let idempotency = key.map(|key| Idempotency {
        scope: caller.id_text(),
        key,
        body_hash: Sha256::digest(&raw).into(),
    });
    let raised = app
        .receiver()
        .raise(raw, &parts.headers, raises, idempotency, wanted)
        .await;
    let raised = raised.map_err(|error| {
        if let RaiseError::OverQuota { .. } = error {
            app.meters().raised_over_quota.increment(1);
        }
        batch.refused(error)
    })?;
    Ok((StatusCode::ACCEPTED, Json(RaisedView::new(&raised))))
}

impl RaiseQuery {
    fn parse(&self) -> Result<(Wanted, bool), Problem> {
        let mut params = Params::default();
        let only_new = params.read("only_new", self.only_new.as_deref());
        let dry_run = params.read("dry_run", self.dry_run.as_deref());
        let (only_new, dry_run) = (only_new.unwrap_or(false), dry_run.unwrap_or(false));
        if dry_run && !only_new {
            params.error("dry_run", "goes with only_new=true");
        }
        params.finish()?;
        let wanted = if only_new { Wanted::New } else { Wanted::All };
        Ok((wanted, dry_run))
    }
}

impl RaisedView {
    fn new(raised: &Raised) -> Self {
        let item = |(index, id): (usize, &EventId)| RaisedItem {
            id: Some(id.to_string()),
            seen: raised.known.get(index).copied(),
        };
        Self {
            items: raised.events.iter().enumerate().map(item).collect(),
            journal_id: raised.message.map(|message| message.to_string()),
        }
    }

    fn preview(known: Vec<Option<EventId>>) -> Self {
        let item = |id: Option<EventId>| RaisedItem {
            id: id.map(|id| id.to_string()),
            seen: Some(id.is_some()),
        };
        Self {
            items: known.into_iter().map(item).collect(),
            journal_id: None,
        }
    }
}

/// The events of a request, and how pointers into them begin.
struct Batch {
    events: Vec<EventForm>,
    /// The request was one object: pointers have no index.
    is_one: bool,
}

impl Batch {
    fn of_json(raw: &Bytes) -> Result<Self, Problem> {
        let first = raw.iter().find(|byte| !byte.is_ascii_whitespace());
        let (events, is_one) = match first {
            Some(b'[') => (json::parse(raw)?, false),
            _ => (vec![json::parse(raw)?], true),
        };
        Self { events, is_one }.bounded()
    }

    /// Empty lines count for nothing, but pointers count events, not lines.
    fn of_lines(raw: &Bytes) -> Result<Self, Problem> {
        let lines = raw
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .take(EVENTS + 1);
        let (mut events, mut errors) = (Vec::new(), Vec::new());
        for (index, line) in lines.enumerate() {
            match json::parse_at(line, &format!("/{index}")) {
                Ok(event) => events.push(event),
                Err(error) => errors.push(error),
            }
            if errors.len() == ERRORS {
                break;
            }
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Self {
            events,
            is_one: false,
        }
        .bounded()
    }

    fn bounded(self) -> Result<Self, Problem> {
        match self.events.len() {
            0 => Err(Problem::field("", "names at least one event")),
            1..=EVENTS => Ok(self),
            _ => Err(Problem::field(
                "",
                format!("names at most {EVENTS} events; send several requests"),
            )),
        }
    }

    fn pointer(&self, index: usize) -> String {
        if self.is_one {
            String::new()
        } else {
            format!("/{index}")
        }
    }

    fn raises(&self, caller: &Caller) -> Result<Vec<Raise>, Problem> {
        let mut fields = Fields::default();
        let mut raises = Vec::with_capacity(self.events.len());
        for (index, event) in self.events.iter().enumerate() {
            raises.extend(event.raise(&mut fields, &self.pointer(index), caller));
            if fields.is_full() {
                break;
            }
        }
        fields.finish()?;
        Ok(raises)
    }

    fn refused(&self, error: RaiseError) -> Problem {
        match error {
            RaiseError::Bad { index, error } => {
                Problem::invalid(vec![self.at_fault(index, &error)])
            }
            other => other.into(),
        }
    }

    /// Which field a refused rendering speaks of.
    fn at_fault(&self, index: usize, error: &RenderError) -> FieldError {
        let mut pointer = self.pointer(index);
        if let Some(event) = self.events.get(index) {
            event.at_fault(&mut pointer, error);
        }
        FieldError {
            pointer,
            detail: error.to_string(),
        }
    }
}

impl EventForm {
    fn raise(&self, fields: &mut Fields, pointer: &str, caller: &Caller) -> Option<Raise> {
        let company = fields.company(&format!("{pointer}/company"), &self.company, caller);
        let severity = self
            .severity
            .as_deref()
            .map(|text| fields.take(&format!("{pointer}/severity"), text.parse::<Severity>()));
        let records = match (&self.fields, &self.records) {
            (Some(record), None) => vec![record.clone()],
            (None, Some(records)) if !records.is_empty() => records.clone(),
            (None, None) => vec![Record::new()],
            (None, Some(_)) => {
                fields.error(format!("{pointer}/records"), "has at least one record");
                return None;
            }
            (Some(_), Some(_)) => {
                fields.error(
                    format!("{pointer}/records"),
                    "cannot stand beside `fields`; give one of them",
                );
                return None;
            }
        };
        let severity = match severity {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Raise {
            kind: self.event.clone(),
            company: company?,
            records,
            severity,
            occurred_at: self.occurred_at,
        })
    }

    fn at_fault(&self, pointer: &mut String, error: &RenderError) {
        let field = match error {
            RenderError::UnknownKind { .. } => return json::push(pointer, "event"),
            RenderError::TooManyRecords { .. } => return json::push(pointer, "records"),
            RenderError::UnknownField { field, .. }
            | RenderError::MissingField { field, .. }
            | RenderError::BadValue { field, .. }
            | RenderError::NotOneHeading { field, .. } => field,
        };
        match &self.records {
            None => json::push(pointer, "fields"),
            Some(records) => {
                json::push(pointer, "records");
                json::push(pointer, &record_at_fault(records, field, error).to_string());
            }
        }
        json::push(pointer, field);
    }
}

/// The first record that the error can be about.
fn record_at_fault(records: &[Record], field: &str, error: &RenderError) -> usize {
    let fits = |record: &Record| match error {
        RenderError::MissingField { .. } => !record.contains(field),
        RenderError::BadValue { value, .. } => record
            .get(field)
            .is_some_and(|given| given.to_text() == value.as_str()),
        _ => record.contains(field),
    };
    records.iter().position(fits).unwrap_or(0)
}

/// The key, quoted as the draft has it (RFC 8941, section 3.3.3) or bare.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let bad = |detail: &str| Problem::field(NAME, detail);
    if values.next().is_some() {
        return Err(bad("is given twice"));
    }
    let text = value.to_str().map_err(|_| bad("is visible ASCII"))?.trim();
    let key = match text.strip_prefix('"') {
        Some(rest) => {
            unquoted(rest).ok_or_else(|| bad("has no closing quote, or something behind it"))?
        }
        None => text.to_owned(),
    };
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err(bad("has 1 to 255 characters"));
    }
    Ok(Some(key))
}

fn unquoted(rest: &str) -> Option<String> {
    let mut key = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '\\' => key.push(chars.next()?),
            '"' => break,
            other => key.push(other),
        }
    }
    chars.as_str().is_empty().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_quoted_or_bare() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", value.parse().unwrap());
            idempotency_key(&headers).ok().flatten()
        };
        assert_eq!(read("abc-1").as_deref(), Some("abc-1"));
        assert_eq!(read("\"abc-1\"").as_deref(), Some("abc-1"));
        assert_eq!(read("\"a\\\"b\"").as_deref(), Some("a\"b"));
        for bad in ["", "\"", "\"abc", "\"abc\"x", "\"\"", &"k".repeat(256)] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
