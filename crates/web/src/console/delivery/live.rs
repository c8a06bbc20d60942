//! The list as it grows and changes: rows of deliveries to which something happens, as the page shows them.

use axum::extract::State;
use domain::access::Scope;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use store::{DeliveryQuery, DeliveryRow};

use super::list::Row;
use crate::App;
use crate::api::delivery::list::DeliveriesQuery;
use crate::api::delivery::stream;
use crate::api::live::Live;
use crate::console::Visitor;
use crate::console::following::{LAST, known_to_page};
use crate::console::visitor::Stranger;
use crate::problem::Problem;
use crate::read::ListQuery;

/// Server-sent events: each is a row of the list.
pub(super) async fn follow(
    app: State<App>,
    visitor: Visitor,
    uri: Uri,
    mut headers: HeaderMap,
) -> Result<Live, Stranger> {
    let asked = ListQuery::<DeliveriesQuery>::read(&uri, &[LAST])?;
    known_to_page(asked.own(LAST), &mut headers);
    let query = asked.list.whole(&visitor.caller)?;
    if !can_follow(&query) {
        let detail = "what goes on cannot be told by this: take off the end";
        return Err(Problem::field("?until", detail).into());
    }
    let lines = stream::follow(&app, &visitor.caller, query, &headers, rows).await;
    lines.map_err(Stranger::from)
}

/// Nothing goes on in what has an end.
pub(super) fn can_follow(query: &DeliveryQuery) -> bool {
    query.until.is_none()
}

fn rows(
    app: App,
    scope: Scope,
    rows: Vec<DeliveryRow>,
) -> BoxFuture<'static, Result<Vec<Value>, Problem>> {
    async move {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let tries = app.store().last_tries(&scope, &ids).await?;
        let configuration = app.store().configuration().await?;
        let now = app.now();
        let row = |row| json!(Row::new(row, &tries, &configuration, now));
        Ok(rows.into_iter().map(row).collect())
    }
    .boxed()
}
