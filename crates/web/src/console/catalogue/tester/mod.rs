//! What a payload would be read as, field by field, and what else comes close.

mod reading;

use askama::Template;
use axum::extract::State;
use domain::EventId;
use domain::message::Decode;
use serde::Deserialize;
use serde_json::json;

use reading::Tested;

use crate::App;
use crate::api::lesson::coverage::{Coverage, coverage};
use crate::blocking::blocking;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Caller, Posted, Query};

/// Longest payload that is put back into the form, in bytes: a form takes a few times as much.
const FORM_BYTES: usize = 128 * 1024;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Id of a stored event.
    event: Option<String>,
    /// Code of a kind, one of whose samples is tried.
    kind: Option<String>,
    sample: Option<String>,
    /// How well the newest events are read is counted as well.
    coverage: Option<String>,
}

/// What is typed: subject and body, or the payload as it came.
#[derive(Debug, Default)]
struct Draft {
    subject: String,
    body: String,
    raw: String,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/tester.html")]
pub(super) struct TesterPage {
    frame: Frame,
    draft: Draft,
    /// The stored event that is looked at.
    event: Option<String>,
    tested: Option<Tested>,
    coverage: Option<Coverage>,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let caller = &visitor.caller;
    let (draft, event) = match (&asked.event, &asked.kind) {
        (Some(id), _) if !id.is_empty() => {
            let draft = Draft::of_event(&app, caller, id).await?;
            (draft, Some(visible(id)))
        }
        (_, Some(code)) => (
            Draft::of_sample(caller, code, asked.sample.as_deref())?,
            None,
        ),
        _ => (Draft::default(), None),
    };
    let coverage = match asked.coverage {
        Some(_) => Some(coverage(&app, caller).await?),
        None => None,
    };
    shown(&app, &visitor, draft, event, coverage).await
}

/// Nothing is stored of what is tried.
pub(super) async fn test(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    visitor.viewer(&posted)?;
    let text = |name| posted.text(name).replace("\r\n", "\n");
    let draft = Draft {
        subject: text("subject"),
        body: text("body"),
        raw: text("raw"),
    };
    shown(&app, &visitor, draft, None, None).await
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    draft: Draft,
    event: Option<String>,
    coverage: Option<Coverage>,
) -> Page {
    let tested = match draft.payload() {
        None => None,
        Some(payload) => {
            let (configuration, now) = (visitor.caller.configuration.clone(), app.now());
            // Reading is bounded, but a hostile megabyte may take a while.
            let read = move || Tested::new(&payload, &configuration, now);
            Some(blocking(read).await?)
        }
    };
    page(&TesterPage {
        frame: Frame::new(visitor, Here::Catalogue, "Pattern tester", None),
        draft: draft.fitting(),
        event,
        tested,
        coverage,
    })
}

impl Draft {
    /// A stored alert: as it came where its message holds it alone, for another alert may be somebody else's.
    async fn of_event(app: &App, caller: &Caller, id: &str) -> Result<Self, Problem> {
        let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
        let event = app.store().event(caller.scope(), id).await?;
        let event = event.ok_or_else(|| Problem::not_found("event"))?;
        let message = app.store().message(caller.scope(), event.message).await?;
        let raw = message
            .filter(|(_, events)| event.source.is_some() && events.len() == 1)
            .and_then(|(message, _)| String::from_utf8(message.raw).ok());
        Ok(match raw {
            Some(raw) if event.reading.decode != Decode::Ok => Self {
                raw,
                ..Self::default()
            },
            _ => Self {
                subject: event.subject,
                body: event.body,
                raw: String::new(),
            },
        })
    }

    fn of_sample(caller: &Caller, code: &str, number: Option<&str>) -> Result<Self, Problem> {
        let kind = caller.configuration.catalogue().kind(code);
        let kind = kind.ok_or_else(|| Problem::not_found("event kind"))?;
        let number = number.and_then(|number| number.parse().ok()).unwrap_or(0);
        let example: Option<&alertwire_catalogue::Example> = kind.examples.get(number);
        Ok(Self {
            subject: kind.subject.clone(),
            body: example.map_or_else(String::new, |example| example.body.clone()),
            raw: String::new(),
        })
    }

    /// The bytes that a source would get; none while nothing is typed.
    fn payload(&self) -> Option<Vec<u8>> {
        if !self.raw.trim().is_empty() {
            return Some(self.raw.clone().into_bytes());
        }
        if self.subject.is_empty() && self.body.is_empty() {
            return None;
        }
        let alert = json!({"subject": self.subject, "body": self.body});
        Some(alert.to_string().into_bytes())
    }

    /// What is too long for a form is tested, and not put into it. What holds characters that cannot be seen is put into it as a
    /// payload that names them, for a field of a form has no badges.
    fn fitting(self) -> Self {
        let length = self.subject.len() + self.body.len() + self.raw.len();
        if length > FORM_BYTES {
            return Self::default();
        }
        let is_plain = |text: &str| text.lines().all(|line| visible(line) == line);
        if !self.raw.is_empty() || (is_plain(&self.subject) && is_plain(&self.body)) {
            return self;
        }
        let alert = json!({"subject": self.subject, "body": self.body});
        Self {
            raw: named(&alert.to_string()),
            ..Self::default()
        }
    }
}

/// JSON with an escape in the place of each character that cannot be seen.
fn named(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if visible(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

impl TesterPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let configuration = domain::configuration::Configuration::default();
        let at = domain::Timestamp::from_micros(1_764_122_400_000_000);
        let tested = |payload: &str| Tested::new(payload.as_bytes(), &configuration, at);
        let page = |tested: Option<Tested>, coverage| Self {
            frame: Frame::sample(Here::Catalogue),
            draft: Draft {
                subject: "\"><script>alert(1)</script>".to_owned(),
                body: "</textarea><img src=x onerror=alert(1)>".to_owned(),
                raw: String::new(),
            },
            event: tested.as_ref().map(|_| visible(hostile)),
            tested,
            coverage,
        };
        let alert =
            |subject: &str, body: &str| json!({"subject": subject, "body": body}).to_string();
        vec![
            page(None, None),
            page(
                Some(tested(&alert(
                    "Asset Ports",
                    "Open Port 443 Discovered for Asset 192.168.1.100",
                ))),
                Some(Coverage {
                    full: 9,
                    partial: 1,
                    ..Coverage::default()
                }),
            ),
            page(
                Some(tested(&alert(
                    hostile,
                    "New asset added with ip 10.0.0.5. <script>",
                ))),
                Some(Coverage::default()),
            ),
            page(Some(tested(&format!("{hostile} no JSON"))), None),
            page(
                Some(tested(&alert(
                    "New Asset(s) Added",
                    &format!("New asset added with ip 10.0.0.5. {hostile}"),
                ))),
                None,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named_in_the_form() {
        let draft = Draft {
            subject: "a\u{202e}b".to_owned(),
            body: "c\u{e0041}\n".to_owned(),
            raw: String::new(),
        };
        let payload = draft.payload();
        let fitting = draft.fitting();
        assert!(fitting.raw.contains(r"a\u202eb") && fitting.raw.contains(r"c\udb40\udc41\n"));
        let read = |bytes: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
        assert_eq!(read(payload.unwrap()), read(fitting.payload().unwrap()));
    }
}
