//! What the formats are told: an event, or an alert that was only read, as one view.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::fields::Fields;
use super::part::Part;
use super::{Names, Origin, Unstored};
use crate::catalogue::{AlertReading, Kind, Limits, Record, Span, Value};
use crate::company::name_key;
use crate::event::{Event, Fingerprint};
use crate::{CompanyId, EventId, Severity, Timestamp};

/// How many bytes of text the documents of one event repeat at most. With more, its first document has the text alone: ten
/// thousand ports of one alert must not be ten thousand times its body.
const REPEATED_BYTES: usize = 4 * 1024 * 1024;

/// The whole of an event.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) id: Option<EventId>,
    pub(super) company_id: Option<CompanyId>,
    company: Option<&'a str>,
    /// An unknown company is the one that the body names.
    believes_body: bool,
    pub(super) source: Option<&'a str>,
    pub(super) kind: Option<&'a Kind>,
    /// It outlives its kind.
    pub(super) code: Option<&'a str>,
    pub(super) category: Option<&'a str>,
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    severity: Severity,
    /// The text says nothing of how grave it is.
    pub(super) is_severity_unsaid: bool,
    records: &'a [Record],
    doubts: Vec<Doubt<'a>>,
    /// By record.
    times: HashMap<usize, WrittenTime<'a>>,
    fingerprint: Fingerprint,
    occurred_at: Option<Timestamp>,
    pub(super) received_at: Timestamp,
    pub(super) count: u32,
    /// It had passed other instances before it came here.
    pub(super) relayed: bool,
    pub(super) origin: Option<Origin<'a>>,
    /// What is to be said of how it was read, when that is not all well.
    marks: Vec<(&'static str, Json)>,
    remainder: &'a str,
    pub(super) version: &'a str,
}

/// A field that two readings disagree on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt<'a> {
    record: usize,
    pub(super) field: &'a str,
    pub(super) readings: &'a [Option<Value>; 2],
}

/// How a record's time stands in the body.
#[derive(Debug, Clone, Copy)]
struct WrittenTime<'a> {
    text: &'a str,
    assumed_utc: bool,
}

impl<'a> Told<'a> {
    pub(super) fn of_event(event: &'a Event, names: &Names<'a>) -> Self {
        let reading = &event.reading;
        let mut marks = Marks::of(reading.decode.as_str(), reading.matched.as_str());
        marks.read_failed(reading.read_failed);
        marks.suggested(reading.suggested.as_deref());
        marks.alternatives(reading.alternatives.iter().map(String::as_str));
        let company = |id| {
            names
                .configuration
                .company(id)
                .map(|company| &*company.name)
        };
        let source = |id| names.configuration.source(id).map(|source| &*source.name);
        Self {
            id: Some(event.id),
            company_id: event.company,
            company: event.company.and_then(company),
            believes_body: false,
            source: event.source.and_then(source),
            kind: event
                .kind
                .as_deref()
                .and_then(|code| names.configuration.catalogue().kind(code)),
            code: event.kind.as_deref(),
            category: event.category.as_deref(),
            subject: &event.subject,
            body: &event.body,
            severity: event.severity,
            is_severity_unsaid: reading.certain_values("severity").next().is_none(),
            records: &reading.records,
            doubts: reading
                .ambiguous
                .iter()
                .map(|doubt| Doubt {
                    record: doubt.record,
                    field: &doubt.field,
                    readings: &doubt.readings,
                })
                .collect(),
            times: times_of_event(event, names),
            fingerprint: event.fingerprint,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            count: event.count,
            relayed: !event.via.is_empty(),
            origin: names.origin,
            marks: marks.0,
            remainder: &reading.remainder,
            version: names.version,
        }
    }

    pub(super) fn of_alert(alert: &'a AlertReading<'_>, unstored: &Unstored<'a>) -> Self {
        let mut marks = Marks::of(unstored.decode.as_str(), alert.matched.as_str());
        marks.read_failed(alert.exhausted);
        marks.suggested(alert.suggested.map(|kind| &*kind.code));
        marks.alternatives(alert.alternatives.iter().map(|kind| &*kind.code));
        let certain = alert.ambiguous.is_empty();
        Self {
            id: None,
            company_id: None,
            company: unstored.company,
            believes_body: true,
            source: None,
            kind: alert.kind,
            code: alert.kind.map(|kind| &*kind.code),
            category: alert.kind.map(|kind| &*kind.category),
            subject: &alert.subject,
            body: &alert.body,
            severity: alert.effective_severity().unwrap_or(Severity::Info),
            is_severity_unsaid: alert.severity.is_none(),
            records: &alert.records,
            doubts: alert
                .ambiguous
                .iter()
                .map(|doubt| Doubt {
                    record: doubt.record,
                    field: &doubt.field,
                    readings: &doubt.readings,
                })
                .collect(),
            times: times(&alert.spans, &alert.body),
            fingerprint: Fingerprint::of_records(
                None,
                alert.kind,
                &alert.records,
                certain,
                &alert.subject,
                &alert.body,
            ),
            occurred_at: None,
            received_at: unstored.read_at,
            count: 1,
            relayed: false,
            origin: unstored.origin,
            marks: marks.0,
            remainder: alert.remainder(),
            version: unstored.version,
        }
    }

    /// One for each record; one without fields when there is no record.
    pub(super) fn parts(&'a self) -> impl Iterator<Item = Part<'a>> {
        (0..self.records.len().max(1)).map(|index| self.part(index))
    }

    fn part(&'a self, index: usize) -> Part<'a> {
        let last = self.records.len().saturating_sub(1);
        // A record that only the other reading has is told of with the last one.
        let doubts: Vec<Doubt<'a>> = self
            .doubts
            .iter()
            .filter(|doubt| doubt.record.min(last) == index)
            .copied()
            .collect();
        let doubted = |name: &str| {
            let mut of_record = doubts.iter().filter(|doubt| doubt.record == index);
            of_record.any(|doubt| doubt.field == name)
        };
        let record = self.records.get(index);
        let certain = record.into_iter().flat_map(Record::iter);
        let mut fields = Fields::new(certain.filter(|(name, _)| !doubted(name)));
        let written = self.times.get(&index);
        let occurred = self.occurred(&mut fields);
        let original_time = written
            .map(|time| time.text)
            .filter(|_| !doubted("timestamp"));
        let tells_text =
            index == 0 || self.records.len().saturating_mul(self.body.len()) <= REPEATED_BYTES;
        let severity = self.part_severity(&fields);
        let said_severity = said_severity(&fields);
        if said_severity == Some(severity) {
            fields.take("severity");
        }
        let said_company = fields.get("company").and_then(Value::as_str);
        let company = self.company.or(said_company.filter(|_| self.believes_body));
        if let (Some(said), Some(company)) = (said_company, company)
            && name_key(said) == name_key(company)
        {
            fields.take("company");
        }
        Part {
            told: self,
            number: (self.records.len() > 1).then_some(index + 1),
            fingerprint: self.part_fingerprint(index),
            severity,
            said_severity,
            company,
            said_company,
            occurred,
            original_time,
            fields,
            doubts,
            marks: self.part_marks(index == last, occurred.is_some(), tells_text, written),
            tells_text,
        }
    }

    fn part_marks(
        &self,
        is_last: bool,
        has_time: bool,
        tells_text: bool,
        written: Option<&WrittenTime<'_>>,
    ) -> Vec<(&'static str, Json)> {
        let mut marks = self.marks.clone();
        if is_last && !self.remainder.is_empty() {
            marks.push(("remainder", json!(self.remainder)));
        }
        if !tells_text {
            marks.push(("text", json!("in the first document")));
        }
        if !has_time {
            marks.push(("time_source", json!("received")));
        } else if written.is_some_and(|time| time.assumed_utc) {
            marks.push(("time_zone", json!("assumed UTC")));
        }
        marks
    }

    /// When it happened; takes the record's own time when that is what it says.
    fn occurred(&self, fields: &mut Fields<'_>) -> Option<Timestamp> {
        let said: Option<Timestamp> = fields
            .get("timestamp")
            .and_then(|value| value.as_str()?.parse().ok());
        let occurred = self.occurred_at.or(said);
        if said.is_some() && said == occurred {
            fields.take("timestamp");
        }
        occurred
    }

    /// The event's, which is the highest of its records; of several records each has its own.
    fn part_severity(&self, fields: &Fields<'_>) -> Severity {
        said_severity(fields)
            .filter(|_| self.records.len() > 1)
            .unwrap_or(self.severity)
    }

    /// Of one record of several: what its event would have if it spoke of this one alone, so that a finding stays the same
    /// whatever it is reported together with.
    fn part_fingerprint(&self, index: usize) -> String {
        let key = |record| self.kind?.record_key(record);
        match self.records {
            [] | [_] => self.fingerprint.to_string(),
            records => match key(&records[index]).filter(|_| self.doubts.is_empty()) {
                Some(_) => Fingerprint::of_records(
                    self.company_id,
                    self.kind,
                    &records[index..=index],
                    true,
                    self.subject,
                    self.body,
                )
                .to_string(),
                None => format!("{}.{}", self.fingerprint, index + 1),
            },
        }
    }
}

/// What a document says of the reading; nothing when it was full and sure.
struct Marks(Vec<(&'static str, Json)>);

impl Marks {
    fn of(decode: &str, matched: &str) -> Self {
        let mut marks = Vec::new();
        if decode != "ok" {
            marks.push(("decode", json!(decode)));
        }
        if matched != "full" {
            marks.push(("match", json!(matched)));
        }
        Self(marks)
    }

    fn read_failed(&mut self, failed: bool) {
        if failed {
            self.0.push(("read_failed", json!(true)));
        }
    }

    fn suggested(&mut self, code: Option<&str>) {
        self.0
            .extend(code.map(|code| ("suggested_event", json!(code))));
    }

    fn alternatives<'c>(&mut self, codes: impl Iterator<Item = &'c str>) {
        let codes: Vec<&str> = codes.collect();
        if !codes.is_empty() {
            self.0.push(("alternatives", json!(codes)));
        }
    }
}

fn said_severity(fields: &Fields<'_>) -> Option<Severity> {
    fields.get("severity")?.as_str()?.parse().ok()
}

/// The times as the body writes them. Spans are not stored: the body says them again, when the catalogue still reads it so.
fn times_of_event<'a>(event: &'a Event, names: &Names<'_>) -> HashMap<usize, WrittenTime<'a>> {
    let mut records = event.reading.records.iter();
    if !records.any(|record| record.contains("timestamp")) {
        return HashMap::new();
    }
    let limits = Limits::default();
    let alert = names
        .configuration
        .catalogue()
        .read_alert(&event.subject, &event.body, &limits);
    if alert.records == event.reading.records {
        times(&alert.spans, &event.body)
    } else {
        HashMap::new()
    }
}

fn times<'a>(spans: &[Span], body: &'a str) -> HashMap<usize, WrittenTime<'a>> {
    let of_time = spans.iter().filter(|span| span.field == "timestamp");
    of_time
        .filter_map(|span| {
            let text = body.get(span.start..span.end)?;
            let assumed_utc = span.assumed_utc;
            Some((span.record, WrittenTime { text, assumed_utc }))
        })
        .collect()
}
