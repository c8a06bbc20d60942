//! The bodies of a lesson: those of named events, or the unread ones of a subject.

use std::sync::Arc;

use alertwire_catalogue::{Catalogue, LONGEST_BODY, MOST_BODIES};
use domain::EventId;
use domain::event::Event;
use domain::message::Decode;

use super::{Examined, folded, is_unread, walk};
use crate::App;
use crate::api::fields::Fields;
use crate::api::what_if::{days, last_days};
use crate::problem::Problem;
use crate::read::Caller;

/// Days that are looked back when none are said.
const DAYS: u64 = 30;

/// What a lesson is about.
#[derive(Debug)]
pub(super) struct Asked {
    subject: Option<String>,
    events: Vec<EventId>,
    pub(super) days: u16,
}

/// Bodies with one subject.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) subject: String,
    pub(super) bodies: Vec<String>,
    /// Events of the subject among those that were looked at, and those of them that are not read in full.
    pub(super) events: u64,
    pub(super) unread: u64,
    pub(super) examined: Examined,
}

impl Asked {
    pub(super) fn parse(
        subject: Option<&str>,
        events: &[String],
        back: Option<u64>,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let days = fields.take("/days", days(back.unwrap_or(DAYS)));
        fields.at_most("/events", events.len(), MOST_BODIES);
        let mut ids = Vec::new();
        for (index, text) in events.iter().enumerate().take(MOST_BODIES) {
            let what = "is the id of an event";
            ids.extend(fields.take(
                &format!("/events/{index}"),
                text.parse::<EventId>().map_err(|_| what),
            ));
        }
        let subject = subject.map(str::trim).filter(|subject| !subject.is_empty());
        if subject.is_none() && events.is_empty() {
            fields.error("/subject", "is missing; or name `events`");
        }
        let asked = days.map(|days| Self {
            subject: subject.map(str::to_owned),
            events: ids,
            days,
        });
        fields.finish_with(asked)
    }

    pub(super) async fn gather(&self, app: &App, caller: &Caller) -> Result<Gathered, Problem> {
        let named = app.store().events_of(caller.scope(), &self.events).await?;
        let subject = match (&self.subject, named.first()) {
            (Some(subject), _) => subject.clone(),
            (None, Some(event)) => event.subject.clone(),
            (None, None) => return Err(Problem::not_found("event")),
        };
        let wanted = folded(&subject);
        if let Some(other) = named.iter().find(|event| folded(&event.subject) != wanted) {
            let detail = format!(
                "{} has another subject; a wording is taught for one subject at a time",
                other.id
            );
            return Err(Problem::field("/events", detail));
        }
        let gathering = Gathering {
            catalogue: Arc::clone(caller.configuration.catalogue()),
            wanted,
            whole: named.is_empty(),
            bodies: named.into_iter().map(|event| event.body).collect(),
            events: 0,
            unread: 0,
        };
        let over = last_days(self.days, app.now());
        let (gathering, examined) =
            walk(app, caller.scope(), over, gathering, Gathering::see).await?;
        if gathering.bodies.is_empty() {
            let detail = format!(
                "no event of the last {} days with this subject is unread; look at GET /api/v1/catalog/unknown",
                self.days
            );
            return Err(Problem::field("/subject", detail));
        }
        Ok(Gathered {
            subject,
            bodies: gathering.bodies,
            events: gathering.events,
            unread: gathering.unread,
            examined,
        })
    }
}

struct Gathering {
    catalogue: Arc<Catalogue>,
    wanted: String,
    /// No events were named: all unread ones teach.
    whole: bool,
    bodies: Vec<String>,
    events: u64,
    unread: u64,
}

impl Gathering {
    fn see(&mut self, event: &Event) -> bool {
        if event.reading.decode != Decode::Failed && folded(&event.subject) == self.wanted {
            self.events += 1;
            if is_unread(event, &self.catalogue) {
                self.unread += 1;
                let fits = self.bodies.len() < MOST_BODIES && event.body.len() <= LONGEST_BODY;
                if self.whole && fits && !event.body.trim().is_empty() {
                    self.bodies.push(event.body.clone());
                }
            }
        }
        true
    }
}
