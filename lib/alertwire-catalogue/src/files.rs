//! Reads catalogue files: TOML into kinds and extensions of kinds, every finding with its place.

mod extension;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;
use crate::kind::{Example, Kind};
use crate::nearest::nearest;
use crate::severity::{Severity, Wording};
use crate::template::{Compiled, SyntaxError};
use crate::value::{Record, Value};

pub(crate) use extension::Extension;

/// The longest catalogue file, in bytes.
const LONGEST_FILE: usize = 4 * 1024 * 1024;
/// Kinds, and extensions, of one file.
const MOST_KINDS: usize = 10_000;

const FILE_KEYS: [&str; 3] = ["category", "event", "extend"];
const KIND_KEYS: [&str; 16] = [
    "code",
    "name",
    "subject",
    "aliases",
    "severity",
    "wording",
    "class",
    "action",
    "key",
    "identity",
    "product",
    "alternatives",
    "body",
    "variants",
    "example",
    "category",
];
const EXAMPLE_KEYS: [&str; 2] = ["body", "fields"];

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) kinds: Vec<Loaded>,
    pub(crate) extensions: Vec<Extension>,
}

/// A kind, and where its parts stand in its file.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) kind: Kind,
    pub(crate) file: usize,
    pub(crate) places: Places,
}

#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) code: Range<usize>,
    pub(crate) subject: Range<usize>,
    pub(crate) alternatives: Vec<Range<usize>>,
    pub(crate) key: Vec<Range<usize>>,
    /// The body's template, then the variants, those of extensions last.
    pub(crate) templates: Vec<Spot>,
    pub(crate) examples: Vec<Spot>,
}

/// A place in one of the files.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) file: usize,
    pub(crate) span: Range<usize>,
}

type Table<'i> = DeTable<'i>;

/// Reads one file; what is without findings is returned also when the rest has some.
pub(crate) fn load(
    file: usize,
    name: &str,
    source: &str,
    built_in: bool,
) -> (File, Vec<Diagnostic>) {
    let mut loader = Loader {
        file,
        name,
        source,
        built_in,
        found: Vec::new(),
    };
    let read = loader.file();
    (read, loader.found)
}

struct Loader<'a> {
    file: usize,
    name: &'a str,
    source: &'a str,
    built_in: bool,
    found: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn report(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.found
            .push(Diagnostic::new(self.name, self.source, span, message));
        self.found.last_mut().expect("one was pushed just now")
    }

    fn file(&mut self) -> File {
        let mut file = File::default();
        if self.source.len() > LONGEST_FILE {
            self.report(
                0..0,
                format!("a catalogue file has at most {LONGEST_FILE} bytes"),
            );
            return file;
        }
        let table = match DeTable::parse(self.source) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                self.report(error.span().unwrap_or(0..0), error.message().to_owned());
                return file;
            }
        };
        self.check_keys(&table, &FILE_KEYS);
        let category = self.text(&table, "category").map(|(text, _)| text);
        for (table, span) in self.tables(&table, "event") {
            file.kinds
                .extend(self.kind(table, span, category.as_deref()));
        }
        for (table, span) in self.tables(&table, "extend") {
            file.extensions.extend(self.extension(table, span));
        }
        file
    }

    /// The tables of a list of tables.
    fn tables<'t, 'i>(
        &mut self,
        table: &'t Table<'i>,
        key: &str,
    ) -> Vec<(&'t Table<'i>, Range<usize>)> {
        let Some(value) = table.get(key) else {
            return Vec::new();
        };
        let help = format!("write `[[{key}]]`");
        let Some(items) = value
            .get_ref()
            .as_array()
            .filter(|items| items.len() <= MOST_KINDS)
        else {
            self.report(
                value.span(),
                format!("`{key}` is a list of at most {MOST_KINDS} tables"),
            )
            .help = Some(help);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => tables.push((table, item.span())),
                None => {
                    self.report(item.span(), format!("`{key}` holds tables alone"))
                        .help = Some(help.clone());
                }
            }
        }
        tables
    }

    fn check_keys(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", known.join(", ")),
            };
            self.report(key.span(), format!("unknown key `{name}`"))
                .help = Some(help);
        }
    }

    fn text(&mut self, table: &Table<'_>, key: &str) -> Option<(String, Range<usize>)> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text.to_owned(), value.span())),
            None => {
                self.report(value.span(), format!("`{key}` is a text"));
                None
            }
        }
    }

    fn required(
        &mut self,
        table: &Table<'_>,
        key: &str,
        place: &Range<usize>,
    ) -> Option<(String, Range<usize>)> {
        if !table.contains_key(key) {
            self.report(place.clone(), format!("the event has no `{key}`"));
            return None;
        }
        let (text, span) = self.text(table, key)?;
        if text.trim().is_empty() {
            self.report(span, format!("`{key}` is empty"));
            return None;
        }
        Some((text, span))
    }

    fn texts(&mut self, table: &Table<'_>, key: &str) -> Vec<(String, Range<usize>)> {
        let Some(value) = table.get(key) else {
            return Vec::new();
        };
        let items = value.get_ref().as_array().map(|items| {
            items
                .iter()
                .map(|item| {
                    item.get_ref()
                        .as_str()
                        .map(|text| (text.to_owned(), item.span()))
                })
                .collect::<Option<Vec<_>>>()
        });
        match items {
            Some(Some(texts)) => texts,
            _ => {
                self.report(value.span(), format!("`{key}` is a list of texts"));
                Vec::new()
            }
        }
    }

    fn kind(
        &mut self,
        table: &Table<'_>,
        place: Range<usize>,
        category: Option<&str>,
    ) -> Option<Loaded> {
        let before = self.found.len();
        self.check_keys(table, &KIND_KEYS);
        let own_category = self.text(table, "category").map(|(text, _)| text);
        let category = own_category.or_else(|| category.map(str::to_owned));
        if category.is_none() {
            self.report(place.clone(), "the event has no category").help =
                Some("write `category = \"…\"` at the head of the file".into());
        }
        let code = self.required(table, "code", &place);
        if let Some((code, span)) = &code {
            self.check_code(code, span);
        }
        let subject = self.required(table, "subject", &place);
        let body = self.required(table, "body", &place);
        let mut places = Places::default();
        let template = body
            .as_ref()
            .and_then(|(text, span)| self.template(text, span));
        places
            .templates
            .extend(body.iter().map(|(_, span)| self.spot(span)));
        let variants = self.texts(table, "variants");
        let variant_templates = self.templates(&variants);
        places
            .templates
            .extend(variants.iter().map(|(_, span)| self.spot(span)));
        let severity = self
            .named(table, "severity", &Severity::ALL.map(Severity::as_str))
            .map_or(Severity::Info, |index| Severity::ALL[index]);
        let wording = self
            .named(table, "wording", &["documented", "proposed"])
            .map_or(Wording::Proposed, |index| {
                [Wording::Documented, Wording::Proposed][index]
            });
        let name = self.text(table, "name").map(|(text, _)| text);
        let class = self
            .text(table, "class")
            .map_or_else(|| "event".to_owned(), |(text, _)| text);
        let action = self.text(table, "action").map(|(text, _)| text);
        let aliases = self.texts(table, "aliases");
        let [key, identity, product] =
            ["key", "identity", "product"].map(|key| self.texts(table, key));
        let alternatives = self.texts(table, "alternatives");
        let (examples, example_spots) = self.examples(table).into_iter().unzip();
        places.examples = example_spots;
        if self.found.len() > before {
            return None;
        }
        let (code, subject) = (code?, subject?);
        places.code = code.1;
        places.subject = subject.1;
        places.alternatives = alternatives.iter().map(|(_, span)| span.clone()).collect();
        places.key = key
            .iter()
            .chain(&identity)
            .chain(&product)
            .map(|(_, span)| span.clone())
            .collect();
        let kind = Kind {
            action: action.unwrap_or_else(|| action_of_code(&code.0)),
            code: code.0,
            category: category?,
            name: name.unwrap_or_else(|| subject.0.clone()),
            subject: subject.0,
            aliases: only_texts(aliases),
            severity,
            wording,
            class,
            key: only_texts(key),
            identity: only_texts(identity),
            product: only_texts(product),
            alternatives: only_texts(alternatives),
            body: body?.0,
            variants: only_texts(variants),
            examples,
            template: template?,
            variant_templates,
            built_in: self.built_in,
            extended: false,
        };
        self.check_field_names(&kind, &places);
        (self.found.len() == before).then_some(Loaded {
            kind,
            file: self.file,
            places,
        })
    }

    fn check_code(&mut self, code: &str, span: &Range<usize>) {
        let fits = code.len() <= 100
            && code.contains('.')
            && code.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| {
                        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
                    })
            });
        if !fits {
            self.report(
                span.clone(),
                format!("`{}` is no code of an event kind", code.escape_debug()),
            )
            .help = Some("a code is `group.event`, of a-z, 0-9 and _, at most 100 bytes".into());
        }
    }

    /// The position of the text of `key` among `names`.
    fn named(&mut self, table: &Table<'_>, key: &str, names: &[&str]) -> Option<usize> {
        let (text, span) = self.text(table, key)?;
        let index = names.iter().position(|name| *name == text);
        if index.is_none() {
            self.report(span, format!("`{key}` is one of {}", names.join(", ")));
        }
        index
    }

    fn template(&mut self, text: &str, span: &Range<usize>) -> Option<Compiled> {
        match Compiled::parse(text) {
            Ok(template) => Some(template),
            Err(SyntaxError {
                span: inside,
                message,
                help,
            }) => {
                let span = place_in_text(self.source, span, text, &inside);
                self.report(span, message).help = help;
                None
            }
        }
    }

    fn templates(&mut self, texts: &[(String, Range<usize>)]) -> Vec<Compiled> {
        texts
            .iter()
            .filter_map(|(text, span)| self.template(text, span))
            .collect()
    }

    fn spot(&self, span: &Range<usize>) -> Spot {
        Spot {
            file: self.file,
            span: span.clone(),
        }
    }

    fn examples(&mut self, table: &Table<'_>) -> Vec<(Example, Spot)> {
        let Some(value) = table.get("example") else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.report(value.span(), "`example` is a list of tables")
                .help = Some("write `[[event.example]]`".into());
            return Vec::new();
        };
        let mut examples = Vec::new();
        for item in items.iter() {
            let Some(table) = item.get_ref().as_table() else {
                self.report(item.span(), "an example is a table");
                continue;
            };
            self.check_keys(table, &EXAMPLE_KEYS);
            let Some((body, body_span)) = self.required(table, "body", &item.span()) else {
                continue;
            };
            let Some(records) = self.records(table, &item.span()) else {
                continue;
            };
            let spot = self.spot(&body_span);
            examples.push((Example { body, records }, spot));
        }
        examples
    }

    fn records(&mut self, table: &Table<'_>, place: &Range<usize>) -> Option<Vec<Record>> {
        let Some(fields) = table.get("fields") else {
            self.report(place.clone(), "the example has no `fields`");
            return None;
        };
        let records = fields
            .get_ref()
            .as_array()
            .and_then(|items| items.iter().map(record).collect::<Option<Vec<_>>>());
        if records.is_none() {
            self.report(
                fields.span(),
                "`fields` is a list of tables, one for each record, of texts and numbers",
            );
        }
        records
    }

    fn check_field_names(&mut self, kind: &Kind, places: &Places) {
        let fields: Vec<String> = kind
            .templates()
            .flat_map(|compiled| &compiled.template.fields)
            .map(|field| field.name.to_string())
            .collect();
        let names = kind.key.iter().chain(&kind.identity).chain(&kind.product);
        for (name, span) in names.zip(&places.key) {
            if name == "protocol" || fields.contains(name) {
                continue;
            }
            let near = nearest(name, fields.iter().map(String::as_str))
                .map(|near| format!("did you mean `{near}`?"));
            self.report(
                span.clone(),
                format!("no template of the event has a field `{name}`"),
            )
            .help = near;
        }
    }
}

/// What a kind that names no action speaks of, after its code: `asset-added` of `system.asset_added`.
fn action_of_code(code: &str) -> String {
    code.rsplit('.').next().unwrap_or(code).replace('_', "-")
}

fn only_texts(list: Vec<(String, Range<usize>)>) -> Vec<String> {
    list.into_iter().map(|(text, _)| text).collect()
}

fn record(item: &Spanned<DeValue<'_>>) -> Option<Record> {
    let table = item.get_ref().as_table()?;
    table
        .iter()
        .map(|(name, value)| Some((name.get_ref().to_string(), scalar(value.get_ref())?)))
        .collect()
}

fn scalar(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Integer(number) => {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .ok()
                .map(Value::Int)
        }
        DeValue::Float(number) => number
            .as_str()
            .replace('_', "")
            .parse()
            .ok()
            .map(Value::Decimal),
        _ => None,
    }
}

/// The place in the file of a place in a text; the whole text when escapes stand between.
pub(crate) fn place_in_text(
    source: &str,
    span: &Range<usize>,
    text: &str,
    inside: &Range<usize>,
) -> Range<usize> {
    let Some(written) = source.get(span.clone()) else {
        return span.clone();
    };
    let quotes = if written.starts_with("\"\"\"") || written.starts_with("'''") {
        3
    } else {
        1
    };
    let mut start = quotes;
    if quotes == 3 {
        start += match &written.as_bytes()[3..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => 0,
        };
    }
    if written.get(start..start + text.len()) != Some(text) {
        return span.clone();
    }
    let base = span.start + start;
    base + inside.start..base + inside.end
}
