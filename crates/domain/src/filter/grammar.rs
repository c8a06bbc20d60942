//! Reading a filter: keys, operators, values, each fault with the byte where it stands.

use regex::RegexBuilder;

use super::term::{Bound, Key, Order, Term, Test};
use super::words::words;
use super::{BYTES, Filter, FilterError, Place, TERMS};
use crate::event::{Fingerprint, Reason};
use crate::{Severity, catalogue};

/// Largest compiled regular expression, in bytes.
const COMPILED_BYTES: usize = 1 << 20;

const KEYS: [&str; 14] = [
    "text",
    "severity",
    "event",
    "category",
    "subject",
    "body",
    "company",
    "source",
    "match",
    "decode",
    "routing",
    "received_at",
    "occurred_at",
    "fingerprint",
];

/// Reads a filter, for a place where one is named.
pub(super) fn read(text: &str, place: Option<Place>) -> Result<Filter, FilterError> {
    if text.len() > BYTES {
        return Err(FilterError {
            at: BYTES,
            message: format!("a filter has at most {BYTES} bytes"),
        });
    }
    let mut reader = Reader { text, at: 0, place };
    let mut terms = Vec::new();
    while reader.skip_blanks() {
        if terms.len() == TERMS {
            return Err(reader.error(format!("a filter has at most {TERMS} terms")));
        }
        terms.push(reader.term()?);
    }
    if terms.is_empty() {
        return Err(
            reader.error("a filter has at least one term, for example severity>=high".to_owned())
        );
    }
    Ok(Filter {
        text: text.trim().to_owned(),
        terms,
    })
}

/// A value as a filter writes it, whatever is in it.
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for char in value.chars() {
        if matches!(char, '"' | '\\') {
            text.push('\\');
        }
        text.push(char);
    }
    text.push('"');
    text
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    place: Option<Place>,
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
        let strict = self.place.is_some();
        let test = test(&key, operator, value, strict).map_err(|message| FilterError {
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
            "text" => Key::Text,
            "severity" => Key::Severity,
            "event" => Key::Event,
            "category" => Key::Category,
            "subject" => Key::Subject,
            "body" => Key::Body,
            "company" => Key::Company,
            "source" => Key::Source,
            "match" => Key::Match,
            "decode" => Key::Decode,
            "routing" => Key::Routing,
            "received_at" => Key::ReceivedAt,
            "occurred_at" => Key::OccurredAt,
            "fingerprint" => Key::Fingerprint,
            _ => match word.strip_prefix("field.").filter(|name| !name.is_empty()) {
                Some(name) => Key::Field(name.to_owned()),
                None => return Err(self.unknown_key(word)),
            },
        };
        if let Some(rule) = self.place.and_then(|place| place.refuses(&key)) {
            return Err(self.error(rule.to_owned()));
        }
        self.at += length;
        Ok(key)
    }

    fn unknown_key(&self, word: &str) -> FilterError {
        let hint = catalogue::nearest(word, KEYS.into_iter()).map_or_else(
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

impl Place {
    /// Why a key cannot be asked for here.
    fn refuses(self, key: &Key) -> Option<&'static str> {
        match (self, key) {
            (Self::Rule, Key::Company) => Some(
                "must not ask for `company`; the company mapping says which companies a rule is for",
            ),
            (Self::Rule | Self::Silence, Key::Routing) => Some(
                "must not ask for `routing`; where an event goes is known after rules and silences alone",
            ),
            _ => None,
        }
    }
}

/// What is wrong, and whether the value (true) or the operator is at fault.
type Fault = (bool, String);

/// The test of an operator and a value. What was let in before is not looked at as strictly.
fn test(key: &Key, operator: &str, value: String, strict: bool) -> Result<Test, Fault> {
    if *key == Key::Text {
        return text(operator, &value);
    }
    let order = match operator {
        "=" | "!=" => return equals(key, value, operator == "!=", strict),
        "=~" | "!~" => return fits(&value, operator == "!~"),
        "<" => Order::Less,
        "<=" => Order::LessOrEqual,
        ">" => Order::Greater,
        _ => Order::GreaterOrEqual,
    };
    let bound = match key {
        Key::Severity => Bound::Severity(severity(&value)?),
        Key::ReceivedAt | Key::OccurredAt => {
            Bound::Time(value.parse().map_err(|error| (true, format!("{error}")))?)
        }
        Key::Field(_) => Bound::Number(
            value
                .parse()
                .map_err(|_| (true, format!("`{value}` is not a number")))?,
        ),
        _ => {
            return Err((
                false,
                format!(
                    "`{operator}` is for severity, received_at, occurred_at and numeric fields"
                ),
            ));
        }
    };
    Ok(Test::Order { order, bound })
}

fn text(operator: &str, value: &str) -> Result<Test, Fault> {
    if !matches!(operator, "=" | "!=") {
        let rule = "`text` takes `=` and `!=`; regular expressions are for subject and body";
        return Err((false, rule.to_owned()));
    }
    let words = words(value);
    if words.is_empty() {
        return Err((true, "has no word to look for".to_owned()));
    }
    Ok(Test::Words {
        words,
        negated: operator == "!=",
    })
}

fn severity(value: &str) -> Result<Severity, Fault> {
    value.to_ascii_lowercase().parse().map_err(|_| {
        (
            true,
            format!("`{value}` is not a severity; take info, low, medium, high or critical"),
        )
    })
}

fn equals(key: &Key, value: String, negated: bool, strict: bool) -> Result<Test, Fault> {
    if !value.contains('*') {
        match key {
            Key::Severity => drop(severity(&value)?),
            Key::Match if strict => one_of(&value, &["full", "partial", "none"])?,
            Key::Decode if strict => one_of(&value, &["ok", "repaired", "failed"])?,
            Key::Routing => {
                let mut words = vec!["routed", "unrouted", "unmatched"];
                words.extend(Reason::ALL.map(Reason::as_str));
                one_of(&value, &words)?;
            }
            Key::Fingerprint => {
                let parsed = value.parse::<Fingerprint>();
                parsed.map_err(|error| (true, error.to_string()))?;
            }
            _ => {}
        }
    }
    Ok(Test::Equals {
        pattern: value,
        negated,
    })
}

fn one_of(value: &str, words: &[&str]) -> Result<(), Fault> {
    let known = words.iter().any(|word| word.eq_ignore_ascii_case(value));
    match known {
        true => Ok(()),
        false => Err((true, format!("`{value}` is none of {}", words.join(", ")))),
    }
}

fn fits(value: &str, negated: bool) -> Result<Test, Fault> {
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
