use axum::Json;
use axum::extract::State;
use domain::EventSetId;
use domain::event_set::EventSet;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::create::EventSetForm;
use super::{EventSetView, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Id};

/// What is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventSetPatch {
    name: Option<String>,
    notify_by: Option<String>,
    /// In the place of the former.
    events: Option<Vec<String>>,
    critical_bypass: Option<bool>,
}

/// Change an event set, for all rules that use it.
#[utoipa::path(patch, path = "/api/v1/event-sets/{id}", tag = "event sets", params(("id" = String, Path)),
    request_body = EventSetPatch, responses((status = 200, body = EventSetView)))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<EventSetId>,
    Form(patch): Form<EventSetPatch>,
) -> Answer<EventSetView> {
    let stored = find(id, &caller)?;
    let changed = patch.draft(id, &caller)?;
    let view = EventSetView::from(&changed);
    if changed != *stored {
        app.store()
            .change(Change::UpdateEventSet(changed), &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

impl EventSetPatch {
    /// What it makes of the stored set; nothing is stored yet.
    pub(crate) fn draft(self, id: EventSetId, caller: &Caller) -> Result<EventSet, Problem> {
        let stored = find(id, caller)?;
        let mut fields = Fields::default();
        let (known, kept) = ((id, stored.created_at), &stored.events);
        let form = self.over(stored.into());
        let changed = form.parse(&mut fields, known, caller.configuration.catalogue(), kept);
        fields.finish_with(changed)
    }

    fn over(self, stored: EventSetForm) -> EventSetForm {
        EventSetForm {
            name: self.name.unwrap_or(stored.name),
            notify_by: self.notify_by.or(stored.notify_by),
            events: self.events.unwrap_or(stored.events),
            critical_bypass: self.critical_bypass.unwrap_or(stored.critical_bypass),
        }
    }
}
