use axum::Json;
use axum::extract::State;
use domain::UserId;

use super::UserView;
use crate::App;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Admin, Id};

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 200, body = UserView)))]
pub(crate) async fn get(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
) -> Answer<UserView> {
    let user = caller.configuration.user(id);
    let user = user.ok_or_else(|| Problem::not_found("user"))?;
    let sign_ins = app.store().sign_ins().await?;
    Ok(Json(UserView::new(user, sign_ins.get(&id).copied())))
}
