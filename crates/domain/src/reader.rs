//! The guide's *Recommended Parser Flow* on one message: parse the JSON payload, route on the subject, extract the fields.
//! (The fourth step, storing the full body, comes first in importance and last in code: `store.accept`.)
//!
//! Pure and bounded. A panic in here costs the reading, never the message. The intake reads by it, and so does whoever reads
//! a stored message again, so that the same bytes give the same verdict.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use alertwire_catalogue::{self as catalogue, AlertReading, Kind, Value};
use rand::Rng;

use crate::configuration::Configuration;
use crate::event::{
    Ambiguity, Event, Fingerprint, Match, Reading, Reason, Repair, Repeats, Routing,
};
use crate::message::{Decode, Message};
use crate::source::{Source, Spoken};
use crate::{CompanyId, EventId, Severity, Timestamp};

/// What reading needs besides the message.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    pub configuration: &'a Configuration,
    /// The door that it came by; none where that was removed since, and then no company is chosen.
    pub source: Option<&'a Source>,
    pub limits: &'a catalogue::Limits,
    pub via: Vec<String>,
    /// The sender's `alertwire-fields` header.
    pub fields: Option<&'a str>,
}

impl Reader<'_> {
    /// The events of a message, at least one. Sets how its envelope was decoded. A reading that panicked is said in the
    /// event that stands for it.
    pub fn read(&self, message: &mut Message, rng: &mut impl Rng) -> Vec<Event> {
        let raw = std::mem::take(&mut message.raw);
        let read = catch_unwind(AssertUnwindSafe(|| self.read_within(&raw, message, rng)));
        let (decode, events) =
            read.unwrap_or_else(|_| (Decode::Failed, vec![self.unread(&raw, message, rng)]));
        message.raw = raw;
        message.decode = decode;
        events
    }

    /// The server's limits, narrowed by the source's own.
    fn limits(&self) -> catalogue::Limits {
        let mut limits = self.limits.clone();
        if let Some(depth) = self.source.and_then(|source| source.limits.json_depth) {
            let depth = usize::try_from(depth).unwrap_or(usize::MAX);
            limits.json_depth = limits.json_depth.min(depth);
        }
        limits
    }

    fn read_within(
        &self,
        raw: &[u8],
        message: &Message,
        rng: &mut impl Rng,
    ) -> (Decode, Vec<Event>) {
        let reading = self.configuration.catalogue().read(raw, &self.limits());
        let decode = decode_of(reading.decode);
        let repairs: Vec<Repair> = reading
            .repairs
            .iter()
            .map(|repair| Repair {
                offset: repair.offset,
                rule: repair.rule.as_str().to_owned(),
            })
            .collect();
        // The header tells of one alert; of several it could not say which.
        let fields = self.fields.filter(|_| reading.alerts.len() == 1);
        let events = reading
            .alerts
            .iter()
            .map(|alert| {
                let mut owned = owned_reading(alert, decode, repairs.clone());
                if let Some((_, records)) = fields.and_then(|header| {
                    self.configuration.catalogue().believe_header(
                        header,
                        &alert.subject,
                        &alert.body,
                    )
                }) {
                    owned.records = records;
                    owned.ambiguous.clear();
                    owned.matched = Match::Full;
                }
                self.event(alert, owned, message, rng)
            })
            .collect();
        (decode, events)
    }

    fn event(
        &self,
        alert: &AlertReading<'_>,
        reading: Reading,
        message: &Message,
        rng: &mut impl Rng,
    ) -> Event {
        let kind = alert.kind;
        let company = self
            .source
            .and_then(|source| source.company_of(&spoken(&reading), self.configuration));
        let severity = said_severity(&reading)
            .or(kind.map(|kind| kind.severity))
            .unwrap_or(Severity::Info);
        Event {
            id: EventId::new(message.received_at, rng),
            message: message.id,
            source: message.source,
            company,
            kind: kind.map(|kind| kind.code.clone()),
            category: kind.map(|kind| kind.category.clone()),
            subject: alert.subject.to_string(),
            body: alert.body.to_string(),
            severity,
            fingerprint: fingerprint(company, kind, &reading, &alert.subject, &alert.body),
            occurred_at: occurred_at(&reading),
            reading,
            received_at: message.received_at,
            count: 1,
            routing: Routing::Unrouted(Reason::UnassignedCompany),
            silence: None,
            epoch: self.configuration.epoch,
            via: self.via.clone(),
            repeats: Repeats::default(),
        }
    }

    /// The event of a message that could not be read at all.
    fn unread(&self, raw: &[u8], message: &Message, rng: &mut impl Rng) -> Event {
        let body = String::from_utf8_lossy(raw).into_owned();
        let reading = Reading {
            read_failed: true,
            ..Reading::nothing(Decode::Failed)
        };
        let company = self.source.and_then(|source| source.company);
        Event {
            id: EventId::new(message.received_at, rng),
            message: message.id,
            source: message.source,
            company,
            kind: None,
            category: None,
            subject: String::new(),
            severity: Severity::Info,
            fingerprint: fingerprint(company, None, &reading, "", &body),
            body,
            reading,
            occurred_at: None,
            received_at: message.received_at,
            count: 1,
            routing: Routing::Unrouted(Reason::UnassignedCompany),
            silence: None,
            epoch: self.configuration.epoch,
            via: self.via.clone(),
            repeats: Repeats::default(),
        }
    }
}

fn decode_of(decode: catalogue::Decode) -> Decode {
    match decode {
        catalogue::Decode::Ok => Decode::Ok,
        catalogue::Decode::Repaired => Decode::Repaired,
        catalogue::Decode::Failed => Decode::Failed,
    }
}

fn owned_reading(alert: &AlertReading<'_>, decode: Decode, repairs: Vec<Repair>) -> Reading {
    Reading {
        decode,
        repairs,
        matched: match alert.matched {
            catalogue::Match::Full => Match::Full,
            catalogue::Match::Partial => Match::Partial,
            catalogue::Match::None => Match::None,
        },
        read_failed: alert.exhausted,
        records: alert.records.clone(),
        alternatives: alert
            .alternatives
            .iter()
            .map(|kind| kind.code.clone())
            .collect(),
        suggested: alert.suggested.map(|kind| kind.code.clone()),
        ambiguous: alert
            .ambiguous
            .iter()
            .map(|doubt| Ambiguity {
                record: doubt.record,
                field: doubt.field.to_string(),
                readings: doubt.readings.clone(),
            })
            .collect(),
        remainder: alert.remainder().to_owned(),
    }
}

/// The text of a field that every record agrees on and no reading doubts.
fn agreed<'a>(reading: &'a Reading, field: &str) -> Option<&'a str> {
    let mut said = (0..reading.records.len()).map(|record| match reading.certain(record, field) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    let first = said.next()??;
    said.all(|other| other == Some(first)).then_some(first)
}

fn spoken(reading: &Reading) -> Spoken<'_> {
    Spoken {
        company: agreed(reading, "company"),
        hostname: agreed(reading, "hostname"),
        address: agreed(reading, "ip").and_then(|ip| ip.parse::<IpAddr>().ok()),
    }
}

/// The worst severity that the text says for certain.
fn said_severity(reading: &Reading) -> Option<Severity> {
    reading
        .certain_values("severity")
        .filter_map(|value| value.to_string().parse().ok())
        .max()
}

/// When it happened, where every record says the same for certain.
#[must_use]
pub fn occurred_at(reading: &Reading) -> Option<Timestamp> {
    agreed(reading, "timestamp")?.parse().ok()
}

/// As [`Fingerprint::of_records`] has it; keys of doubtful or unfinished readings are not used: such an event is the same
/// only as one with the same words.
#[must_use]
pub fn fingerprint(
    company: Option<CompanyId>,
    kind: Option<&Kind>,
    reading: &Reading,
    subject: &str,
    body: &str,
) -> Fingerprint {
    let is_certain = reading.matched == Match::Full && reading.ambiguous.is_empty();
    Fingerprint::of_records(company, kind, &reading.records, is_certain, subject, body)
}
