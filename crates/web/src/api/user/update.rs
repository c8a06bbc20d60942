use axum::Json;
use axum::extract::State;
use domain::UserId;
use domain::access::Role;
use domain::user::{User, is_last_admin};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::{UserView, last_admin, newest};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::form::or_null;
use crate::read::{Admin, Caller, Form, Id};

/// What is not named stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPatch {
    name: Option<String>,
    /// `admin`, `operator` or `viewer`.
    role: Option<String>,
    /// In the place of the former; null means all.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<Vec<String>>)]
    companies: Option<Option<Vec<String>>>,
    enabled: Option<bool>,
}

/// Change a user. Their sessions end when anything changes, so that nobody goes on by what they no longer are.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "access", params(("id" = String, Path)),
    request_body = UserPatch, responses((status = 200, body = UserView),
        (status = 409, body = crate::problem::ProblemView, description = "They are the last who could let others in.")))]
pub(crate) async fn update(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
    Form(patch): Form<UserPatch>,
) -> Answer<UserView> {
    let (stored, configuration) = newest(&app, id).await?;
    let caller = caller.before(configuration);
    let changed = patch.over(&stored, &caller)?;
    if is_last_admin(id, &caller.configuration) && !changed.rules_all() {
        return Err(last_admin());
    }
    let sign_ins = app.store().sign_ins().await?;
    let view = UserView::new(&changed, sign_ins.get(&id).copied());
    if changed != *stored {
        // At the epoch it was judged by: two who demote each other at once must not both succeed.
        let (epoch, changes) = (
            caller.configuration.epoch,
            vec![Change::UpdateUser(changed)],
        );
        app.store()
            .change_all_at(epoch, changes, &caller.actor(), app.now())
            .await?;
    }
    Ok(Json(view))
}

impl UserPatch {
    fn over(self, stored: &User, caller: &Caller) -> Result<User, Problem> {
        let mut fields = Fields::default();
        let mut changed = stored.clone();
        if let Some(name) = &self.name {
            changed.name = fields.name(name).unwrap_or_default();
        }
        if let Some(role) = &self.role {
            let role = fields.take("/role", role.parse::<Role>());
            changed.role = role.unwrap_or(stored.role);
        }
        if let Some(companies) = &self.companies {
            changed.scope = super::scope(&mut fields, companies.as_deref(), caller);
        }
        changed.enabled = self.enabled.unwrap_or(stored.enabled);
        fields.finish().map(|()| changed)
    }
}
