use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use domain::IntegrationId;
use domain::configuration::Configuration;
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::StoreError;
use utoipa::{IntoParams, ToSchema};

use super::document::Document;
use super::plan::{ChangeView, Plan, Planned};
use crate::App;
use crate::api::Answer;
use crate::api::integration::{Listener, authenticate};
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::form::expect_json;
use crate::read::{Admin, Caller, Params, Query, body, json};

/// Largest document, in bytes: 10,000 companies and 100,000 mappings have a tenth of it.
const DOCUMENT_BYTES: usize = 32 * 1024 * 1024;
/// How often planning starts anew because somebody else changed the configuration meanwhile.
const ROUNDS: usize = 4;
/// Integrations that are tried at once.
const TRIED_AT_ONCE: usize = 16;
/// No further integration is tried after this time, for the caller waits.
const TRYING: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApplyQuery {
    /// `true`: only say what would change.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// `true`: what the document does not name is removed.
    #[param(value_type = Option<bool>)]
    prune: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedView {
    /// In the order in which they are made.
    pub(crate) changes: Vec<ChangeView>,
    /// Of the configuration as it is now.
    pub(crate) epoch: u64,
    pub(crate) dry_run: bool,
    /// The integrations that are new or have other credentials, each tried with a test alert as when it is made by itself.
    pub(crate) checks: Vec<AppliedCheckView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedCheckView {
    integration: String,
    id: String,
    /// Null: it was not tried, for the others took too long. `POST /api/v1/integrations/{id}/check` does it.
    ok: Option<bool>,
    #[schema(value_type = Vec<Object>)]
    steps: Value,
}

/// Make the configuration what the document says, in one step: all of it or nothing. Things are known again by their names, so
/// another name is another thing: the one is made and, with `prune`, the other removed. Rules and mappings are stored before
/// their integration is authenticated; until then nothing is sent.
#[utoipa::path(put, path = "/api/v1/configuration", tag = "configuration", params(ApplyQuery), request_body = Document,
    responses((status = 200, body = AppliedView)))]
pub(crate) async fn put(
    app: State<App>,
    Admin(caller): Admin,
    Query(query): Query<ApplyQuery>,
    request: Request,
) -> Answer<AppliedView> {
    let mut params = Params::default();
    let mut switch = |name, text: Option<&str>| params.read(name, text).unwrap_or(false);
    let (dry_run, prune) = (
        switch("dry_run", query.dry_run.as_deref()),
        switch("prune", query.prune.as_deref()),
    );
    params.finish()?;
    expect_json(request.headers())?;
    let body = body::whole(request.into_body(), DOCUMENT_BYTES).await?;
    let view = apply(&app, &caller, json::parse(&body)?, dry_run, prune).await?;
    Ok(Json(view))
}

/// Makes the configuration what the document says; of a dry run only says what would change.
pub(crate) async fn apply(
    app: &App,
    caller: &Caller,
    document: Document,
    dry_run: bool,
    prune: bool,
) -> Result<AppliedView, Problem> {
    let document = Arc::new(document);
    for _ in 0..ROUNDS {
        let stored = app.store().newest_configuration().await?;
        let planned = plan(&document, app, caller, &stored, prune).await?;
        let mut view = AppliedView {
            changes: planned.shown,
            epoch: stored.epoch,
            dry_run,
            checks: Vec::new(),
        };
        if dry_run || planned.changes.is_empty() {
            return Ok(view);
        }
        let (store, actor) = (app.store(), caller.actor());
        let made = store.change_all_at(stored.epoch, planned.changes, &actor, app.now());
        match made.await {
            // Planning a large document takes a while; somebody else was faster.
            Err(StoreError::Moved) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                view.checks = check(app, caller, planned.unproven).await?;
                view.epoch = store.configuration().await?.epoch;
                return Ok(view);
            }
        }
    }
    Err(Problem::wrong_state(
        "the configuration is being changed by somebody else all the while; apply the document again later",
    ))
}

/// On a thread of its own: a large document takes a while, which other requests shall not wait.
async fn plan(
    document: &Arc<Document>,
    app: &App,
    caller: &Caller,
    stored: &Arc<Configuration>,
    prune: bool,
) -> Result<Planned, Problem> {
    let (document, app) = (Arc::clone(document), app.clone());
    let (caller, stored) = (caller.clone(), Arc::clone(stored));
    let runtime = tokio::runtime::Handle::current();
    blocking(move || runtime.block_on(Plan::of(&document, &app, &caller, stored, prune))).await?
}

/// Tries integrations, several at once.
async fn check(
    app: &App,
    caller: &Caller,
    unproven: Vec<IntegrationId>,
) -> Result<Vec<AppliedCheckView>, Problem> {
    let begun = app.clock().now();
    let configuration = app.store().configuration().await?;
    let one = async |id: IntegrationId| {
        let mut view = AppliedCheckView {
            integration: configuration
                .integration(id)
                .map(|integration| integration.name.clone())
                .unwrap_or_default(),
            id: id.to_string(),
            ok: None,
            steps: Value::Array(Vec::new()),
        };
        if app.clock().now().since(begun) < TRYING {
            let trial = authenticate(app, id, &caller.actor(), &Listener::nobody()).await?;
            view.ok = Some(trial.ok);
            view.steps = trial.report()["steps"].take();
        }
        Ok(view)
    };
    let tried = stream::iter(unproven).map(one).buffered(TRIED_AT_ONCE);
    let tried: Vec<Result<AppliedCheckView, Problem>> = tried.collect().await;
    tried.into_iter().collect()
}
