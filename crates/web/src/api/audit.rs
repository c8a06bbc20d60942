//! The audit log: who changed what.

pub(crate) mod export;

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::access::Actor;
use domain::company::NAME_CHARS;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditActor, AuditQuery, AuditRow, PageAt};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::App;
use crate::problem::Problem;
use crate::read::{Admin, Listing, PageQuery, Params, Query, listing};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Ascending in the order of writing.
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = Object)]
    actor: Actor,
    /// `insert`, `update`, `remove`, `end`, `check`, `switch`, `release`, `retry` or `rollback`; of a replay `start`, `pause`,
    /// `resume`, `cancel` or `end`.
    action: String,
    what: String,
    /// Of the thing that it was done to.
    target: String,
    /// Its `name`, and its `changes`: by JSON pointer what was `old` and is `new`. Of a secret it is only said that it
    /// was set, changed or removed.
    #[schema(value_type = Object)]
    detail: Value,
    epoch: u64,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditListQuery {
    /// `company`, `source`, `integration`, `event set`, `rule`, `mapping`, `silence`, `key`, `user`, `delivery`, `replay` or `configuration`.
    pub(crate) what: Option<String>,
    /// Id of what it was done to.
    pub(crate) target: Option<String>,
    /// Id or name of an API key or of a user; `local` is the command line on the machine itself, `system` Alertwire itself.
    pub(crate) actor: Option<String>,
    /// `insert`, `update`, `remove`, `end`, `check`, `switch`, `release`, `retry` or `rollback`.
    pub(crate) action: Option<String>,
    /// Done at this time or later.
    pub(crate) since: Option<String>,
    /// Done before this time.
    pub(crate) until: Option<String>,
    /// Done by the change that made this epoch.
    #[param(value_type = Option<u64>)]
    pub(crate) epoch: Option<String>,
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(AuditListQuery),
    responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list(
    app: State<App>,
    _: Admin,
    Query(query): Query<AuditListQuery>,
) -> Answer<Listing<AuditView>> {
    let (query, at) = query.parse()?;
    let page = app.store().audit(&query, &at).await?;
    Ok(Json(listing(page, AuditView::from)))
}

impl AuditListQuery {
    pub(crate) fn parse(self) -> Result<(AuditQuery, PageAt), Problem> {
        let mut params = Params::default();
        let mut word = |name, text: Option<String>| params.with(name, text.as_deref(), short);
        let (what, target, action) = (
            word("what", self.what),
            word("target", self.target),
            word("action", self.action),
        );
        let query = AuditQuery {
            what,
            target,
            action,
            actor: params.with("actor", self.actor.as_deref(), actor),
            since: params.read("since", self.since.as_deref()),
            until: params.read("until", self.until.as_deref()),
            epoch: params.with("epoch", self.epoch.as_deref(), |text| {
                text.parse()
                    .map_err(|_| "is a whole number, as the log shows it".to_owned())
            }),
        };
        params.finish()?;
        Ok((query, PageQuery::new(self.limit, self.cursor).at()?))
    }
}

fn actor(text: &str) -> Result<AuditActor, String> {
    Ok(match text {
        "local" => AuditActor::Local,
        "system" => AuditActor::System,
        text => match text.parse() {
            Ok(id) => AuditActor::Key(id),
            Err(_) => AuditActor::Named(short(text)?),
        },
    })
}

fn short(text: &str) -> Result<String, String> {
    if text.chars().count() > NAME_CHARS {
        return Err(format!("has at most {NAME_CHARS} characters"));
    }
    Ok(text.to_owned())
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
