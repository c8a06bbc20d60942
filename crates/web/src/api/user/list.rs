use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::user::User;

use super::UserView;
use crate::App;
use crate::api::Answer;
use crate::read::{Admin, Listing, PageQuery, Query, listing};

/// All users, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "access", params(PageQuery),
    responses((status = 200, body = Listing<UserView>)))]
pub(crate) async fn list(
    app: State<App>,
    Admin(caller): Admin,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<UserView>> {
    let page = query.of(caller.configuration.users(), |user: &&Arc<User>| user.id)?;
    let sign_ins = app.store().sign_ins().await?;
    Ok(Json(listing(page, |user| {
        UserView::new(user, sign_ins.get(&user.id).copied())
    })))
}
