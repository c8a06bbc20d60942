use axum::extract::State;
use domain::catalogue::{Catalogue, nearest};
use domain::event_set::{EVENTS, EventSet, NotifyBy};
use domain::{EventSetId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::EventSetView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form};

/// As it is given, and as the configuration file has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventSetForm {
    pub(in crate::api) name: String,
    /// `event` (the default), `asset`, `product` or `company`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) notify_by: Option<String>,
    /// Critical events do not wait for the window.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::api) critical_bypass: bool,
    /// Codes of the catalogue.
    pub(in crate::api) events: Vec<String>,
}

/// Make an event set.
#[utoipa::path(post, path = "/api/v1/event-sets", tag = "event sets", request_body = EventSetForm,
    responses((status = 201, body = EventSetView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<EventSetForm>,
) -> Made<EventSetView> {
    let set = form.draft(&app, &caller)?;
    let view = EventSetView::from(&set);
    app.store()
        .change(Change::InsertEventSet(set), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl EventSetForm {
    /// The new set that it makes; nothing is stored yet.
    pub(crate) fn draft(&self, app: &App, caller: &Caller) -> Result<EventSet, Problem> {
        let mut fields = Fields::default();
        let known = (app.fresh(EventSetId::new), app.now());
        let set = self.parse(&mut fields, known, caller.configuration.catalogue(), &[]);
        fields.finish_with(set)
    }

    /// The set that it makes of an id and the time of its making, new or known. One that is known may keep kinds that are no
    /// more.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        (id, created_at): (EventSetId, Timestamp),
        catalogue: &Catalogue,
        kept: &[String],
    ) -> Option<EventSet> {
        let name = fields.name(&self.name);
        let notify_by = fields.take("/notify_by", notify_by(self.notify_by.as_deref()));
        fields.at_most("/events", self.events.len(), EVENTS);
        if self.events.is_empty() {
            fields.error("/events", "names at least one event of the catalogue");
        }
        for (index, code) in self.events.iter().enumerate().take(EVENTS) {
            if catalogue.kind(code).is_none() && !kept.contains(code) && !fields.is_full() {
                fields.error(format!("/events/{index}"), unknown(code, catalogue));
            }
        }
        let mut events = self.events.clone();
        events.sort_unstable();
        events.dedup();
        Some(EventSet {
            id,
            name: name?,
            notify_by: notify_by?,
            events,
            critical_bypass: self.critical_bypass,
            created_at,
        })
    }
}

impl From<&EventSet> for EventSetForm {
    fn from(set: &EventSet) -> Self {
        Self {
            name: set.name.clone(),
            notify_by: Some(set.notify_by.as_str().to_owned()),
            events: set.events.clone(),
            critical_bypass: set.critical_bypass,
        }
    }
}

fn notify_by(word: Option<&str>) -> Result<NotifyBy, String> {
    let Some(word) = word else {
        return Ok(NotifyBy::default());
    };
    NotifyBy::ALL
        .into_iter()
        .find(|by| by.as_str() == word)
        .ok_or_else(|| {
            let words = NotifyBy::ALL.map(NotifyBy::as_str);
            let shown: String = word.chars().take(64).collect();
            match nearest(word, words.into_iter()) {
                Some(name) => format!(
                    "`{shown}` is not one of {}; did you mean `{name}`?",
                    words.join(", ")
                ),
                None => format!("`{shown}` is not one of {}", words.join(", ")),
            }
        })
}

fn unknown(code: &str, catalogue: &Catalogue) -> String {
    let shown: String = code.chars().take(64).collect();
    match catalogue.nearest(code) {
        Some(name) => format!("there is no event `{shown}`; did you mean `{name}`?"),
        None => format!("there is no event `{shown}`; GET /api/v1/catalog lists them"),
    }
}
