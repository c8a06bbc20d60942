use axum::extract::State;
use domain::EventSetId;
use domain::catalogue::nearest;
use domain::event_set::{EVENTS, EventSet, NotifyBy};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::EventSetView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Form};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventSetForm {
    name: String,
    /// `event` (the default), `asset`, `product` or `company`.
    notify_by: Option<String>,
    /// Codes of the catalogue.
    events: Vec<String>,
    /// Critical events do not wait for the window.
    #[serde(default)]
    critical_bypass: bool,
}

/// Make an event set.
#[utoipa::path(post, path = "/api/v1/event-sets", tag = "event sets", request_body = EventSetForm,
    responses((status = 201, body = EventSetView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<EventSetForm>,
) -> Made<EventSetView> {
    let set = form.parse(&app)?;
    let view = EventSetView::from(&set);
    app.store()
        .change(Change::InsertEventSet(set), &caller.actor(), app.now())
        .await?;
    made(view)
}

impl EventSetForm {
    fn parse(mut self, app: &App) -> Result<EventSet, Problem> {
        let mut fields = Fields::default();
        let name = fields.name(&self.name);
        let notify_by = fields.take("/notify_by", notify_by(self.notify_by.as_deref()));
        fields.at_most("/events", self.events.len(), EVENTS);
        if self.events.is_empty() {
            fields.error("/events", "names at least one event of the catalogue");
        }
        for (index, code) in self.events.iter().enumerate().take(EVENTS) {
            if app.catalogue().kind(code).is_none() {
                fields.error(format!("/events/{index}"), unknown(code, app));
            }
        }
        self.events.sort_unstable();
        self.events.dedup();
        let (name, notify_by) = fields.finish_with(name.zip(notify_by))?;
        Ok(EventSet {
            id: app.fresh(EventSetId::new),
            name,
            notify_by,
            events: self.events,
            critical_bypass: self.critical_bypass,
            created_at: app.now(),
        })
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

fn unknown(code: &str, app: &App) -> String {
    let shown: String = code.chars().take(64).collect();
    match app.catalogue().nearest(code) {
        Some(name) => format!("there is no event `{shown}`; did you mean `{name}`?"),
        None => format!("there is no event `{shown}`; GET /api/v1/catalog lists them"),
    }
}
