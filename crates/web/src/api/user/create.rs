use axum::extract::State;
use domain::access::Role;
use domain::user::{Password, User};
use domain::{Secret, UserId};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::UserView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::door;
use crate::read::{Admin, Form};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserForm {
    /// What they sign in by; no two differ by case alone.
    name: String,
    /// `admin`, `operator` or `viewer`.
    role: String,
    /// 12 characters or more, at most 1,024 bytes.
    #[schema(value_type = String)]
    password: Secret<String>,
    /// Ids or names of the companies that they see; all when it is not there.
    companies: Option<Vec<String>>,
}

/// Make a user, who can then sign in to the console.
#[utoipa::path(post, path = "/api/v1/users", tag = "access", request_body = UserForm,
    responses((status = 201, body = UserView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<UserForm>,
) -> Made<UserView> {
    let mut fields = Fields::default();
    let name = fields.name(&form.name);
    let role = fields.take("/role", form.role.parse::<Role>());
    let password = Password::parse(form.password, form.name.trim());
    let password = fields.take("/password", password);
    let scope = super::scope(&mut fields, form.companies.as_deref(), &caller);
    let ((name, role), password) = fields.finish_with(name.zip(role).zip(password))?;
    let user = User {
        id: app.fresh(UserId::new),
        name,
        role,
        scope,
        password: door::hash(&app, password).await?,
        enabled: true,
        created_at: app.now(),
    };
    let view = UserView::new(&user, None);
    app.store()
        .change(Change::InsertUser(user), &caller.actor(), app.now())
        .await?;
    made(view)
}
