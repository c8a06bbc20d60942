use axum::Json;
use axum::extract::State;
use domain::silence::State as Life;
use domain::{SilenceId, Timestamp};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::create::{Origin, SilenceForm};
use super::{SilenceView, find_own};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::form::or_null;
use crate::read::{Form, Id, Operator};

/// What is not named stays as it is; null takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilencePatch {
    pub(in crate::api) name: Option<String>,
    pub(in crate::api) filter: Option<String>,
    /// In the place of the former; empty means all.
    pub(in crate::api) companies: Option<Vec<String>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) until: Option<Timestamp>,
    /// Null: it comes only once; then `repeat_until` goes as well.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    pub(in crate::api) repeat: Option<Option<String>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) repeat_until: Option<Option<Timestamp>>,
    pub(in crate::api) reason: Option<String>,
}

/// Change a silence that has not ended. What it has muted so far stays muted.
#[utoipa::path(patch, path = "/api/v1/silences/{id}", tag = "silences", params(("id" = String, Path)),
    request_body = SilencePatch, responses((status = 200, body = SilenceView)))]
pub(crate) async fn update(
    app: State<App>,
    Operator(caller): Operator,
    Id(id): Id<SilenceId>,
    Form(patch): Form<SilencePatch>,
) -> Answer<SilenceView> {
    let stored = find_own(id, &caller)?;
    let now = app.now();
    if stored.state(now) == Life::Ended {
        return Err(Problem::wrong_state(
            "the silence has ended, and what it muted stands by it; make a new one",
        ));
    }
    let origin = Origin {
        id,
        author: stored.author.clone(),
        created_at: stored.created_at,
    };
    let mut fields = Fields::default();
    let changed = patch
        .over((&**stored).into())
        .parse(&mut fields, origin, &caller, now);
    let mut changed = fields.finish_with(changed)?;
    changed.ended_at = stored.ended_at;
    let view = SilenceView::new(&changed, &caller, now);
    if changed != **stored {
        app.store()
            .change(Change::UpdateSilence(changed), &caller.actor(), now)
            .await?;
    }
    Ok(Json(view))
}

impl SilencePatch {
    /// The form of what is stored, with what is named in the place of the former.
    pub(in crate::api) fn over(self, stored: SilenceForm) -> SilenceForm {
        let repeat = self.repeat.unwrap_or(stored.repeat);
        let kept = stored.repeat_until.filter(|_| repeat.is_some());
        SilenceForm {
            name: self.name.unwrap_or(stored.name),
            filter: self.filter.unwrap_or(stored.filter),
            companies: self.companies.unwrap_or(stored.companies),
            from: self.from.or(stored.from),
            until: self.until.unwrap_or(stored.until),
            repeat_until: self.repeat_until.unwrap_or(kept),
            repeat,
            reason: self.reason.unwrap_or(stored.reason),
        }
    }
}
