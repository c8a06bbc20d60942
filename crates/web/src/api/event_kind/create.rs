use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::access::Actor;
use domain::catalogue::{Diagnostic, Entry};
use domain::configuration::Configuration;
use domain::event_kind::{Adds, ENTRIES, ENTRY_BYTES, EventKind};
use domain::{EventKindId, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::{IntoParams, ToSchema};

use super::{EventKindView, told};
use crate::App;
use crate::api::fields::Fields;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Params, Query};

/// As it is given, and as the configuration file has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventKindForm {
    /// The text of a catalogue file with one `[[event]]` (a kind) or one `[[extend]]` (wordings for a kind that is there), at
    /// most 64 KiB.
    pub(in crate::api) file: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// `true`: only check it.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

/// What an entry keeps from when it was made.
#[derive(Debug)]
pub(in crate::api) struct Origin {
    pub(in crate::api) id: EventKindId,
    pub(in crate::api) author: Actor,
    pub(in crate::api) created_at: Timestamp,
}

/// Add an event kind, or wordings for one. It is checked as `alertwire catalog check` does it, beside all that is there.
#[utoipa::path(post, path = "/api/v1/catalog/kinds", tag = "catalogue", params(CreateQuery), request_body = EventKindForm,
    responses((status = 201, body = EventKindView), (status = 200, description = "A dry run.", body = EventKindView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Query(query): Query<CreateQuery>,
    Form(form): Form<EventKindForm>,
) -> Result<Response, Problem> {
    let mut params = Params::default();
    let dry_run = params.read("dry_run", query.dry_run.as_deref());
    params.finish()?;
    let dry_run = dry_run.unwrap_or(false);
    let view = add(&app, &caller, form, dry_run).await?;
    let status = if dry_run {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(view)).into_response())
}

/// Adds the entry of a form; of a dry run it is only checked.
pub(crate) async fn add(
    app: &App,
    caller: &Caller,
    form: EventKindForm,
    dry_run: bool,
) -> Result<EventKindView, Problem> {
    let origin = Origin {
        id: app.fresh(EventKindId::new),
        author: caller.actor(),
        created_at: app.now(),
    };
    let kind = checked(form, origin, &caller.configuration).await?;
    let view = EventKindView::new(&kind, &caller.configuration);
    if dry_run {
        return Ok(view);
    }
    if caller.configuration.event_kinds().count() >= ENTRIES {
        return Err(Problem::wrong_state(format!(
            "there are {ENTRIES} event kinds and wordings of your own, and no more can be; remove some"
        )));
    }
    let (epoch, change) = (caller.configuration.epoch, Change::InsertEventKind(kind));
    app.store()
        .change_all_at(epoch, vec![change], &caller.actor(), app.now())
        .await?;
    Ok(view)
}

/// Checks away from the runtime's threads: a thousand made-up bodies are read for it.
pub(in crate::api) async fn checked(
    form: EventKindForm,
    origin: Origin,
    configuration: &std::sync::Arc<Configuration>,
) -> Result<EventKind, Problem> {
    let configuration = configuration.clone();
    let check = move || {
        let mut fields = Fields::default();
        let kind = form.parse(&mut fields, origin, &configuration);
        fields.finish_with(kind)
    };
    blocking(check).await?
}

impl EventKindForm {
    /// The entry that it makes of an origin, new or known, when the catalogue stays good with it. The entry that stands in
    /// its place now is not looked at.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        origin: Origin,
        configuration: &Configuration,
    ) -> Option<EventKind> {
        if self.file.len() > ENTRY_BYTES {
            fields.error("/file", format!("has at most {ENTRY_BYTES} bytes"));
            return None;
        }
        let mut refuse = |found: Vec<Diagnostic>| {
            for finding in &found {
                fields.error("/file", told(finding));
            }
        };
        let entry = Entry::read("file", &self.file).map_err(&mut refuse).ok()?;
        let kind = EventKind {
            id: origin.id,
            code: entry.code,
            adds: if entry.extends {
                Adds::Wordings
            } else {
                Adds::Kind
            },
            file: self.file.clone(),
            author: origin.author,
            created_at: origin.created_at,
        };
        let found = faults(&kind, configuration);
        if found.is_empty() {
            return Some(kind);
        }
        refuse(found);
        None
    }
}

/// What is wrong with an entry beside all others that there are.
pub(in crate::api) fn faults(kind: &EventKind, configuration: &Configuration) -> Vec<Diagnostic> {
    let mut others: Vec<_> = configuration
        .event_kinds()
        .filter(|other| other.id != kind.id)
        .collect();
    others.sort_unstable_by_key(|other| other.id);
    let named: Vec<_> = others
        .iter()
        .map(|other| (other.name(), other.file.as_str()))
        .collect();
    let known: Vec<_> = named
        .iter()
        .map(|(name, file)| (name.as_str(), *file))
        .collect();
    let catalogue = configuration.base_catalogue();
    catalogue.check_entry(&known, (&kind.name(), &kind.file))
}

impl From<&EventKind> for EventKindForm {
    fn from(kind: &EventKind) -> Self {
        Self {
            file: kind.file.clone(),
        }
    }
}
