//! Payloads in, documents of others out: `tests/cases/projection/NAME.toml` beside `NAME.ocsf.json`, `.ecs.json`, `.cef` and
//! `.leef`. `UPDATE_EXPECT=1` rewrites the documents.

mod laws;
mod read_back;
mod schema;

use std::path::Path;

use alertwire_domain::catalogue::{self, AlertReading, Catalogue, Limits};
use alertwire_domain::event::{Ambiguity, Event, Fingerprint, Match, Reading};
use alertwire_domain::message::Decode;
use alertwire_domain::projection::{
    Document, Format, Names, Origin, Unstored, project, project_alert,
};
use alertwire_domain::{Severity, Timestamp};
use serde::Deserialize;

use crate::house::House;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    payload: String,
    company: Option<String>,
    /// A catalogue file.
    kinds: Option<String>,
    /// By way of an event, as it would be stored.
    #[serde(default)]
    stored: bool,
    webhook_id: Option<String>,
    count: Option<u32>,
    #[serde(default)]
    via: Vec<String>,
}

fn read_at() -> Timestamp {
    "2024-01-15T10:31:00.250Z".parse().unwrap()
}

#[test]
fn each_payload_has_the_documents_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/projection");
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    for path in cases {
        let case: Case = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for format in Format::ALL {
            let documents = case.documents(format);
            documents.iter().for_each(schema::check);
            let (ending, text) = match format {
                Format::Ocsf | Format::Ecs => {
                    (format!("{}.json", format.as_str()), pretty(&documents))
                }
                Format::Cef | Format::Leef => (format.as_str().to_owned(), lines(&documents)),
            };
            expect_test::expect_file![path.with_extension(ending)].assert_eq(&text);
        }
    }
}

fn pretty(documents: &[Document]) -> String {
    documents
        .iter()
        .fold(String::new(), |text, document| match document {
            Document::Object(object) => text + &format!("{object:#}\n"),
            Document::Line(line) => panic!("{line}"),
        })
}

fn lines(documents: &[Document]) -> String {
    documents.iter().fold(String::new(), |text, document| {
        text + &format!("{document}\n")
    })
}

impl Case {
    fn documents(&self, format: Format) -> Vec<Document> {
        let file = self.kinds.as_deref().map(|kinds| ("kinds.toml", kinds));
        let catalogue = Catalogue::with_files(file.as_slice()).unwrap();
        let reading = catalogue.read(self.payload.as_bytes(), &Limits::default());
        let raw = Some(self.payload.as_bytes()).filter(|_| !reading.is_array);
        let origin = Some(Origin {
            sha256: [0xab; 32],
            webhook_id: self.webhook_id.as_deref(),
            raw: raw.filter(|_| !self.stored),
        });
        let unstored = Unstored {
            decode: reading.decode,
            company: self.company.as_deref(),
            read_at: read_at(),
            version: "1.2.3",
            origin,
        };
        let alerts = reading.alerts.iter();
        if !self.stored {
            return alerts
                .flat_map(|alert| project_alert(format, alert, &unstored))
                .collect();
        }
        let mut house = House::new();
        let company = self.company.as_deref().map(|name| house.company(name));
        let configuration = house.configuration();
        let names = Names {
            configuration: &configuration,
            version: "1.2.3",
            origin,
        };
        alerts
            .flat_map(|alert| {
                let mut event = house.event(company, None, &[]);
                take_reading(&mut event, alert, reading.decode);
                event.count = self.count.unwrap_or(1);
                event.via.clone_from(&self.via);
                project(format, &event, &names)
            })
            .collect()
    }
}

/// The event as receiving it would have made it.
fn take_reading(event: &mut Event, alert: &AlertReading<'_>, decode: catalogue::Decode) {
    event.kind = alert.kind.map(|kind| kind.code.clone());
    event.category = alert.kind.map(|kind| kind.category.clone());
    event.subject = alert.subject.to_string();
    event.body = alert.body.to_string();
    event.severity = alert.effective_severity().unwrap_or(Severity::Info);
    event.received_at = read_at();
    event.reading = Reading {
        matched: match alert.matched {
            catalogue::Match::Full => Match::Full,
            catalogue::Match::Partial => Match::Partial,
            catalogue::Match::None => Match::None,
        },
        records: alert.records.clone(),
        ambiguous: alert
            .ambiguous
            .iter()
            .map(|doubt| Ambiguity {
                record: doubt.record,
                field: doubt.field.clone(),
                readings: doubt.readings.clone(),
            })
            .collect(),
        remainder: alert.remainder().to_owned(),
        ..Reading::nothing(match decode {
            catalogue::Decode::Ok => Decode::Ok,
            catalogue::Decode::Repaired => Decode::Repaired,
            catalogue::Decode::Failed => Decode::Failed,
        })
    };
    event.fingerprint = Fingerprint::of_records(
        event.company,
        alert.kind,
        &alert.records,
        alert.ambiguous.is_empty(),
        &event.subject,
        &event.body,
    );
}

#[test]
fn a_finding_has_one_uid_alone_and_among_others() {
    let body = |ids: &str| {
        format!(
            "Critical vulnerabilities detected for asset with IP 10.0.0.1\nProduct: Nginx. VUL ID: {ids}. Severity: Critical"
        )
    };
    let uids = |ids: &str| {
        let payload = serde_json::json!({"subject": "Critical Problems Found", "body": body(ids)});
        let case = Case {
            payload: payload.to_string(),
            company: None,
            kinds: None,
            stored: false,
            webhook_id: None,
            count: None,
            via: Vec::new(),
        };
        let uid = |document: &Document| match document {
            Document::Object(object) => object["finding_info"]["uid"].to_string(),
            Document::Line(line) => panic!("{line}"),
        };
        case.documents(Format::Ocsf)
            .iter()
            .map(uid)
            .collect::<Vec<_>>()
    };
    let together = uids("CVE-2021-44228, CVE-2021-45046");
    assert_eq!(together[0], uids("CVE-2021-44228")[0]);
    assert_eq!(together[1], uids("CVE-2021-45046")[0]);
    assert_ne!(together[0], together[1]);
}

#[test]
fn a_kind_that_is_no_longer_there_is_told_generically() {
    let mut house = House::new();
    let event = house.event(
        None,
        Some("gone.kind"),
        &[&[("ip", "10.0.0.1"), ("note", "x")]],
    );
    let configuration = house.configuration();
    let names = Names {
        configuration: &configuration,
        version: "1.2.3",
        origin: None,
    };
    let [Document::Object(object)] = &project(Format::Ocsf, &event, &names)[..] else {
        panic!("one object");
    };
    assert_eq!(
        (&object["class_uid"], &object["activity_id"]),
        (&0.into(), &0.into())
    );
    assert_eq!(object["unmapped"]["alertwire"]["kind"], "gone.kind");
    assert_eq!(object["unmapped"]["note"], "x");
    assert_eq!(object["observables"][0]["value"], "10.0.0.1");
}

#[test]
fn ten_thousand_records_do_not_repeat_their_body() {
    let mut house = House::new();
    let fields: &[(&str, &str)] = &[("ip", "10.0.0.1")];
    let mut event = house.event(None, Some("system.asset_added"), &vec![fields; 9_999]);
    event.body = "x".repeat(500_000);
    let configuration = house.configuration();
    let names = Names {
        configuration: &configuration,
        version: "1.2.3",
        origin: None,
    };
    for format in Format::ALL {
        let documents = project(format, &event, &names);
        assert_eq!(documents.len(), 9_999);
        let long = |document: &&Document| document.to_string().len() > 100_000;
        assert_eq!(documents.iter().filter(long).count(), 1);
        let second = documents[1].to_string();
        assert!(second.contains("in the first document"), "{second}");
    }
}

#[test]
fn a_format_is_known_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert!("xml".parse::<Format>().is_err());
}
