//! The types of fields: what each accepts in a text, and the one canonical form it gives.
//!
//! A *tight* type stops by itself and is checked by a real parser; a *free* type ends where the next literal of the
//! template begins. Every scanner here looks at a bounded piece of text, so that a reading stays linear.

mod address;
mod canonical;
mod host;
mod number;
mod time;

pub(crate) use canonical::canonical_protocol;

use crate::severity::Severity;
use crate::value::Value;

/// The longest `word`: beyond it a scan would make long bodies quadratic.
const LONGEST_WORD: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    Ip,
    Port,
    Mac,
    Cve,
    /// A CVE id, or the id of another list of vulnerabilities.
    Advisory,
    Severity,
    Timestamp,
    Date,
    Host,
    Int,
    Decimal,
    Word,
    Enum(Vec<String>),
    Text,
    /// Free text of one line that is none of these.
    Other(Vec<String>),
    User,
    Multiline,
}

/// Where a tight value ends: the usual end, and a longer one when there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) end: usize,
    pub(crate) longer: Option<usize>,
}

impl Ends {
    fn at(end: usize) -> Option<Self> {
        Some(Self { end, longer: None })
    }
}

/// What a scanned piece of text says.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// `None` when the text says that the field is absent.
    pub(crate) value: Option<Value>,
    /// The protocol of `53/udp`.
    pub(crate) protocol: Option<&'static str>,
    /// The text gave no zone: UTC was assumed.
    pub(crate) assumed_utc: bool,
}

impl From<Value> for Meaning {
    fn from(value: Value) -> Self {
        Self {
            value: Some(value),
            ..Self::default()
        }
    }
}

/// The names that `catalog check` offers when a type is misspelled.
pub(crate) const NAMES: [&str; 17] = [
    "ip",
    "port",
    "mac",
    "cve",
    "advisory",
    "severity",
    "timestamp",
    "date",
    "host",
    "int",
    "decimal",
    "word",
    "enum",
    "text",
    "other",
    "user",
    "multiline",
];

impl FieldType {
    /// Reads `ip`, `enum(a|b)` and so on.
    pub(crate) fn parse(spec: &str) -> Option<Self> {
        Some(match spec {
            "ip" => Self::Ip,
            "port" => Self::Port,
            "mac" => Self::Mac,
            "cve" => Self::Cve,
            "advisory" => Self::Advisory,
            "severity" => Self::Severity,
            "timestamp" => Self::Timestamp,
            "date" => Self::Date,
            "host" => Self::Host,
            "int" => Self::Int,
            "decimal" => Self::Decimal,
            "word" => Self::Word,
            "text" => Self::Text,
            "user" => Self::User,
            "multiline" => Self::Multiline,
            _ => return Self::parse_choice(spec),
        })
    }

    fn parse_choice(spec: &str) -> Option<Self> {
        let (name, rest) = spec.split_once('(')?;
        let mut choices: Vec<String> = rest
            .strip_suffix(')')?
            .split('|')
            .map(|choice| choice.trim().to_owned())
            .collect();
        if choices
            .iter()
            .any(|choice| choice.is_empty() || means_absent(choice))
        {
            return None;
        }
        // The longest first, so that `AD` never hides `AD Connect`.
        choices.sort_by_key(|choice| std::cmp::Reverse(choice.len()));
        match name {
            "enum" => Some(Self::Enum(choices)),
            "other" => Some(Self::Other(choices)),
            _ => None,
        }
    }

    /// The type's name in the template language.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Ip => "ip".into(),
            Self::Port => "port".into(),
            Self::Mac => "mac".into(),
            Self::Cve => "cve".into(),
            Self::Advisory => "advisory".into(),
            Self::Severity => "severity".into(),
            Self::Timestamp => "timestamp".into(),
            Self::Date => "date".into(),
            Self::Host => "host".into(),
            Self::Int => "int".into(),
            Self::Decimal => "decimal".into(),
            Self::Word => "word".into(),
            Self::Text => "text".into(),
            Self::User => "user".into(),
            Self::Multiline => "multiline".into(),
            Self::Enum(choices) => format!("enum({})", choices.join("|")),
            Self::Other(choices) => format!("other({})", choices.join("|")),
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        matches!(
            self,
            Self::Text | Self::Other(_) | Self::User | Self::Multiline
        )
    }

    /// The length of the longest text that `other(…)` refuses; 0 for all other types.
    pub(crate) fn longest_refusal(&self) -> usize {
        match self {
            Self::Other(choices) => choices.iter().map(String::len).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The dot that may end a host name says nothing.
    fn without_dot<'t>(&self, text: &'t str) -> &'t str {
        match self {
            Self::Host => text.strip_suffix('.').unwrap_or(text),
            _ => text,
        }
    }

    /// Where a free text that begins at `at` has to end, because one of its refusals ends a sentence or a clause there:
    /// what stands behind that is not the text's.
    pub(crate) fn refusal_end(&self, text: &[u8], at: usize) -> Option<usize> {
        let ends = self.refusals().iter().filter_map(|choice| {
            let end = at + choice.len();
            let stands = text.get(at..end)?.eq_ignore_ascii_case(choice.as_bytes());
            let mark = matches!(text.get(end), Some(b'.' | b',' | b';' | b':' | b'!'));
            let behind = text.get(end + 1).is_none_or(u8::is_ascii_whitespace);
            (stands && mark && behind).then_some(end)
        });
        ends.min()
    }

    /// What a free text of this type may not be.
    pub(crate) fn refusals(&self) -> &[String] {
        match self {
            Self::Other(choices) => choices,
            _ => &[],
        }
    }

    /// Whether a free text of this type may be just this.
    pub(crate) fn admits(&self, text: &[u8]) -> bool {
        match self {
            Self::Other(choices) => !choices
                .iter()
                .any(|choice| choice.as_bytes().eq_ignore_ascii_case(text)),
            _ => true,
        }
    }

    /// Where the tight value that begins at `at` ends; a word that means *absent* counts as a value.
    #[inline]
    pub(crate) fn scan(&self, text: &str, at: usize) -> Option<Ends> {
        let real = match self {
            Self::Ip => address::scan_ip(text, at).and_then(Ends::at),
            Self::Port => number::scan_port(text.as_bytes(), at).and_then(Ends::at),
            Self::Mac => address::scan_mac(text.as_bytes(), at).and_then(Ends::at),
            Self::Cve => number::scan_cve(text.as_bytes(), at).and_then(Ends::at),
            Self::Advisory => number::scan_advisory(text.as_bytes(), at).and_then(Ends::at),
            Self::Severity => scan_severity(text.as_bytes(), at).and_then(Ends::at),
            Self::Timestamp => time::scan_timestamp(text.as_bytes(), at).and_then(Ends::at),
            Self::Date => time::scan_date(text.as_bytes(), at).and_then(Ends::at),
            Self::Host => host::scan(text, at),
            Self::Int => number::scan_int(text.as_bytes(), at).and_then(Ends::at),
            Self::Decimal => number::scan_decimal(text.as_bytes(), at).and_then(Ends::at),
            Self::Word => scan_word(text.as_bytes(), at),
            Self::Enum(choices) => scan_choice(choices, text.as_bytes(), at).and_then(Ends::at),
            Self::Text | Self::Other(_) | Self::User | Self::Multiline => None,
        };
        real.or_else(|| scan_absent(text.as_bytes(), at).and_then(Ends::at))
    }

    /// What a piece of text that [`Self::scan`] (or a free reading) marked off says.
    pub(crate) fn meaning(&self, text: &str) -> Meaning {
        let text = self.without_dot(text);
        if means_absent(text) {
            return Meaning::default();
        }
        match self {
            Self::Ip => address::ip_meaning(text),
            Self::Port => number::port_meaning(text),
            Self::Mac => Value::Text(address::canonical_mac(text)).into(),
            Self::Cve => Value::Text(text.to_ascii_uppercase()).into(),
            Self::Severity => text.parse::<Severity>().map_or_else(
                |_| Meaning::default(),
                |found| Value::from(found.as_str()).into(),
            ),
            Self::Timestamp => time::timestamp_meaning(text),
            Self::Advisory => Value::Text(number::canonical_advisory(text)).into(),
            Self::Date
            | Self::Word
            | Self::Text
            | Self::Other(_)
            | Self::User
            | Self::Multiline => Value::from(text).into(),
            Self::Host => Value::from(host::canonical(text)).into(),
            Self::Int => number::int_meaning(text),
            Self::Decimal => number::decimal_meaning(text),
            Self::Enum(choices) => choices
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(text))
                .map_or_else(Meaning::default, |choice| {
                    Value::from(choice.as_str()).into()
                }),
        }
    }
}

/// `N/A`, `-`, `unknown` and nothing at all say that a field is absent.
pub(crate) fn means_absent(text: &str) -> bool {
    match text.len() {
        0 => true,
        1 => text == "-",
        3 => text.eq_ignore_ascii_case("n/a"),
        7 => text.eq_ignore_ascii_case("unknown"),
        _ => false,
    }
}

/// The end of a word that means *absent*; an empty one only where a sentence could go on.
fn scan_absent(text: &[u8], at: usize) -> Option<usize> {
    for word in [&b"n/a"[..], b"unknown", b"-"] {
        let end = at + word.len();
        if text
            .get(at..end)
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
            && ends_word(text, end)
        {
            return Some(end);
        }
    }
    match text.get(at) {
        None | Some(b' ' | b'.' | b',' | b';' | b'\n' | b'\t' | b'\\') => Some(at),
        Some(_) => None,
    }
}

/// Whether a value that ends at `end` is not the front of a longer word.
#[inline]
fn ends_word(text: &[u8], end: usize) -> bool {
    text.get(end)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80 && *byte != b'_')
}

fn scan_severity(text: &[u8], at: usize) -> Option<usize> {
    let length = text[at..]
        .iter()
        .take(14)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let word = std::str::from_utf8(&text[at..at + length]).ok()?;
    (word.parse::<Severity>().is_ok() && ends_word(text, at + length)).then_some(at + length)
}

fn scan_choice(choices: &[String], text: &[u8], at: usize) -> Option<usize> {
    choices
        .iter()
        .map(|choice| (choice, at + choice.len()))
        .find_map(|(choice, end)| {
            let fits =
                text.get(at..end)?.eq_ignore_ascii_case(choice.as_bytes()) && ends_word(text, end);
            fits.then_some(end)
        })
}

/// A run without white space; punctuation at its end belongs to the sentence.
fn scan_word(text: &[u8], at: usize) -> Option<Ends> {
    let mut end = at;
    while text
        .get(end)
        .is_some_and(|byte| *byte > b' ' && *byte != 0x7f)
    {
        end += 1;
        if end - at > LONGEST_WORD {
            return None;
        }
    }
    while end > at && matches!(text[end - 1], b'.' | b',' | b';' | b':' | b'\\') {
        end -= 1;
    }
    (end > at).then_some(Ends { end, longer: None })
}
