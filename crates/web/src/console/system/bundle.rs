use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use delivery::{Gate, integration_status};
use domain::IntegrationId;
use domain::configuration::Configuration;
use http::header;
use serde_json::{Value, json};
use store::{AuditQuery, DeadQuery, PageAt};

use super::overview::{database, limits};
use crate::App;
use crate::console::Visitor;
use crate::health::ready;
use crate::problem::Problem;
use crate::read::Admin;

/// What the file holds, as the page says it before it is downloaded. No names, no alerts, no secrets.
pub(super) const CONTENTS: &[&str] = &[
    "version, node, kind of database, when it was started",
    "limits in force and what may be reached beside public hosts",
    "whether it is ready, and why not",
    "how many companies, sources, integrations, rules, mappings, users and keys there are",
    "each integration's id, kind, state and gate; no name, no URL, no credentials",
    "dead letters by integration and cause; no subject, no body",
    "what retention has forgotten, by day",
    "the last changes: when, what kind of thing, what was done; not who, not the values",
    "all figures of /metrics",
];
/// Most lines of the audit log, and of what was forgotten.
const LINES: u16 = 200;

/// Everything that helps to find out what is wrong, and nothing that must not leave the house.
pub(super) async fn download(app: State<App>, visitor: Visitor) -> Result<Response, Problem> {
    Admin::new(visitor.caller.clone())?;
    let bundle = bundle(&app, &visitor.caller.configuration).await?;
    let text = serde_json::to_string_pretty(&bundle)
        .map_err(|error| Problem::internal(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"alertwire-support.json\"",
        ),
    ];
    Ok((headers, text).into_response())
}

async fn bundle(app: &App, configuration: &Configuration) -> Result<Value, Problem> {
    let store = app.store();
    let (ready, health) = ready::look(app).await;
    let gates = store.gates().await?;
    let dead = store
        .dead_letters(&domain::access::Scope::All, &DeadQuery::default())
        .await?;
    let dead: Vec<_> = dead.rows.iter().take(LINES.into()).map(|row| {
        json!({"integration": row.integration.to_string(), "reason": row.reason.as_str(), "cause": row.cause,
            "count": row.count, "oldest": row.oldest, "newest": row.newest})
    }).collect();
    let pruned = store.pruned(LINES).await?;
    let pruned: Vec<_> = pruned
        .iter()
        .map(|row| json!({"class": row.class, "day": store::proof::date(row.day), "count": row.count}))
        .collect();
    let at = PageAt::new(Some(LINES), None);
    let audit = store.audit(&AuditQuery::default(), &at).await?;
    let audit: Vec<_> = audit
        .items
        .iter()
        .map(
            |row| json!({"at": row.at, "action": row.action, "what": row.what, "epoch": row.epoch}),
        )
        .collect();
    let allow: Vec<_> = app
        .egress()
        .allow()
        .iter()
        .map(ToString::to_string)
        .collect();
    let limits: serde_json::Map<_, _> = limits(app)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Ok(json!({
        "made_at": app.now(),
        "version": env!("CARGO_PKG_VERSION"),
        "node": store.node().to_string(),
        "instance": store.instance(),
        "database": database(app),
        "started_at": app.started_at(),
        "limits": limits,
        "egress_allow": allow,
        "ready": ready,
        "not_writable": health.writable.err(),
        "pending": health.pending,
        "counts": counts(configuration),
        "integrations": integrations(configuration, &gates),
        "dead_letters": dead,
        "pruned": pruned,
        "audit": audit,
        "metrics": app.metrics().render(),
    }))
}

fn counts(configuration: &Configuration) -> Value {
    json!({
        "epoch": configuration.epoch,
        "companies": configuration.companies().count(),
        "sources": configuration.sources().count(),
        "integrations": configuration.integrations().count(),
        "event_sets": configuration.event_sets().count(),
        "event_kinds": configuration.event_kinds().count(),
        "rules": configuration.rules().count(),
        "mappings": configuration.mappings().count(),
        "silences": configuration.silences().count(),
        "users": configuration.users().count(),
        "keys": configuration.keys().count(),
    })
}

fn integrations(configuration: &Configuration, gates: &HashMap<IntegrationId, Gate>) -> Vec<Value> {
    let open = Gate::default();
    let all = configuration.integrations().take(LINES.into());
    all.map(|found| {
        let gate = gates.get(&found.id).unwrap_or(&open);
        let (status, reason) = integration_status(
            found.enabled,
            found.checked_at,
            found.authenticated_at,
            gate,
        );
        json!({"id": found.id.to_string(), "connector": found.connector, "enabled": found.enabled,
            "status": status.as_str(), "reason": reason, "checked_at": found.checked_at,
            "authenticated_at": found.authenticated_at})
    })
    .collect()
}
