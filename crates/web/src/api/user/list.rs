use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::company::name_key;
use domain::user::User;
use serde::Deserialize;
use utoipa::IntoParams;

use super::UserView;
use crate::App;
use crate::api::Answer;
use crate::read::{Admin, Listing, PageQuery, Query, listing};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// Part of a name.
    text: Option<String>,
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    cursor: Option<String>,
}

/// All users, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "access", params(UsersQuery),
    responses((status = 200, body = Listing<UserView>)))]
pub(crate) async fn list(
    app: State<App>,
    Admin(caller): Admin,
    Query(query): Query<UsersQuery>,
) -> Answer<Listing<UserView>> {
    let wanted = name_key(query.text.as_deref().unwrap_or_default());
    let found = caller
        .configuration
        .users()
        .filter(|user| name_key(&user.name).contains(&wanted));
    let page = PageQuery::new(query.limit, query.cursor).of(found, |user: &&Arc<User>| user.id)?;
    let sign_ins = app.store().sign_ins().await?;
    Ok(Json(listing(page, |user| {
        UserView::new(user, sign_ins.get(&user.id).copied())
    })))
}
