use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Restored, Rollback};
use utoipa::ToSchema;

use super::diff::FieldChange;
use crate::App;
use crate::api::Answer;
use crate::read::{Admin, Form};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackForm {
    /// The epoch whose configuration is wanted again; the audit log shows which change made which.
    epoch: u64,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollbackView {
    /// What is done, or would be, in its order; of more than 10,000 things the first.
    changes: Vec<RestoredView>,
    /// How many things that are in all.
    total: usize,
    /// The epoch that it made; the present one after a dry run, or when nothing differs.
    epoch: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct RestoredView {
    /// `insert` (made again), `update` (put back) or `remove` (was not there then).
    action: &'static str,
    /// `company`, `source`, `integration`, `event set`, `rule` or `mapping`.
    what: &'static str,
    id: String,
    name: String,
    fields: Vec<FieldChange>,
    /// What else comes of it: deliveries that end, an integration that has to be checked again.
    warnings: Vec<String>,
}

/// Go back to the configuration of an epoch. That is one more change, with an epoch of its own: history stays, and can
/// be gone back on. API keys and silences stay as they are. An integration whose URL, credentials or secrets differ from now comes
/// back not authenticated. Deliveries that ended stay ended.
#[utoipa::path(post, path = "/api/v1/configuration/rollback", tag = "configuration", request_body = RollbackForm,
    responses((status = 200, body = RollbackView)))]
pub(crate) async fn rollback(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<RollbackForm>,
) -> Answer<RollbackView> {
    let store = app.store();
    let rollback = if form.dry_run {
        store.rollback_preview(form.epoch).await?
    } else {
        store
            .roll_back(form.epoch, &caller.actor(), app.now())
            .await?
    };
    Ok(Json(rollback.into()))
}

impl From<Rollback> for RollbackView {
    fn from(rollback: Rollback) -> Self {
        Self {
            changes: rollback.changes.into_iter().map(Into::into).collect(),
            total: rollback.total,
            epoch: rollback.epoch,
        }
    }
}

impl From<Restored> for RestoredView {
    fn from(restored: Restored) -> Self {
        Self {
            action: restored.action,
            what: restored.what,
            id: restored.id,
            name: restored.name,
            fields: restored.fields.into_iter().map(Into::into).collect(),
            warnings: restored.warnings,
        }
    }
}
