//! The one filter language: rule matchers, lists, replays and silences all speak it.
//!
//! A filter is one or more terms, all of which must hold: `severity>=high event=problem.* field.hostname=~"web-.*"`.
//!
//! | Part | What it may be |
//! |---|---|
//! | key | `severity`, `event`, `category`, `subject`, `body`, `company`, `source`, `match`, `decode`, `received_at`, `field.NAME` |
//! | `=` `!=` | equal without regard to case; `*` stands for any run of characters |
//! | `=~` `!~` | a regular expression that must fit the whole value |
//! | `<` `<=` `>` `>=` | for `severity`, `received_at` and numeric fields |
//! | value | bare up to white space or a comma, or in double quotes with `\"` and `\\` |
//!
//! A key with several values (a field of several records) holds when any of them does; the negations hold when none does.
//! Ambiguous fields are never looked at.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::catalogue::Value;
use crate::configuration::Configuration;
use crate::matching::Facts;
use crate::{CompanyId, Severity, Timestamp};

/// Longest filter, in bytes.
pub const BYTES: usize = 1_024;
/// Most terms of one filter.
pub const TERMS: usize = 16;
/// Largest compiled regular expression, in bytes.
const COMPILED_BYTES: usize = 1 << 20;

/// A parsed filter; it is written as its own text.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// A filter that could not be read, with the byte where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, byte {at}: {message}")]
pub struct FilterError {
    pub at: usize,
    pub message: String,
}

#[derive(Debug, Clone)]
struct Term {
    key: Key,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Severity,
    Event,
    Category,
    Subject,
    Body,
    Company,
    Source,
    Match,
    Decode,
    ReceivedAt,
    Field(String),
}

const KEYS: [&str; 10] = [
    "severity",
    "event",
    "category",
    "subject",
    "body",
    "company",
    "source",
    "match",
    "decode",
    "received_at",
];

#[derive(Debug, Clone)]
enum Test {
    Equals { pattern: String, negated: bool },
    Fits { regex: Regex, negated: bool },
    Order { order: Order, bound: Bound },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Bound {
    Severity(Severity),
    Time(Timestamp),
    Number(f64),
}

impl Filter {
    /// Whether every term holds.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>, configuration: &Configuration) -> bool {
        self.terms
            .iter()
            .all(|term| term.holds(facts, configuration))
    }

    /// Whether a term asks for the company: a rule must not, for the mapping says it (decisions.md 22).
    #[must_use]
    pub fn asks_company(&self) -> bool {
        self.terms.iter().any(|term| term.key == Key::Company)
    }

    /// The only kind, in lower case, whose events can match; none when events of several kinds can.
    pub(crate) fn only_event(&self) -> Option<String> {
        self.terms
            .iter()
            .find_map(|term| match (&term.key, &term.test) {
                (
                    Key::Event,
                    Test::Equals {
                        pattern,
                        negated: false,
                    },
                ) if !pattern.contains('*') => Some(pattern.to_ascii_lowercase()),
                _ => None,
            })
    }
}

impl Term {
    fn holds(&self, facts: &Facts<'_>, configuration: &Configuration) -> bool {
        match &self.test {
            Test::Equals { pattern, negated } => {
                values(&self.key, facts, configuration)
                    .iter()
                    .any(|value| glob(pattern, value))
                    != *negated
            }
            Test::Fits { regex, negated } => {
                values(&self.key, facts, configuration)
                    .iter()
                    .any(|value| regex.is_match(value))
                    != *negated
            }
            Test::Order { order, bound } => ordered(&self.key, *order, bound, facts),
        }
    }
}

/// The values that a key has, as text.
fn values<'a>(
    key: &'a Key,
    facts: &Facts<'a>,
    configuration: &'a Configuration,
) -> Vec<Cow<'a, str>> {
    let one = |value: Option<&'a str>| value.map(Cow::Borrowed).into_iter().collect();
    match key {
        Key::Severity => one(Some(facts.severity.as_str())),
        Key::Event => facts
            .kind
            .into_iter()
            .chain(facts.reading.alternatives.iter().map(String::as_str))
            .map(Cow::Borrowed)
            .collect(),
        Key::Category => one(facts.category),
        Key::Subject => one(Some(facts.subject)),
        Key::Body => one(Some(facts.body)),
        Key::Company => company_words(facts.company, configuration),
        Key::Source => {
            let Some(id) = facts.source else {
                return Vec::new();
            };
            let name = configuration
                .source(id)
                .map(|source| Cow::Borrowed(source.name.as_str()));
            name.into_iter()
                .chain([Cow::Owned(id.to_string())])
                .collect()
        }
        Key::Match => one(Some(facts.reading.matched.as_str())),
        Key::Decode => one(Some(facts.reading.decode.as_str())),
        Key::ReceivedAt => vec![Cow::Owned(facts.received_at.to_string())],
        Key::Field(name) => facts
            .reading
            .certain_values(name)
            .map(|value| match value {
                Value::Text(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            })
            .collect(),
    }
}

fn company_words(company: Option<CompanyId>, configuration: &Configuration) -> Vec<Cow<'_, str>> {
    let Some(id) = company else {
        return vec![Cow::Borrowed("unassigned")];
    };
    let name = configuration
        .company(id)
        .map(|company| Cow::Borrowed(company.name.as_str()));
    name.into_iter()
        .chain([Cow::Owned(id.to_string())])
        .collect()
}

fn ordered(key: &Key, order: Order, bound: &Bound, facts: &Facts<'_>) -> bool {
    match (key, bound) {
        (Key::Severity, Bound::Severity(bound)) => order.holds(facts.severity.cmp(bound)),
        (Key::ReceivedAt, Bound::Time(bound)) => order.holds(facts.received_at.cmp(bound)),
        (Key::Field(name), Bound::Number(bound)) => facts
            .reading
            .certain_values(name)
            .filter_map(|value| value.to_string().parse::<f64>().ok())
            .any(|value| {
                value
                    .partial_cmp(bound)
                    .is_some_and(|ordering| order.holds(ordering))
            }),
        _ => false,
    }
}

impl Order {
    fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Whether a pattern with `*` for any run fits the whole text, without regard to ASCII case. Linear but for the last star's retries.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern
            .get(p)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&text[t]))
        {
            (p, t) = (p + 1, t + 1);
        } else if let Some((star_p, star_t)) = star {
            (p, t) = (star_p + 1, star_t + 1);
            star = Some((star_p, star_t + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > BYTES {
            return Err(FilterError {
                at: BYTES,
                message: format!("a filter has at most {BYTES} bytes"),
            });
        }
        let mut reader = Reader { text, at: 0 };
        let mut terms = Vec::new();
        while reader.skip_blanks() {
            if terms.len() == TERMS {
                return Err(reader.error(format!("a filter has at most {TERMS} terms")));
            }
            terms.push(reader.term()?);
        }
        if terms.is_empty() {
            return Err(reader
                .error("a filter has at least one term, for example severity>=high".to_owned()));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            terms,
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: String) -> FilterError {
        FilterError {
            at: self.at,
            message,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves past blanks and commas; false at the end.
    fn skip_blanks(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', ',']).len();
        self.at < self.text.len()
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let key = self.key()?;
        let operator_at = self.at;
        let operator = self.operator()?;
        let value_at = self.at;
        let value = self.value()?;
        let test = test(&key, operator, value).map_err(|message| FilterError {
            at: if message.0 { value_at } else { operator_at },
            message: message.1,
        })?;
        Ok(Term { key, test })
    }

    fn key(&mut self) -> Result<Key, FilterError> {
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
            .count();
        let word = &rest[..length];
        let key = match word {
            "severity" => Key::Severity,
            "event" => Key::Event,
            "category" => Key::Category,
            "subject" => Key::Subject,
            "body" => Key::Body,
            "company" => Key::Company,
            "source" => Key::Source,
            "match" => Key::Match,
            "decode" => Key::Decode,
            "received_at" => Key::ReceivedAt,
            _ => match word.strip_prefix("field.").filter(|name| !name.is_empty()) {
                Some(name) => Key::Field(name.to_owned()),
                None => return Err(self.unknown_key(word)),
            },
        };
        self.at += length;
        Ok(key)
    }

    fn unknown_key(&self, word: &str) -> FilterError {
        let hint = crate::catalogue::nearest(word, KEYS.into_iter()).map_or_else(
            || format!("keys are {} and field.NAME", KEYS.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(format!("unknown key `{word}`; {hint}"))
    }

    fn operator(&mut self) -> Result<&'static str, FilterError> {
        let rest = self.rest().trim_start_matches(' ');
        self.at = self.text.len() - rest.len();
        let found = ["=~", "!~", "!=", ">=", "<=", "=", ">", "<"]
            .into_iter()
            .find(|operator| rest.starts_with(operator));
        let operator = found.ok_or_else(|| {
            self.error("an operator follows the key: = != =~ !~ < <= > >=".to_owned())
        })?;
        self.at += operator.len();
        Ok(operator)
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let rest = self.rest().trim_start_matches(' ');
        self.at = self.text.len() - rest.len();
        if !rest.starts_with('"') {
            let bare = rest
                .split([' ', '\t', '\n', '\r', ','])
                .next()
                .unwrap_or_default();
            if bare.is_empty() {
                return Err(self.error("a value follows the operator".to_owned()));
            }
            self.at += bare.len();
            return Ok(bare.to_owned());
        }
        let mut value = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((offset, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += offset + 1;
                    return Ok(value);
                }
                // Only the quote and the backslash are escaped; any other backslash belongs to a regular expression.
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    Some((_, other)) => value.extend(['\\', other]),
                    None => break,
                },
                other => value.push(other),
            }
        }
        Err(self.error("the closing quote is missing".to_owned()))
    }
}

/// The test of an operator and a value; an error says whether the value (true) or the operator is at fault.
fn test(key: &Key, operator: &str, value: String) -> Result<Test, (bool, String)> {
    let order = match operator {
        "=" | "!=" => return equals(key, value, operator == "!="),
        "=~" | "!~" => return fits(&value, operator == "!~"),
        "<" => Order::Less,
        "<=" => Order::LessOrEqual,
        ">" => Order::Greater,
        _ => Order::GreaterOrEqual,
    };
    let bound = match key {
        Key::Severity => Bound::Severity(severity(&value)?),
        Key::ReceivedAt => Bound::Time(value.parse().map_err(|error| (true, format!("{error}")))?),
        Key::Field(_) => Bound::Number(
            value
                .parse()
                .map_err(|_| (true, format!("`{value}` is not a number")))?,
        ),
        _ => {
            return Err((
                false,
                format!("`{operator}` is for severity, received_at and numeric fields"),
            ));
        }
    };
    Ok(Test::Order { order, bound })
}

fn severity(value: &str) -> Result<Severity, (bool, String)> {
    value.to_ascii_lowercase().parse().map_err(|_| {
        (
            true,
            format!("`{value}` is not a severity; take info, low, medium, high or critical"),
        )
    })
}

fn equals(key: &Key, value: String, negated: bool) -> Result<Test, (bool, String)> {
    if *key == Key::Severity && !value.contains('*') {
        severity(&value)?;
    }
    Ok(Test::Equals {
        pattern: value,
        negated,
    })
}

fn fits(value: &str, negated: bool) -> Result<Test, (bool, String)> {
    RegexBuilder::new(&format!("^(?:{value})$"))
        .size_limit(COMPILED_BYTES)
        .dot_matches_new_line(true)
        .build()
        .map(|regex| Test::Fits { regex, negated })
        .map_err(|error| {
            (
                true,
                format!("the regular expression cannot be used: {error}"),
            )
        })
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filter {}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
