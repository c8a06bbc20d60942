//! Renders an event as an alert: the way out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::nearest::nearest;
use crate::reading::Match;
use crate::template::PrintError;
use crate::types::{FieldType, canonical_protocol};
use crate::value::{Record, Value};

mod neutral;

/// Records of one alert.
pub(crate) const MOST_RECORDS: usize = 1000;
/// The longest `alertwire-fields` header.
const LONGEST_HEADER: usize = 4096;

/// An alert, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub body: String,
    /// The records in canonical form, as reading the body gives them back (or, if something had to be neutralised, as
    /// they were meant).
    pub records: Vec<Record>,
    /// The value of the `alertwire-fields` header: the truth, when the text had to differ from it and it fits.
    pub fields_header: Option<String>,
}

/// Why an event cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("there is no event kind `{code}`{}", did_you_mean(nearest))]
    UnknownKind {
        code: String,
        nearest: Option<String>,
    },
    #[error("`{code}` has no field `{field}`{}", did_you_mean(nearest))]
    UnknownField {
        code: String,
        field: String,
        nearest: Option<String>,
    },
    #[error("`{code}` needs the field `{field}`")]
    MissingField { code: String, field: String },
    #[error("`{field}` is of type {type_name}: `{value}` is not {why}")]
    BadValue {
        field: String,
        type_name: String,
        value: String,
        why: String,
    },
    #[error("an alert carries at most {most} records, not {given}: send several alerts")]
    TooManyRecords { given: usize, most: usize },
    #[error(
        "the records differ in `{field}`, which one alert of `{code}` says only once: send several alerts"
    )]
    NotOneHeading { code: String, field: String },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// What the `alertwire-fields` header holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    event: String,
    records: Vec<Record>,
}

impl Catalogue {
    /// The alert of an event of this kind: one record for each asset, port or item it speaks of.
    ///
    /// Values may come as texts or numbers; they are made canonical by their types. What is read from the body is
    /// exactly what was given; where that cannot be, the text is neutralised and the truth travels in the header.
    ///
    /// ```
    /// use alertwire_catalogue::{Catalogue, Record};
    /// let record: Record = [("ip", "192.168.1.100"), ("mac", "00-1b-44-11-3a-b7")].into_iter().collect();
    /// let alert = Catalogue::builtin().render("system.asset_added", &[record]).unwrap();
    /// assert_eq!(alert.subject, "New Asset(s) Added");
    /// assert_eq!(alert.body, "New asset added with ip 192.168.1.100. Mac address 00:1B:44:11:3A:B7");
    /// assert_eq!(alert.fields_header, None);
    /// ```
    pub fn render(&self, code: &str, records: &[Record]) -> Result<Rendered, RenderError> {
        let kind = self.kind(code).ok_or_else(|| RenderError::UnknownKind {
            code: code.to_owned(),
            nearest: self.nearest(code).map(str::to_owned),
        })?;
        if records.len() > MOST_RECORDS {
            return Err(RenderError::TooManyRecords {
                given: records.len(),
                most: MOST_RECORDS,
            });
        }
        let records = records
            .iter()
            .map(|record| kind.canonical(record))
            .collect::<Result<Vec<_>, _>>()?;
        let records = if records.is_empty() {
            vec![Record::new()]
        } else {
            records
        };
        let body = kind.print(&records)?;
        if self.comes_back(kind, &body, &records) {
            return Ok(Rendered {
                subject: kind.subject.clone(),
                body,
                records,
                fields_header: None,
            });
        }
        let body = self.neutralised(kind, &records)?;
        let truth = Truth {
            event: kind.code.clone(),
            records,
        };
        let header = serde_json::to_vec(&truth)
            .ok()
            .map(|json| URL_SAFE_NO_PAD.encode(json))
            .filter(|header| header.len() <= LONGEST_HEADER);
        Ok(Rendered {
            subject: kind.subject.clone(),
            body,
            records: truth.records,
            fields_header: header,
        })
    }

    /// The event that an `alertwire-fields` header speaks of: believed only if it renders to this very alert.
    ///
    /// ```
    /// use alertwire_catalogue::{Catalogue, Record};
    /// let catalogue = Catalogue::builtin();
    /// let record: Record = [("company", "Acme\nSource evil")].into_iter().collect();
    /// let alert = catalogue.render("system.company_created", &[record.clone()]).unwrap();
    /// let header = alert.fields_header.unwrap();
    /// assert_eq!(catalogue.believe_header(&header, &alert.subject, &alert.body), Some(("system.company_created".into(), vec![record])));
    /// assert_eq!(catalogue.believe_header(&header, &alert.subject, "another body"), None);
    /// ```
    pub fn believe_header(
        &self,
        header: &str,
        subject: &str,
        body: &str,
    ) -> Option<(String, Vec<Record>)> {
        if header.len() > LONGEST_HEADER {
            return None;
        }
        let truth: Truth = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let rendered = self.render(&truth.event, &truth.records).ok()?;
        (rendered.subject == subject && rendered.body == body)
            .then_some((truth.event, rendered.records))
    }

    /// Whether the body is read as just these records, and in no other way.
    fn comes_back(&self, kind: &Kind, body: &str, records: &[Record]) -> bool {
        let read = self.read_alert(&kind.subject, body, &Limits::default());
        read.matched == Match::Full
            && read.ambiguous.is_empty()
            && read.kind.is_some_and(|found| found.code == kind.code)
            && read.records == records
    }
}

impl Kind {
    /// The record with canonical values, in the order of the template.
    pub(crate) fn canonical(&self, record: &Record) -> Result<Record, RenderError> {
        for (name, _) in record.iter() {
            if !self.has_field(name) {
                let fields = self.fields();
                return Err(RenderError::UnknownField {
                    code: self.code.clone(),
                    field: name.to_owned(),
                    nearest: nearest(name, fields.iter().map(|field| field.name.as_str()))
                        .map(str::to_owned),
                });
            }
        }
        let mut canonical = Record::new();
        for field in self
            .template
            .template
            .fields
            .iter()
            .filter(|field| field.is_kept())
        {
            let Some(given) = record.get(&field.name) else {
                continue;
            };
            let bad = |why: String| bad_value(&field.name, field.kind.name(), given, why);
            let Some(value) = field.kind.canonical(given).map_err(bad)? else {
                continue;
            };
            if field.kind == FieldType::Port && !self.template.template.names_protocol() {
                let (value, protocol) = port(&value, given, record)?;
                canonical.insert(field.name.clone(), value);
                if let Some(protocol) = protocol {
                    canonical.insert("protocol", protocol);
                }
            } else {
                canonical.insert(field.name.clone(), value);
            }
        }
        Ok(canonical)
    }

    pub(crate) fn print(&self, records: &[Record]) -> Result<String, RenderError> {
        self.template.print(records).map_err(|error| match error {
            PrintError::MissingField(field) => RenderError::MissingField {
                code: self.code.clone(),
                field,
            },
            PrintError::NotOneHeading(field) => RenderError::NotOneHeading {
                code: self.code.clone(),
                field,
            },
        })
    }
}

fn bad_value(field: &str, type_name: String, value: &Value, why: String) -> RenderError {
    let value = value
        .to_text()
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    RenderError::BadValue {
        field: field.to_owned(),
        type_name,
        value,
        why,
    }
}

/// A port and its protocol, which may come as `53/udp` or as a field of its own.
fn port(
    value: &Value,
    given: &Value,
    record: &Record,
) -> Result<(Value, Option<&'static str>), RenderError> {
    let inside = given
        .to_text()
        .split_once('/')
        .and_then(|(_, protocol)| canonical_protocol(&Value::from(protocol.trim())));
    let outside = match record
        .get("protocol")
        .filter(|value| !crate::types::means_absent(&value.to_text()))
    {
        Some(value) => Some(canonical_protocol(value).ok_or_else(|| {
            bad_value(
                "protocol",
                "enum(tcp|udp|sctp|icmp)".into(),
                value,
                "one of tcp, udp, sctp, icmp".into(),
            )
        })?),
        None => None,
    };
    Ok((value.clone(), outside.or(inside)))
}
