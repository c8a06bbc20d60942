//! What the Python and the npm package have in common: the catalogue with JSON text at its border.
//!
//! Each language has its own fast reader of JSON, so text is the cheapest thing to hand over, and both packages say the
//! same by construction. It never keeps anything between two calls, and never decides what the catalogue decides.

use std::fmt;
use std::sync::Arc;

use alertwire_catalogue::{
    Catalogue, Decode, Diagnostic, Kind, Limits, Reading, Record, alert_answer,
};
use serde_json::{Map, Value as Json, json};

/// The field that a wording names the company in.
const COMPANY: &str = "company";

/// Why something was not done: what the caller gave cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    message: String,
    diagnostics: Vec<Json>,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            diagnostics: Vec::new(),
        }
    }
}

/// JSON too, so that a binding hands it over as the text of its own error: `{"message", "diagnostics"}`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json!({"message": self.message, "diagnostics": self.diagnostics}).fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// A catalogue whose answers are JSON.
#[derive(Clone, Debug)]
pub struct Bridge {
    catalogue: Arc<Catalogue>,
}

impl Bridge {
    pub fn builtin() -> Self {
        Self {
            catalogue: Catalogue::builtin(),
        }
    }

    /// The built-in kinds with those of further files, `{"name.toml": "its text"}`.
    pub fn with_files(files: &str) -> Result<Self, Refusal> {
        let files = sources(files)?;
        let catalogue = Catalogue::with_files(&borrowed(&files)).map_err(|found| {
            let carets: Vec<String> = found.iter().map(|found| caret(found, &files)).collect();
            Refusal {
                message: carets.join("\n"),
                diagnostics: found.iter().map(diagnostic).collect(),
            }
        })?;
        Ok(Self {
            catalogue: Arc::new(catalogue),
        })
    }

    /// `{"is_array", "alerts"}`: each alert as `alertwire parse --spans` answers it. Never fails, whatever the bytes.
    pub fn read(&self, payload: &[u8]) -> Json {
        let reading = self.catalogue.read(payload, &Limits::default());
        let alerts: Vec<Json> = reading
            .alerts
            .iter()
            .map(|alert| alert_answer(&reading, alert, true))
            .collect();
        json!({"is_array": reading.is_array, "alerts": alerts})
    }

    /// The answer for an alert whose subject and body are known already.
    pub fn read_alert(&self, subject: &str, body: &str) -> Json {
        let limits = Limits::default();
        let reading = Reading {
            decode: Decode::Ok,
            repairs: Vec::new(),
            alerts: vec![self.catalogue.read_alert(subject, body, &limits)],
            is_array: false,
        };
        alert_answer(&reading, &reading.alerts[0], true)
    }

    /// `{"subject", "body", "records", "fields_header"}` of an event; its records are a JSON list of objects.
    pub fn render(
        &self,
        code: &str,
        records: &str,
        company: Option<&str>,
    ) -> Result<Json, Refusal> {
        let mut records: Vec<Record> = serde_json::from_str(records)
            .map_err(|error| Refusal::new(format!("the records cannot be used: {error}")))?;
        if let Some((company, kind)) = company.zip(self.catalogue.kind(code)) {
            name_company(company, kind, &mut records)?;
        }
        let rendered = self
            .catalogue
            .render(code, &records)
            .map_err(|error| Refusal::new(error.to_string()))?;
        Ok(json!({
            "subject": rendered.subject, "body": rendered.body, "records": rendered.records,
            "fields_header": rendered.fields_header,
        }))
    }

    /// `{"event", "records"}` of an `alertwire-fields` header, or null unless it renders to this very alert.
    pub fn believe_header(&self, header: &str, subject: &str, body: &str) -> Json {
        match self.catalogue.believe_header(header, subject, body) {
            Some((event, records)) => json!({"event": event, "records": records}),
            None => Json::Null,
        }
    }

    /// All kinds, in the order of the files.
    pub fn kinds(&self) -> Json {
        self.catalogue.kinds().iter().map(kind).collect()
    }
}

/// What the check of these files finds, as a list.
pub fn check(files: &str) -> Result<Json, Refusal> {
    let files = sources(files)?;
    let found = alertwire_catalogue::check(&borrowed(&files));
    Ok(found.iter().map(diagnostic).collect())
}

/// Writes the company into the records of a wording that names one; others leave it to the `alertwire-company` header.
fn name_company(company: &str, kind: &Kind, records: &mut Vec<Record>) -> Result<(), Refusal> {
    if !kind.has_field(COMPANY) {
        return Ok(());
    }
    if records.is_empty() {
        records.push(Record::new());
    }
    for record in records {
        match record.text(COMPANY) {
            Some(other) if other != company => {
                return Err(Refusal::new(format!(
                    "the field `company` says `{other}`, and the company to name is `{company}`"
                )));
            }
            _ => drop(record.insert(COMPANY, company)),
        }
    }
    Ok(())
}

fn sources(files: &str) -> Result<Vec<(String, String)>, Refusal> {
    let unusable = |why: String| Refusal::new(format!("the files cannot be used: {why}"));
    let files: Map<String, Json> =
        serde_json::from_str(files).map_err(|error| unusable(error.to_string()))?;
    files
        .into_iter()
        .map(|(name, source)| match source {
            Json::String(source) => Ok((name, source)),
            _ => Err(unusable(format!("`{name}` is not a text"))),
        })
        .collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(name, source)| (name.as_str(), source.as_str()))
        .collect()
}

fn caret(found: &Diagnostic, files: &[(String, String)]) -> String {
    let source = files.iter().find(|(name, _)| *name == found.file);
    source.map_or_else(
        || found.to_string(),
        |(_, source)| found.render_caret(source),
    )
}

fn diagnostic(found: &Diagnostic) -> Json {
    json!({
        "file": found.file, "line": found.line, "column": found.column, "message": found.message, "help": found.help,
    })
}

fn kind(kind: &Kind) -> Json {
    let fields = kind.fields().into_iter().map(|field| {
        json!({"name": field.name, "type": field.type_name, "optional": field.optional, "free": field.free})
    });
    let examples = kind
        .examples
        .iter()
        .map(|example| json!({"body": example.body, "records": example.records}));
    json!({
        "code": kind.code, "category": kind.category, "name": kind.name, "subject": kind.subject,
        "aliases": kind.aliases, "severity": kind.severity.as_str(), "wording": kind.wording.as_str(),
        "class": kind.class, "action": kind.action, "key": kind.key, "identity": kind.identity, "product": kind.product,
        "alternatives": kind.alternatives, "fields": fields.collect::<Vec<_>>(), "body": kind.body,
        "variants": kind.variants, "examples": examples.collect::<Vec<_>>(),
    })
}
