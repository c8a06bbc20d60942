//! Structured logs on stderr: text for a terminal, JSON for machines. No field of a log line can break it or steer a terminal.

use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;

use domain::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;
use crate::config::settings::Log;
use crate::output::{harmless, harmless_json};

/// Switches logging on for the whole process. A second call changes nothing.
pub(crate) fn start(log: &Log, clock: &Clock) {
    let colour = log.format == LogFormat::Text
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let filter = EnvFilter::builder().parse_lossy(&log.level);
    // A second subscriber is refused, and the first goes on.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(Lines {
            clock: clock.clone(),
            format: log.format,
            colour: colour && std::io::stderr().is_terminal(),
        })
        .try_init();
}

struct Lines {
    clock: Clock,
    format: LogFormat,
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut facts = Facts::default();
        event.record(&mut facts);
        let metadata = event.metadata();
        let line = match self.format {
            LogFormat::Text => self.text(metadata.level(), facts),
            LogFormat::Json => self.json(metadata.level(), metadata.target(), facts),
        };
        writeln!(writer, "{line}")
    }
}

impl Lines {
    fn text(&self, level: &Level, facts: Facts) -> String {
        let colour = match *level {
            Level::ERROR => "\u{1b}[31m",
            Level::WARN => "\u{1b}[33m",
            Level::INFO => "\u{1b}[32m",
            _ => "\u{1b}[2m",
        };
        let (on, off) = if self.colour {
            (colour, "\u{1b}[0m")
        } else {
            ("", "")
        };
        let mut line = format!(
            "{} {on}{level:>5}{off} {}",
            self.clock.now(),
            harmless(&facts.message)
        );
        for (name, value) in facts.fields {
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let _ = write!(line, " {name}={}", harmless(&value));
        }
        line
    }

    fn json(&self, level: &Level, target: &str, facts: Facts) -> String {
        let mut line = Map::new();
        line.insert("time".into(), Value::String(self.clock.now().to_string()));
        line.insert("level".into(), Value::String(level.as_str().to_lowercase()));
        line.insert("target".into(), Value::String(target.to_owned()));
        line.insert("message".into(), Value::String(facts.message));
        line.extend(facts.fields);
        harmless_json(&Value::Object(line).to_string()).into_owned()
    }
}

/// What one event says.
#[derive(Default)]
struct Facts {
    message: String,
    fields: Map<String, Value>,
}

impl Facts {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => drop(self.fields.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Facts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(format: LogFormat) -> Lines {
        Lines {
            clock: Clock::new(|| domain::Timestamp::from_micros(0)),
            format,
            colour: false,
        }
    }

    fn facts() -> Facts {
        let mut fields = Map::new();
        fields.insert("host".into(), "a\r\n2026 ERROR forged\u{1b}[2J".into());
        Facts {
            message: "took\nit".into(),
            fields,
        }
    }

    #[test]
    fn a_hostile_field_stays_on_its_line() {
        let text = lines(LogFormat::Text).text(&Level::INFO, facts());
        assert_eq!(
            text,
            "1970-01-01T00:00:00Z  INFO took\\nit host=a\\r\\n2026 ERROR forged\\u{1b}[2J"
        );
        let json = lines(LogFormat::Json).json(&Level::INFO, "alertwire", facts());
        assert!(!json.contains(['\n', '\r', '\u{1b}']));
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap()["message"],
            "took\nit"
        );
    }
}
