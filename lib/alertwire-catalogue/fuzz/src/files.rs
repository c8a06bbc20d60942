//! The targets of the template language and of catalogue files.

use std::collections::BTreeSet;

use alertwire_catalogue::{Catalogue, Diagnostic, Limits, answer, check};

/// Templates of one input: compiling them together costs little more than compiling one.
pub const TEMPLATES: usize = 64;

const FILE: &str = "fuzz.toml";
/// Lines of each event in the file of templates; one line stands before the first.
const EVENT_LINES: usize = 4;

/// What stands in place of a field when a text is made of a template.
const VALUES: [(&str, &str); 13] = [
    ("ip", "192.168.1.100"),
    ("port", "443/tcp"),
    ("mac", "00:1B:44:11:3A:B7"),
    ("cve", "CVE-2021-44228"),
    ("advisory", "CVE-2021-44228"),
    ("host", "server-01.example.com"),
    ("severity", "Critical"),
    ("timestamp", "2024-01-15 10:30:00 UTC"),
    ("date", "2024-01-15"),
    ("int", "12"),
    ("decimal", "0.5"),
    ("word", "word"),
    ("ws", "\n"),
];

/// Templates, one behind another with a zero byte between: each compiles or is refused with its place, and those that
/// compile read texts made from themselves within the bounds.
pub fn template(data: &[u8]) -> usize {
    let texts = data.split(|byte| *byte == 0).take(TEMPLATES);
    let mut texts: Vec<&str> = texts
        .filter_map(|text| std::str::from_utf8(text).ok())
        .collect();
    let file = file_of(&texts);
    if let Err(found) = Catalogue::with_files(&[(FILE, &file)]) {
        look_at(&found, &file);
        let refused: BTreeSet<usize> = found
            .iter()
            .map(|found| found.line.saturating_sub(2) / EVENT_LINES)
            .collect();
        let mut index = 0..;
        texts.retain(|_| !index.next().is_some_and(|index| refused.contains(&index)));
    }
    let file = file_of(&texts);
    let catalogue = Catalogue::with_files(&[(FILE, &file)])
        .unwrap_or_else(|found| panic!("refused only at the second sight: {found:?}\n{file}"));
    for (index, text) in texts.iter().enumerate() {
        let subject = format!("Fuzz {index}");
        for body in [filled(text), (*text).to_owned()] {
            read(&catalogue, &subject, &format!("fuzz.n{index}"), &body);
        }
    }
    texts.len()
}

/// Reads a body by a template that no check has seen.
fn read(catalogue: &Catalogue, subject: &str, code: &str, body: &str) {
    let limits = Limits::default();
    let alert = catalogue.read_alert(subject, body, &limits);
    assert!(
        alert.exhausted || alert.steps <= limits.steps,
        "the steps have an end"
    );
    for span in &alert.spans {
        assert!(
            body.get(span.start..span.end).is_some(),
            "a span lies in the body"
        );
    }
    for record in &alert.records {
        let names: BTreeSet<&str> = record.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), record.len(), "a record has each field once");
    }
    // What an unchecked template reads it may not be able to render; that is an error, and no panic.
    if let Ok(rendered) = catalogue.render(code, &alert.records) {
        let payload = serde_json::json!({"subject": subject, "body": rendered.body}).to_string();
        let reading = catalogue.read(payload.as_bytes(), &limits);
        answer(catalogue, &reading, true);
    }
}

/// A catalogue file of any text: it is refused with places that lie in it, or it makes a catalogue that reads.
pub fn file(data: &[u8]) -> usize {
    let Ok(file) = std::str::from_utf8(data) else {
        return 0;
    };
    match Catalogue::with_files(&[(FILE, file)]) {
        Ok(catalogue) => {
            look_at(&check(&[(FILE, file)]), file);
            for kind in catalogue.kinds().iter().rev().take(4) {
                read(&catalogue, &kind.subject, &kind.code, &filled(&kind.body));
            }
            1
        }
        Err(found) => {
            assert!(!found.is_empty(), "a refusal says why");
            look_at(&found, file);
            0
        }
    }
}

/// Each finding can be shown, and stands in its file.
fn look_at(found: &[Diagnostic], file: &str) {
    for found in found {
        assert!(found.line >= 1 && found.column >= 1, "places begin at 1");
        assert!(!found.to_string().is_empty(), "a finding says something");
        if found.file == FILE {
            assert!(found.span.end <= file.len(), "a place lies in the file");
            assert!(found.render_caret(file).contains('^'), "a place is shown");
        }
    }
}

/// A catalogue file with an event for each template. But for one control character, a JSON string is a TOML string.
fn file_of(templates: &[&str]) -> String {
    let mut file = String::from("category = \"Fuzz\"\n");
    for (index, template) in templates.iter().enumerate() {
        let body = serde_json::Value::from(template.replace('\u{7f}', ""));
        file.push_str(&format!(
            "[[event]]\ncode = \"fuzz.n{index}\"\nsubject = \"Fuzz {index}\"\nbody = {body}\n"
        ));
    }
    file
}

/// A text that the template may read: its fields filled, its marks left out.
fn filled(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let (field, after) = behind.split_once('}').unwrap_or((behind, ""));
        let named = field.rsplit(':').next().unwrap_or(field);
        let named = named.split([',', '(']).next().unwrap_or(named);
        let value = VALUES.iter().find(|(name, _)| *name == named);
        text.push_str(value.map_or("some words", |(_, value)| value));
        rest = after;
    }
    text.push_str(rest);
    text.replace(['[', ']', '(', ')', '+'], "")
}
