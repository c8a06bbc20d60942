use axum::extract::State;
use domain::user::Password;
use domain::{Secret, UserId};
use http::StatusCode;
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::newest;
use crate::App;
use crate::api::fields::Fields;
use crate::door;
use crate::problem::Problem;
use crate::read::{Client, Form, Id, Viewer};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordForm {
    /// 12 characters or more, at most 1,024 bytes.
    #[schema(value_type = String)]
    password: Secret<String>,
    /// Of whoever changes their own: whoever finds an open browser does not have it.
    #[schema(value_type = Option<String>)]
    current_password: Option<Secret<String>>,
}

/// Give a user another password. Their sessions end. An admin may do so for everybody else, and all for themselves.
#[utoipa::path(post, path = "/api/v1/users/{id}/password", tag = "access", params(("id" = String, Path)),
    request_body = PasswordForm, responses((status = 204, description = "It holds from now on.")))]
pub(crate) async fn password(
    app: State<App>,
    Viewer(caller): Viewer,
    Client(address): Client,
    Id(id): Id<UserId>,
    Form(form): Form<PasswordForm>,
) -> Result<StatusCode, Problem> {
    let is_own = caller.user() == Some(id);
    if !is_own && !caller.rules_all() {
        return Err(Problem::forbidden(
            "this takes the role admin for all companies, or your own user",
        ));
    }
    let (stored, _) = newest(&app, id).await?;
    let mut fields = Fields::default();
    let password = fields.take("/password", Password::parse(form.password, &stored.name));
    if is_own && form.current_password.is_none() {
        fields.error("/current_password", "is missing");
    }
    let password = fields.finish_with(password)?;
    if let Some(current) = form.current_password.filter(|_| is_own) {
        let proven = door::prove(&app, &stored.name, current, address).await;
        proven.map_err(|problem| match problem.status() {
            StatusCode::UNAUTHORIZED => Problem::field("/current_password", "is not right"),
            _ => problem,
        })?;
    }
    let hash = door::hash(&app, password).await?;
    // Hashing takes its time; what else was changed meanwhile stays.
    let (stored, configuration) = newest(&app, id).await?;
    let mut changed = (*stored).clone();
    changed.password = hash;
    let changes = vec![Change::UpdateUser(changed)];
    app.store()
        .change_all_at(configuration.epoch, changes, &caller.actor(), app.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
