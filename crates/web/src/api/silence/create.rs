use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::access::Actor;
use domain::filter::{Filter, Place};
use domain::silence::{
    COMPANIES, Every, KEPT, REASON_CHARS, Repeat, SILENCES, Silence, State as Life,
};
use domain::{CompanyId, SilenceId, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use store::Change;
use utoipa::{IntoParams, ToSchema};

use super::SilenceView;
use super::preview::{PreviewView, preview};
use crate::App;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::{Caller, Form, Operator, Params, Query};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceForm {
    pub(in crate::api) name: String,
    /// Which events: `severity<=medium event=problem.* field.hostname=~"web-.*"`.
    pub(in crate::api) filter: String,
    /// Ids or names of companies; empty means all, which takes a key that is for all.
    #[serde(default)]
    pub(in crate::api) companies: Vec<String>,
    /// From now on when it is not there.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) from: Option<Timestamp>,
    /// At most a year (366 days) ahead.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::api) until: Timestamp,
    /// `daily` or `weekly`: the span from `from` to `until` comes again each day or week (UTC), up to `repeat_until`.
    pub(in crate::api) repeat: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) repeat_until: Option<Timestamp>,
    pub(in crate::api) reason: String,
}

/// What a silence keeps from when it was made.
#[derive(Debug)]
pub(in crate::api) struct Origin {
    pub(in crate::api) id: SilenceId,
    pub(in crate::api) author: Actor,
    pub(in crate::api) created_at: Timestamp,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// `true`: nothing is made; the answer says how many events of the last days it would have muted.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// Of a dry run: how many days, 1 to 30; 1 unless told.
    #[param(value_type = Option<u16>)]
    days: Option<String>,
}

/// Make a silence, or see what it would have muted.
#[utoipa::path(post, path = "/api/v1/silences", tag = "silences", params(CreateQuery), request_body = SilenceForm,
    responses((status = 201, body = SilenceView), (status = 200, description = "A dry run.", body = PreviewView)))]
pub(crate) async fn create(
    app: State<App>,
    Operator(caller): Operator,
    Query(query): Query<CreateQuery>,
    Form(form): Form<SilenceForm>,
) -> Result<Response, Problem> {
    if let Some(days) = query.parse()? {
        let view = rehearse(&app, &caller, &form, days).await?;
        return Ok(Json(view).into_response());
    }
    let view = make(&app, &caller, &form).await?;
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// What the silence of a form would have muted in the last days; nothing is made.
pub(crate) async fn rehearse(
    app: &App,
    caller: &Caller,
    form: &SilenceForm,
    days: u16,
) -> Result<PreviewView, Problem> {
    let silence = form.fresh(app, caller, app.now())?;
    preview(app, caller, &silence, days).await
}

/// Makes the silence of a form.
pub(crate) async fn make(
    app: &App,
    caller: &Caller,
    form: &SilenceForm,
) -> Result<SilenceView, Problem> {
    let now = app.now();
    let silence = form.fresh(app, caller, now)?;
    expect_room(caller, now)?;
    let view = SilenceView::new(&silence, caller, now);
    app.store()
        .change(Change::InsertSilence(silence), &caller.actor(), now)
        .await?;
    Ok(view)
}

impl CreateQuery {
    /// The days of a dry run; none when it is none.
    fn parse(self) -> Result<Option<u16>, Problem> {
        let mut params = Params::default();
        let dry_run = params.read("dry_run", self.dry_run.as_deref());
        let days = params.with("days", self.days.as_deref(), |text| {
            crate::api::what_if::days(text.parse().unwrap_or(0))
        });
        params.finish()?;
        Ok(dry_run.unwrap_or(false).then(|| days.unwrap_or(1)))
    }
}

/// Counted by the snapshot that the call began with, so calls at the same moment may pass the bound by a few.
fn expect_room(caller: &Caller, now: Timestamp) -> Result<(), Problem> {
    let (mut lasting, mut all) = (0, 0);
    for silence in caller.configuration.silences() {
        all += 1;
        lasting += usize::from(silence.state(now) != Life::Ended);
    }
    if lasting >= SILENCES {
        return Err(Problem::wrong_state(format!(
            "there are {SILENCES} silences that have not ended, and no more can be; end some, or make one of several"
        )));
    }
    if all >= KEPT {
        return Err(Problem::wrong_state(format!(
            "{KEPT} silences are kept, those that have ended included, and no more can be; remove some that have ended"
        )));
    }
    Ok(())
}

impl SilenceForm {
    /// A new silence of the caller's.
    fn fresh(&self, app: &App, caller: &Caller, now: Timestamp) -> Result<Silence, Problem> {
        let origin = Origin {
            id: app.fresh(SilenceId::new),
            author: caller.actor(),
            created_at: now,
        };
        let mut fields = Fields::default();
        let silence = self.parse(&mut fields, origin, caller, now);
        fields.finish_with(silence)
    }

    /// The silence that it makes of an origin, new or known. It begins now when it does not say.
    pub(in crate::api) fn parse(
        &self,
        fields: &mut Fields,
        origin: Origin,
        caller: &Caller,
        now: Timestamp,
    ) -> Option<Silence> {
        let name = fields.name(&self.name);
        let filter = fields.take("/filter", Filter::parse_for(Place::Silence, &self.filter));
        fields.at_most("/companies", self.companies.len(), COMPANIES);
        let named = &self.companies[..self.companies.len().min(COMPANIES)];
        let companies = fields.companies("/companies", named, caller);
        if self.companies.is_empty() && !caller.sees_all() {
            fields.error(
                "/companies",
                "names at least one company, for the key is not for all of them",
            );
        }
        let repeat = self.repeat(fields);
        let reason = fields.take("/reason", reason(&self.reason));
        let silence = Silence {
            id: origin.id,
            name: name?,
            filter: filter?,
            companies,
            from: self.from.unwrap_or(now),
            until: self.until,
            repeat: repeat?,
            reason: reason?,
            author: origin.author,
            created_at: origin.created_at,
            ended_at: None,
        };
        if let Err(error) = silence.check(now) {
            fields.error(format!("/{}", error.field), error.rule);
        }
        Some(silence)
    }

    fn repeat(&self, fields: &mut Fields) -> Option<Option<Repeat>> {
        match (self.repeat.as_deref(), self.repeat_until) {
            (None, None) => Some(None),
            (Some(word), Some(until)) => {
                let every = Every::ALL.into_iter().find(|every| every.as_str() == word);
                let every = fields.take("/repeat", every.ok_or("is `daily` or `weekly`"))?;
                Some(Some(Repeat { every, until }))
            }
            (Some(_), None) => {
                fields.error(
                    "/repeat_until",
                    "is missing; a window comes again until then",
                );
                None
            }
            (None, Some(_)) => {
                fields.error(
                    "/repeat",
                    "is missing; it says how often the window comes again",
                );
                None
            }
        }
    }
}

impl From<&Silence> for SilenceForm {
    fn from(silence: &Silence) -> Self {
        Self {
            name: silence.name.clone(),
            filter: silence.filter.to_string(),
            companies: silence.companies.iter().map(CompanyId::to_string).collect(),
            from: Some(silence.from),
            until: silence.until,
            repeat: silence
                .repeat
                .map(|repeat| repeat.every.as_str().to_owned()),
            repeat_until: silence.repeat.map(|repeat| repeat.until),
            reason: silence.reason.clone(),
        }
    }
}

/// A reason is one line that says something.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("must not be empty; it tells others why they hear nothing".to_owned());
    }
    if text.chars().count() > REASON_CHARS {
        return Err(format!("must be at most {REASON_CHARS} characters long"));
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters".to_owned());
    }
    Ok(text.to_owned())
}
