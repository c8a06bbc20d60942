//! What holds of every document, whatever the event says.

use alertwire_domain::catalogue::{Catalogue, Kind, Record, Value};
use alertwire_domain::event::Reading;
use alertwire_domain::projection::{Document, Format, Names, project};
use alertwire_domain::{Severity, Timestamp};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{read_back, schema};
use crate::house::House;

/// The documents of an event of this kind that was raised with these records.
fn documents(kind: &Kind, records: &[Record], body: &str, format: Format) -> Vec<Document> {
    let mut house = House::new();
    let company = house.company("Initech");
    let mut event = house.event(Some(company), Some(&kind.code), &[]);
    event.subject.clone_from(&kind.subject);
    body.clone_into(&mut event.body);
    event.severity = kind.severity;
    event.reading = Reading::of_records(records.to_vec());
    let configuration = house.configuration();
    let names = Names {
        configuration: &configuration,
        version: "1.2.3",
        origin: None,
    };
    project(format, &event, &names)
}

/// All texts and numbers of a document but for the body.
fn told(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    match document {
        Document::Object(object) => {
            let mut object = object.clone();
            object["message"].take();
            object["raw_data"].take();
            if let Some(original) = object.pointer_mut("/event/original") {
                original.take();
            }
            gather(&object, &mut found);
        }
        Document::Line(line) => {
            let (header, pairs) = read_back::line(line);
            found.extend(header);
            for (_, value) in pairs.into_iter().filter(|(key, _)| key != "msg") {
                // What did not fit into the slots of CEF is one JSON object.
                if let Ok(more @ Json::Object(_)) = serde_json::from_str(&value) {
                    gather(&more, &mut found);
                }
                found.push(value);
            }
        }
    }
    found
}

fn gather(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => members.values().for_each(|value| gather(value, found)),
        Json::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Json::String(text) => found.push(text.clone()),
        other => found.push(other.to_string()),
    }
}

/// How the formats may write a value: each has its own way with times, hardware addresses and severities.
fn writings(value: &Value) -> Vec<String> {
    let text = value.to_string();
    let mut writings = vec![
        text.clone(),
        text.replace(':', "-"),
        text.replace('\n', " "),
    ];
    if let Ok(time) = text.parse::<Timestamp>() {
        writings.push(time.unix_millis().to_string());
        writings.push(format!("Jan 15 2024 {}.000 UTC", &text[11..19]));
    }
    if let Ok(severity) = text.parse::<Severity>() {
        let (number, caption) = match severity {
            Severity::Info => (1, "Informational"),
            Severity::Low => (3, "Low"),
            Severity::Medium => (5, "Medium"),
            Severity::High => (8, "High"),
            Severity::Critical => (10, "Critical"),
        };
        writings.extend([number.to_string(), caption.to_owned()]);
    }
    writings
}

#[test]
fn every_built_in_kind_is_told_without_loss() {
    let mut told_of = 0;
    for kind in Catalogue::builtin().kinds() {
        for example in &kind.examples {
            for format in Format::ALL {
                let documents = documents(kind, &example.records, &example.body, format);
                assert_eq!(documents.len(), example.records.len());
                for (document, record) in documents.iter().zip(&example.records) {
                    schema::check(document);
                    let told = told(document);
                    for (name, value) in record.iter() {
                        let found = writings(value).iter().any(|text| told.contains(text));
                        assert!(found, "{} {name}={value} in {document}", kind.code);
                    }
                }
                told_of += 1;
            }
        }
    }
    assert!(told_of > 400, "only {told_of}");
}

/// Any text, the marks of all formats and what steers a terminal among it.
fn hostile() -> impl Strategy<Value = String> {
    const MARKS: [char; 16] = [
        '\\', '|', '=', '\n', '\r', '\t', ' ', '"', '\u{1b}', '\0', '\u{7f}', '\u{85}', 'n', 'r',
        'a', '1',
    ];
    let letter = prop_oneof![any::<char>(), prop::sample::select(MARKS.to_vec())];
    prop_oneof![
        4 => prop::collection::vec(letter, 0..24).prop_map(String::from_iter),
        1 => Just(" src=1.2.3.4 cs1=x".to_owned()),
        1 => Just("\\".to_owned()),
    ]
}

/// A kind by its place, and for some records a text for each of its fields.
fn hostile_records() -> impl Strategy<Value = (usize, Vec<Vec<String>>)> {
    let kinds = Catalogue::builtin().kinds().len();
    (0..kinds).prop_flat_map(|kind| {
        let fields = Catalogue::builtin().kinds()[kind].fields().len();
        let record = prop::collection::vec(hostile(), fields);
        (Just(kind), prop::collection::vec(record, 0..3))
    })
}

fn is_ascii_control(letter: char) -> bool {
    matches!(letter, '\0'..='\u{1f}')
}

/// What CEF can carry: all but the control characters of ASCII that are no line break.
fn as_cef_carries(text: &str) -> String {
    let fits = |letter: &char| !is_ascii_control(*letter) || matches!(letter, '\n' | '\r');
    text.chars().filter(fits).collect()
}

fn as_leef_carries(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
        .replace(is_ascii_control, "")
}

/// The line of a failed job that says the same text everywhere.
fn line_of_a_job(text: &str, format: Format) -> read_back::Read {
    let catalogue = Catalogue::builtin();
    let kind = catalogue.kind("job.failed").unwrap();
    let record: Record = [("type", text), ("description", text)]
        .into_iter()
        .collect();
    read_back::line(&documents(kind, &[record], text, format)[0].to_string())
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    let found = pairs.iter().find(|(key, _)| key == name);
    // An empty body is left out.
    if name == "msg" && found.is_none() {
        return "";
    }
    found
        .unwrap_or_else(|| panic!("no {name} in {pairs:?}"))
        .1
        .as_str()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn hostile_values_break_no_document((kind, values) in hostile_records(), body in hostile()) {
        let catalogue = Catalogue::builtin();
        let kind = &catalogue.kinds()[kind];
        let record = |values: &Vec<String>| -> Record {
            let names = kind.fields().into_iter().map(|field| field.name);
            names.zip(values.iter().map(String::as_str)).collect()
        };
        let records: Vec<Record> = values.iter().map(record).collect();
        for format in Format::ALL {
            let documents = documents(kind, &records, &body, format);
            prop_assert_eq!(documents.len(), records.len().max(1));
            for document in &documents {
                schema::check(document);
                prop_assert!(!document.to_string().contains(['\n', '\r']));
            }
        }
    }

    #[test]
    fn what_cef_escapes_reads_back(text in hostile()) {
        let (header, pairs) = line_of_a_job(&text, Format::Cef);
        prop_assert_eq!(&header[4], "job.failed");
        let expected = as_cef_carries(&text);
        for name in ["reason", "msg", "cs1"] {
            // A reader cannot tell blanks at the end of a value from the one in front of the next key.
            prop_assert_eq!(value(&pairs, name).trim_end_matches(' '), expected.trim_end_matches(' '));
        }
    }

    #[test]
    fn no_value_of_leef_holds_its_delimiter(text in hostile()) {
        let (_, pairs) = line_of_a_job(&text, Format::Leef);
        for name in ["description", "msg", "type"] {
            prop_assert_eq!(value(&pairs, name), &as_leef_carries(&text));
        }
    }
}
