//! The audit log: who changed what.

pub(crate) mod export;

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::access::{Actor, Scope};
use domain::company::NAME_CHARS;
use domain::configuration::Configuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditActor, AuditQuery, AuditRow, PageAt};
use utoipa::{IntoParams, ToSchema};

use super::job::title;
use super::{Answer, called};
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
    /// What that is called: its name when it was done; of a mapping company and integration as they are called now, of a
    /// replay or re-reading what it was asked for.
    name: Option<String>,
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
    Admin(caller): Admin,
    Query(query): Query<AuditListQuery>,
) -> Answer<Listing<AuditView>> {
    let (query, at) = query.parse()?;
    let page = app.store().audit(&query, &at).await?;
    let mut names = names(&app, &page.items, &caller.configuration).await?;
    Ok(Json(listing(page, |row| {
        let name = names.remove(&row.number);
        AuditView::new(row, name)
    })))
}

/// What the lines of a page are about, by the numbers of the lines.
pub(crate) async fn names(
    app: &App,
    rows: &[AuditRow],
    configuration: &Configuration,
) -> Result<HashMap<i64, String>, Problem> {
    let mut names = HashMap::new();
    let mut jobs: HashMap<&str, Option<String>> = HashMap::new();
    for row in rows {
        let name = match row.what.as_str() {
            "mapping" => Some(mapping(&row.id, configuration)),
            "replay" | "reread" | "import" => match jobs.get(row.id.as_str()) {
                Some(known) => known.clone(),
                None => {
                    let title = job_title(app, &row.id, configuration).await?;
                    jobs.insert(&row.id, title.clone());
                    title
                }
            },
            _ => row.detail["name"].as_str().map(str::to_owned),
        };
        names.extend(name.map(|name| (row.number, name)));
    }
    Ok(names)
}

/// `Acme → Hook`. What has been removed since is said by its id.
pub(crate) fn mapping(id: &str, configuration: &Configuration) -> String {
    let (integration, company) = id.split_once('/').unwrap_or((id, "all"));
    let named = |id: &str| called(id, configuration).unwrap_or_else(|| id.to_owned());
    let company = match company {
        "all" => "all companies".to_owned(),
        id => named(id),
    };
    format!("{company} → {}", named(integration))
}

async fn job_title(
    app: &App,
    id: &str,
    configuration: &Configuration,
) -> Result<Option<String>, Problem> {
    let Ok(id) = id.parse() else {
        return Ok(None);
    };
    let job = app.store().job(&Scope::All, id).await?;
    Ok(job.map(|job| title(&job.spec, configuration)))
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

impl AuditView {
    fn new(row: AuditRow, name: Option<String>) -> Self {
        Self {
            id: row.number.to_string(),
            at: row.at,
            actor: row.actor,
            action: row.action,
            what: row.what,
            target: row.id,
            name,
            detail: row.detail,
            epoch: row.epoch,
        }
    }
}
