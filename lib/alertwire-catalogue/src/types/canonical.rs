//! Values that come from outside (an API call, a command line) made canonical, and canonical values put into prose.

use super::{FieldType, means_absent, number, time};
use crate::severity::Severity;
use crate::value::Value;

impl FieldType {
    /// The canonical form of a given value; `Ok(None)` when it says that the field is absent.
    pub(crate) fn canonical(&self, value: &Value) -> Result<Option<Value>, String> {
        let given = value.to_text();
        let text = given.trim_matches(|letter: char| letter.is_ascii_whitespace());
        if means_absent(self.without_dot(text)) {
            return Ok(None);
        }
        let canonical = match self {
            Self::Text | Self::User | Self::Multiline => Some(Value::from(text)),
            Self::Other(choices) => {
                if let Some(choice) = choices
                    .iter()
                    .find(|choice| choice.eq_ignore_ascii_case(text))
                {
                    return Err(format!(
                        "`{choice}` belongs to another event kind of the same subject"
                    ));
                }
                Some(Value::from(text))
            }
            // Printing first gives the text that a reader will meet; scanning it is the check.
            _ => {
                let whole = self
                    .scan(text, 0)
                    .is_some_and(|ends| ends.end == text.len() || ends.longer == Some(text.len()));
                whole.then(|| self.meaning(text).value).flatten()
            }
        };
        match canonical {
            Some(canonical) => Ok(Some(canonical)),
            None => Err(self.expectation()),
        }
    }

    /// What a value of this type looks like, for error messages.
    pub(crate) fn expectation(&self) -> String {
        match self {
            Self::Ip => "an IPv4 or IPv6 address such as 192.168.1.100".into(),
            Self::Port => "a port from 1 to 65535, such as 443 or 53/udp".into(),
            Self::Mac => "a hardware address such as 00:1B:44:11:3A:B7".into(),
            Self::Cve => "a CVE id such as CVE-2021-44228".into(),
            Self::Advisory => {
                "the id of a vulnerability such as CVE-2021-44228 or GHSA-jfh8-c2jp-5v3q".into()
            }
            Self::Severity => "one of info, low, medium, high, critical".into(),
            Self::Timestamp => "a time such as 2024-01-15T10:30:00Z".into(),
            Self::Date => "a date such as 2024-01-15".into(),
            Self::Host => "a host name such as server-01.example.com".into(),
            Self::Int => "a whole number of at most 18 digits".into(),
            Self::Decimal => "a decimal number of at most 15 digits".into(),
            Self::Word => "one word without spaces, not ending in punctuation".into(),
            Self::Enum(choices) => format!("one of {}", choices.join(", ")),
            Self::Text | Self::Other(_) | Self::User => "a line of text".into(),
            Self::Multiline => "a text".into(),
        }
    }

    /// A canonical value as it stands in a body.
    pub(crate) fn print(&self, value: &Value, protocol: Option<&str>) -> String {
        match (self, value) {
            (Self::Timestamp, Value::Text(text)) => time::print(text),
            (Self::Severity, Value::Text(text)) => text
                .parse::<Severity>()
                .map_or_else(|_| text.clone(), |severity| severity.title().to_owned()),
            (Self::Port, _) => match protocol {
                Some(protocol) => format!("{value}/{protocol}"),
                None => value.to_string(),
            },
            _ => value.to_string(),
        }
    }
}

/// The canonical protocol of a port.
pub(crate) fn canonical_protocol(value: &Value) -> Option<&'static str> {
    number::canonical_protocol(&value.to_text())
}
