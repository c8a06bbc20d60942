//! What inputs are made of: the catalogue's own texts, before they are damaged.

use alertwire_catalogue::{Kind, Record};

/// Payloads of all examples. Their texts stand in the JSON as they are: some are broken from the start.
pub fn payloads(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for kind in kinds {
        for example in &kind.examples {
            let (subject, body) = (&kind.subject, &example.body);
            payloads
                .push(format!("{{\"subject\": \"{subject}\", \"body\": \"{body}\"}}").into_bytes());
        }
    }
    payloads
}

/// A byte for the subject, and the body.
pub fn bodies(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let subject = u8::try_from(index).unwrap_or(0);
        for example in &kind.examples {
            bodies.push([&[subject], example.body.as_bytes()].concat());
        }
    }
    bodies
}

/// The bodies alone.
pub fn texts(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let examples = kinds.iter().flat_map(|kind| &kind.examples);
    examples
        .map(|example| example.body.clone().into_bytes())
        .collect()
}

/// The templates as they are written.
pub fn templates(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let wordings = |kind: &'_ Kind| {
        std::iter::once(&kind.body)
            .chain(&kind.variants)
            .map(|text| text.clone().into_bytes())
            .collect::<Vec<_>>()
    };
    kinds.iter().flat_map(wordings).collect()
}

/// A file for each kind, with the keys that such a file may have, and one that extends it.
pub fn files(kinds: &[Kind]) -> Vec<Vec<u8>> {
    kinds
        .iter()
        .flat_map(|kind| [event_file(kind), extension(kind)])
        .map(String::into_bytes)
        .collect()
}

fn event_file(kind: &Kind) -> String {
    let code = kind.code.replace('.', "_");
    let mut file = format!(
        "category = {:?}\n\n[[event]]\ncode = \"my.{code}\"\nname = {:?}\nsubject = \"My {}\"\naliases = {:?}\n\
         severity = {:?}\nwording = {:?}\nclass = {:?}\nkey = {:?}\nidentity = {:?}\nproduct = {:?}\n",
        kind.category,
        kind.name,
        kind.subject,
        [&kind.name],
        kind.severity.as_str(),
        kind.wording.as_str(),
        kind.class,
        kind.key,
        kind.identity,
        kind.product,
    );
    file.push_str(&format!("body = '''{}'''\n", kind.body));
    file.push_str(&format!("variants = {:?}\n", kind.variants));
    for example in kind.examples.iter().take(1) {
        let records: Vec<String> = example.records.iter().map(record).collect();
        file.push_str(&format!(
            "\n[[event.example]]\nbody = '''{}'''\nfields = [{}]\n",
            example.body,
            records.join(", ")
        ));
    }
    file
}

fn extension(kind: &Kind) -> String {
    format!(
        "[[extend]]\ncode = {:?}\naliases = [\"My {}\"]\nvariants = ['''My {}''']\n",
        kind.code, kind.subject, kind.body
    )
}

fn record(record: &Record) -> String {
    let fields: Vec<String> = record
        .iter()
        .map(|(name, value)| format!("{name} = {:?}", value.to_text()))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}
