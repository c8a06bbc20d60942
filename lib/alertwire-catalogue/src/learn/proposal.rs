//! A proposed template: what it reads, with other names, and as a catalogue file.

use std::collections::{BTreeMap, HashSet};

use super::Body;
use crate::check::structure;
use crate::kind::Example;
use crate::severity::Severity;
use crate::template::{Compiled, Scratch};
use crate::value::{Record, Value};
use crate::view::View;

/// Steps for one body: a proposal that needs more is none.
const STEPS: u64 = 2_000_000;
/// Values that are shown for each field.
const MOST_SAMPLES: usize = 3;
/// Examples that a learned kind brings along.
const MOST_EXAMPLES: usize = 3;
/// Records of one body that are looked at.
const MOST_RECORDS: usize = 100;
/// The longest example, in bytes: it is there to be read by people.
const LONGEST_EXAMPLE: usize = 2048;

/// A template that was proposed for a wording, or given by a person.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// In the template language.
    pub template: String,
    pub fields: Vec<LearnedField>,
    /// Bodies that it reads, all of them with certainty.
    pub bodies: usize,
    /// Bodies that it reads in more than one way.
    pub uncertain: usize,
    /// Some of the bodies that it reads.
    pub examples: Vec<String>,
}

/// A field of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedField {
    pub name: String,
    /// As the template language writes it: `ip`, `enum(a|b)`.
    pub type_name: String,
    pub optional: bool,
    /// Free text rather than a type that is checked.
    pub free: bool,
    /// Values of the bodies, each once.
    pub samples: Vec<String>,
}

/// What a person adds to a proposal to make it an event kind.
#[derive(Clone, Debug)]
pub struct NewKind {
    pub code: String,
    pub category: String,
    pub name: String,
    pub subject: String,
    pub severity: Severity,
    pub class: Option<String>,
}

/// Why fields cannot have these names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    #[error("the template has no field `{0}`")]
    NoField(String),
    #[error("`{0}` is no name for a field, or is taken: {1}")]
    NoName(String, String),
}

/// Why a given template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    pub help: Option<String>,
}

/// A template, and which of the bodies it reads.
pub(super) struct Tried {
    pub(super) source: String,
    compiled: Compiled,
    pub(super) certain: HashSet<usize>,
    uncertain: usize,
}

impl Tried {
    pub(super) fn read(source: String, compiled: Compiled, bodies: &[Body<'_>]) -> Self {
        let mut scratch = Scratch::take();
        let mut tried = Self {
            source,
            compiled,
            certain: HashSet::new(),
            uncertain: 0,
        };
        for (place, body) in bodies.iter().enumerate() {
            match tried
                .compiled
                .read(body.text, false, &mut scratch, &mut 0, STEPS)
            {
                Ok(readings) if readings.certain => {
                    tried.certain.insert(place);
                }
                Ok(_) => tried.uncertain += body.places.len(),
                Err(_) => {}
            }
        }
        scratch.keep();
        tried
    }
}

impl Proposal {
    pub(super) fn new(tried: Tried, bodies: &[Body<'_>]) -> Self {
        let mut proposal = Self {
            fields: fields(&tried.compiled),
            template: tried.source,
            bodies: 0,
            uncertain: tried.uncertain,
            examples: Vec::new(),
        };
        let mut scratch = Scratch::take();
        for (place, body) in bodies.iter().enumerate() {
            if tried.certain.contains(&place) {
                proposal.bodies += body.places.len();
                proposal.show(&tried.compiled, body.text, &mut scratch);
            }
        }
        scratch.keep();
        proposal
    }

    /// A template that a person wrote, as a proposal for these bodies.
    ///
    /// ```
    /// use alertwire_catalogue::Proposal;
    /// let proposal = Proposal::of("Backup of {target:host} failed", &["Backup of db-1 failed"]).unwrap();
    /// assert_eq!(proposal.fields[0].samples, ["db-1"]);
    /// assert!(Proposal::of("Backup of {target:hst} failed", &["x"]).is_err());
    /// ```
    pub fn of<B: AsRef<str>>(template: &str, bodies: &[B]) -> Result<Self, TemplateError> {
        let compiled = Compiled::parse(template).map_err(|error| TemplateError {
            message: error.message,
            help: error.help,
        })?;
        if let Some((message, help)) = structure::fault(&compiled) {
            return Err(TemplateError {
                message,
                help: Some(help),
            });
        }
        let mut proposal = Self {
            template: template.to_owned(),
            fields: fields(&compiled),
            bodies: 0,
            uncertain: 0,
            examples: Vec::new(),
        };
        let mut scratch = Scratch::take();
        for body in bodies {
            let view = View::new(body.as_ref());
            match compiled.read(&view.text, false, &mut scratch, &mut 0, STEPS) {
                Ok(readings) if readings.certain => {
                    proposal.bodies += 1;
                    proposal.show(&compiled, &view.text, &mut scratch);
                }
                Ok(_) => proposal.uncertain += 1,
                Err(_) => {}
            }
        }
        scratch.keep();
        Ok(proposal)
    }

    /// Keeps a body and its values as samples, while some are wanted.
    fn show(&mut self, compiled: &Compiled, text: &str, scratch: &mut Scratch) {
        let wanted = self
            .fields
            .iter()
            .any(|field| field.samples.len() < MOST_SAMPLES);
        if (!wanted && self.examples.len() >= MOST_EXAMPLES)
            || compiled.read(text, false, scratch, &mut 0, STEPS).is_err()
        {
            return;
        }
        let known = self.examples.iter().any(|example| example == text);
        if self.examples.len() < MOST_EXAMPLES && text.len() <= LONGEST_EXAMPLE && !known {
            self.examples.push(text.to_owned());
        }
        let (records, _) = compiled.records(text, &scratch.captures, MOST_RECORDS);
        for field in &mut self.fields {
            for value in records.iter().filter_map(|record| record.get(&field.name)) {
                let value = value.to_text();
                if field.samples.len() < MOST_SAMPLES
                    && !field.samples.iter().any(|known| *known == value)
                {
                    field.samples.push(value.into_owned());
                }
            }
        }
    }

    /// The same with other names for its fields. A name that begins with `_` is read over and not kept.
    ///
    /// ```
    /// use alertwire_catalogue::Proposal;
    /// let proposal = Proposal::of("Backup of {hostname:host} failed", &["Backup of db-1 failed"]).unwrap();
    /// let renamed = proposal.rename(&[("hostname", "target")]).unwrap();
    /// assert_eq!(renamed.template, "Backup of {target:host} failed");
    /// assert!(proposal.rename(&[("hostnme", "target")]).is_err());
    /// ```
    pub fn rename(&self, names: &[(&str, &str)]) -> Result<Self, RenameError> {
        let names: BTreeMap<&str, &str> = names.iter().copied().collect();
        let unknown = names
            .keys()
            .find(|name| !self.fields.iter().any(|field| field.name == **name));
        if let Some(name) = unknown {
            return Err(RenameError::NoField((*name).to_owned()));
        }
        let fresh = |name: &str| (*names.get(name).unwrap_or(&name)).to_owned();
        let parsed = Compiled::parse(&self.template)
            .map_err(|error| RenameError::NoName(self.template.clone(), error.message))?;
        let mut template = self.template.clone();
        for field in parsed.template.fields.iter().rev() {
            let start = field.span.start + 1;
            template.replace_range(start..start + field.name.len(), &fresh(&field.name));
        }
        if let Err(error) = Compiled::parse(&template) {
            let wrong = names.values().copied().collect::<Vec<_>>().join(", ");
            return Err(RenameError::NoName(wrong, error.message));
        }
        let mut renamed = Self {
            template,
            ..self.clone()
        };
        for field in &mut renamed.fields {
            field.name = fresh(&field.name);
        }
        Ok(renamed)
    }

    /// The catalogue file of a new kind with this wording, examples and all.
    ///
    /// ```
    /// use alertwire_catalogue::{NewKind, Proposal, Severity, check};
    /// let proposal = Proposal::of("Backup of {hostname:host} failed", &["Backup of db-1 failed"]).unwrap();
    /// let kind = NewKind {
    ///     code: "backup.failed".into(),
    ///     category: "Backups".into(),
    ///     name: "Backup Failed".into(),
    ///     subject: "Backup Failed".into(),
    ///     severity: Severity::Medium,
    ///     class: None,
    /// };
    /// assert_eq!(check(&[("learned.toml", &proposal.kind_file(&kind))]), []);
    /// ```
    pub fn kind_file(&self, kind: &NewKind) -> String {
        let mut file = format!(
            "category = {}\n\n[[event]]\ncode     = {}\nname     = {}\nsubject  = {}\nseverity = {}\nwording  = \"proposed\"\n",
            quoted(&kind.category),
            quoted(&kind.code),
            quoted(&kind.name),
            quoted(&kind.subject),
            quoted(kind.severity.as_str()),
        );
        if let Some(class) = &kind.class {
            file.push_str(&format!("class    = {}\n", quoted(class)));
        }
        let key: Vec<&str> = ["mac", "hostname", "ip"]
            .into_iter()
            .filter(|name| self.fields.iter().any(|field| field.name == *name))
            .collect();
        if !key.is_empty() {
            let names: Vec<String> = key.iter().map(|name| quoted(name)).collect();
            file.push_str(&format!("key      = [{}]\n", names.join(", ")));
        }
        file.push_str(&format!("body     = {}\n", quoted(&self.template)));
        file.push_str(&example_tables("event", &self.read_examples()));
        file
    }

    /// The examples, and what the template reads in them.
    pub fn read_examples(&self) -> Vec<Example> {
        let Ok(compiled) = Compiled::parse(&self.template) else {
            return Vec::new();
        };
        let mut scratch = Scratch::take();
        let mut examples = Vec::new();
        for body in &self.examples {
            if compiled
                .read(body, false, &mut scratch, &mut 0, STEPS)
                .is_ok()
            {
                let (records, _) = compiled.records(body, &scratch.captures, MOST_RECORDS + 1);
                if records.len() <= MOST_RECORDS {
                    examples.push(Example {
                        body: body.clone(),
                        records,
                    });
                }
            }
        }
        scratch.keep();
        examples
    }
}

fn fields(compiled: &Compiled) -> Vec<LearnedField> {
    compiled
        .template
        .fields
        .iter()
        .map(|field| LearnedField {
            name: field.name.to_string(),
            type_name: field.kind.name(),
            optional: field.optional,
            free: field.kind.is_free(),
            samples: Vec::new(),
        })
        .collect()
}

/// Examples as tables of an `[[event]]` or `[[extend]]`.
pub(super) fn example_tables(of: &str, examples: &[Example]) -> String {
    examples
        .iter()
        .map(|example| {
            let records: Vec<String> = example.records.iter().map(inline_table).collect();
            format!(
                "\n[[{of}.example]]\nbody   = {}\nfields = [{}]\n",
                quoted(&example.body),
                records.join(", ")
            )
        })
        .collect()
}

/// A text as a TOML string. JSON's escapes are TOML's, but for the one of DEL, which JSON leaves as it is.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

fn inline_table(record: &Record) -> String {
    let fields: Vec<String> = record
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Text(text) => quoted(text),
                Value::Int(number) => number.to_string(),
                // A whole number would be read as one.
                Value::Decimal(number) => format!("{number:?}"),
            };
            format!("{name} = {value}")
        })
        .collect();
    format!("{{ {} }}", fields.join(", "))
}
