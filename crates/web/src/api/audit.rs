//! The audit log: who changed what.

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::access::Actor;
use serde::Serialize;
use serde_json::Value;
use store::AuditRow;
use utoipa::ToSchema;

use super::Answer;
use crate::App;
use crate::read::{Admin, Listing, PageQuery, Query, listing};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Ascending in the order of writing.
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = Object)]
    actor: Actor,
    /// `insert`, `update`, `remove`, `end`, `check`, `switch`, `release` or `retry`; of a replay `start`, `pause`, `resume`,
    /// `cancel` or `end`.
    action: String,
    what: String,
    /// Of the thing that it was done to.
    target: String,
    #[schema(value_type = Object)]
    detail: Value,
    epoch: u64,
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(PageQuery),
    responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list(
    app: State<App>,
    _: Admin,
    Query(query): Query<PageQuery>,
) -> Answer<Listing<AuditView>> {
    let page = app.store().audit(&query.at()?).await?;
    Ok(Json(listing(page, AuditView::from)))
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.number.to_string(),
            at: row.at,
            actor: row.actor,
            action: row.action,
            what: row.what,
            target: row.id,
            detail: row.detail,
            epoch: row.epoch,
        }
    }
}
