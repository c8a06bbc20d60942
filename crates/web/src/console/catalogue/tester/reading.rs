//! A payload, read: what each of its alerts says, and what else comes close.

use std::collections::HashSet;

use alertwire_catalogue::{
    AlertReading, Catalogue, Decode as Decoded, Kind, Limits, Match, nearest,
};
use domain::Timestamp;
use domain::configuration::Configuration;
use domain::projection::{Document, Format, Origin, Unstored, project_alert};

use crate::console::catalogue::{Badge, KindLink, marks, path_with};
use crate::console::event::grouped;
use crate::console::text::{ROW, Shown, WHOLE, visible};

/// Alerts of one payload that are shown, and records of each.
const ALERTS: usize = 10;
const RECORDS: usize = 20;
/// Kinds that are named as near.
const NEAR: usize = 5;
/// Documents that are shown in each format.
const DOCUMENTS: usize = 3;
/// Repairs that are told one by one.
const REPAIRS: usize = 20;

/// A payload, read.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) decode: &'static str,
    pub(super) repairs: Vec<String>,
    pub(super) alerts: Vec<Alert>,
    pub(super) more_alerts: usize,
}

#[derive(Debug)]
pub(super) struct Alert {
    pub(super) subject: Shown,
    pub(super) kind: Option<KindLink>,
    pub(super) suggested: Option<KindLink>,
    pub(super) badge: Badge,
    pub(super) severity: Option<&'static str>,
    pub(super) body: Shown,
    pub(super) is_marked: bool,
    pub(super) records: Vec<Vec<Field>>,
    pub(super) more_records: usize,
    pub(super) remainder: Shown,
    pub(super) ambiguous: Vec<Doubt>,
    pub(super) alternatives: Vec<KindLink>,
    /// Kinds that read the whole body too, under subjects of their own.
    pub(super) others: Vec<KindLink>,
    /// Kinds that read its front, and what they leave.
    pub(super) near: Vec<(KindLink, Shown)>,
    /// A subject of the catalogue that is much like an unknown one.
    pub(super) near_subject: Option<String>,
    pub(super) steps: String,
    pub(super) most_steps: String,
    pub(super) is_exhausted: bool,
    pub(super) projections: Vec<Projection>,
    pub(super) learn: String,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Shown,
    pub(super) is_ambiguous: bool,
}

/// A field that can be read in two ways.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) field: String,
    pub(super) readings: [Shown; 2],
}

#[derive(Debug)]
pub(super) struct Projection {
    pub(super) format: &'static str,
    pub(super) documents: Vec<Shown>,
}

impl Tested {
    pub(super) fn new(payload: &[u8], configuration: &Configuration, now: Timestamp) -> Self {
        let (catalogue, limits) = (configuration.catalogue(), Limits::default());
        let reading = catalogue.read(payload, &limits);
        let unstored = Unstored {
            decode: reading.decode,
            company: None,
            read_at: now,
            version: env!("CARGO_PKG_VERSION"),
            origin: Some(Origin::of_payload(payload, reading.is_array)),
        };
        let repairs = reading.repairs.iter().take(REPAIRS);
        let alerts = reading.alerts.iter().take(ALERTS);
        Self {
            decode: match reading.decode {
                Decoded::Ok => "as it stands",
                Decoded::Repaired => "with repairs",
                Decoded::Failed => "not at all: it would go to quarantine, and be kept",
            },
            repairs: repairs
                .map(|repair| {
                    let rule = repair.rule.as_str().replace('_', " ");
                    format!("{rule} at byte {}", repair.offset)
                })
                .collect(),
            alerts: alerts
                .map(|alert| Alert::new(alert, catalogue, &limits, &unstored))
                .collect(),
            more_alerts: reading.alerts.len().saturating_sub(ALERTS),
        }
    }
}

impl Alert {
    fn new(
        alert: &AlertReading<'_>,
        catalogue: &Catalogue,
        limits: &Limits,
        unstored: &Unstored<'_>,
    ) -> Self {
        let Close { others, near } = Close::to(alert, catalogue, limits);
        let is_known = catalogue.by_subject(&alert.subject).next().is_some();
        let subjects = catalogue.kinds().iter().map(|kind| kind.subject.as_str());
        let near_subject = (!is_known && !alert.subject.is_empty())
            .then(|| nearest(&alert.subject, subjects))
            .flatten();
        let marks = marks(alert);
        Self {
            subject: Shown::line(&alert.subject, ROW),
            kind: alert.kind.map(KindLink::new),
            suggested: alert.suggested.map(KindLink::new),
            badge: Badge::of(alert.matched),
            severity: alert.effective_severity().map(|severity| severity.as_str()),
            is_marked: !marks.is_empty(),
            body: Shown::marked(&alert.body, marks),
            records: records(alert),
            more_records: alert.records.len().saturating_sub(RECORDS),
            remainder: Shown::line(alert.remainder(), WHOLE),
            ambiguous: alert.ambiguous.iter().map(Doubt::new).collect(),
            alternatives: alert
                .alternatives
                .iter()
                .map(|kind| KindLink::new(kind))
                .collect(),
            others,
            near,
            near_subject: near_subject.map(visible),
            steps: grouped(alert.steps),
            most_steps: grouped(limits.steps),
            is_exhausted: alert.exhausted,
            projections: projections(alert, unstored),
            learn: path_with("/catalogue/learn", &[("subject", &alert.subject)]),
        }
    }
}

fn records(alert: &AlertReading<'_>) -> Vec<Vec<Field>> {
    let fields = |(number, record): (usize, &alertwire_catalogue::Record)| {
        let field = |(name, value): (&str, &alertwire_catalogue::Value)| Field {
            is_ambiguous: !alert.is_certain(number, name),
            name: visible(name),
            value: Shown::line(&value.to_string(), WHOLE),
        };
        record.iter().map(field).collect()
    };
    let records = alert.records.iter().enumerate();
    records.take(RECORDS).map(fields).collect()
}

fn projections(alert: &AlertReading<'_>, unstored: &Unstored<'_>) -> Vec<Projection> {
    let text = |document: &Document| match document {
        Document::Object(object) => {
            serde_json::to_string_pretty(object).unwrap_or_else(|_| object.to_string())
        }
        Document::Line(line) => line.clone(),
    };
    let project = |format: Format| {
        let documents = project_alert(format, alert, unstored);
        let documents = documents.iter().take(DOCUMENTS);
        Projection {
            format: match format {
                Format::Ocsf => "OCSF",
                Format::Ecs => "ECS",
                Format::Cef => "CEF",
                Format::Leef => "LEEF",
            },
            documents: documents
                .map(|document| Shown::marked(&text(document), Vec::new()))
                .collect(),
        }
    };
    Format::ALL.into_iter().map(project).collect()
}

/// Kinds that the subject does not name and that the body speaks for, wholly or in its front.
struct Close {
    others: Vec<KindLink>,
    near: Vec<(KindLink, Shown)>,
}

impl Close {
    /// The body under each other subject of the catalogue. All of that together may cost as much as one reading.
    fn to(alert: &AlertReading<'_>, catalogue: &Catalogue, limits: &Limits) -> Self {
        let mut named: HashSet<&str> = catalogue
            .by_subject(&alert.subject)
            .map(|kind| kind.code.as_str())
            .collect();
        let mut close = Self {
            others: Vec::new(),
            near: Vec::new(),
        };
        let mut misses: Vec<(&Kind, String)> = Vec::new();
        let mut left = limits.steps;
        for kind in catalogue.kinds() {
            if left == 0 || !named.insert(&kind.code) {
                continue;
            }
            let bounded = Limits {
                steps: left,
                ..limits.clone()
            };
            let alone = catalogue.read_alert(&kind.subject, &alert.body, &bounded);
            left = left.saturating_sub(alone.steps.max(1));
            // Kinds of one subject are read together; those of them that did not come up need no turn of their own.
            named.extend(
                catalogue
                    .by_subject(&kind.subject)
                    .map(|kind| kind.code.as_str()),
            );
            match (alone.matched, alone.kind) {
                (Match::Full, Some(found)) => close.others.push(KindLink::new(found)),
                (Match::Partial, Some(found)) => {
                    misses.push((found, alone.remainder().to_owned()));
                }
                _ => {}
            }
        }
        misses.sort_by_key(|(_, remainder)| remainder.len());
        let misses = misses.into_iter().take(NEAR);
        close.near = misses
            .map(|(kind, remainder)| (KindLink::new(kind), Shown::line(&remainder, ROW)))
            .collect();
        close
    }
}

impl Doubt {
    fn new(ambiguity: &alertwire_catalogue::Ambiguity) -> Self {
        let [one, two] = &ambiguity.readings;
        let said = |value: &Option<alertwire_catalogue::Value>| {
            let text = value.as_ref().map(ToString::to_string);
            Shown::line(&text.unwrap_or_default(), ROW)
        };
        Self {
            field: visible(&ambiguity.field),
            readings: [said(one), said(two)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_under_a_strange_subject_names_the_kind_that_reads_it() {
        let (catalogue, limits) = (Catalogue::builtin(), Limits::default());
        let body =
            "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com";
        let alert = catalogue.read_alert("Something else", body, &limits);
        let close = Close::to(&alert, &catalogue, &limits);
        let codes: Vec<_> = close.others.iter().map(|kind| kind.code.as_str()).collect();
        assert!(codes.contains(&"system.port_open_probe"), "{codes:?}");
        let alert = catalogue.read_alert("Asset Ports", body, &limits);
        let close = Close::to(&alert, &catalogue, &limits);
        let own = close
            .others
            .iter()
            .any(|kind| kind.code == "system.port_open_probe");
        assert!(!own, "its own kind is no other one");
    }

    #[test]
    fn what_is_near_leaves_the_least_first() {
        let (catalogue, limits) = (Catalogue::builtin(), Limits::default());
        let body = "New asset added with ip 10.0.0.5. and more";
        let alert = catalogue.read_alert("Unknown", body, &limits);
        let close = Close::to(&alert, &catalogue, &limits);
        assert!(!close.near.is_empty() && close.near.len() <= NEAR);
    }
}
