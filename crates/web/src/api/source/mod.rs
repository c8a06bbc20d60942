//! Sources.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod rotate;
pub(crate) mod update;

mod authentication;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::source::{Authentication, Source, When};
use domain::time::format_duration;
use domain::{Secret, SourceId, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(super) use authentication::changed_secrets;

use super::Named;
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    id: String,
    name: String,
    /// Where the sender posts its alerts.
    intake_url: String,
    /// Where the sender gets its token; only with `login`.
    authentication_url: Option<String>,
    /// The default company.
    company: Option<Named>,
    /// The companies that it may speak for; empty means all.
    companies: Vec<String>,
    #[schema(value_type = Vec<Object>)]
    company_rules: Vec<Value>,
    /// As it was given; of a secret only `{"set": true, "last4": …}`, where `last4` is null for those kept as a digest.
    /// `previous` is there while a secret is rotated: the former one, which is still good.
    #[schema(value_type = Object)]
    authentication: Value,
    dedup_window: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl SourceView {
    fn new(source: &Source, app: &App, caller: &Caller) -> Self {
        let intake_url = format!(
            "{}/intake/{}",
            app.settings().public_url.as_str(),
            source.id
        );
        let configuration = &caller.configuration;
        let seen = |rule: &&domain::source::CompanyRule| caller.sees(rule.company);
        let rule = |rule: &domain::source::CompanyRule| json!({"when": when(&rule.when), "company": Named::company(rule.company, configuration)});
        Self {
            id: source.id.to_string(),
            name: source.name.clone(),
            authentication_url: source
                .authentication
                .login
                .is_some()
                .then(|| format!("{intake_url}/token")),
            intake_url,
            company: source
                .company
                .filter(|id| caller.sees(*id))
                .map(|id| Named::company(id, configuration)),
            companies: source
                .companies
                .iter()
                .filter(|id| caller.sees(**id))
                .map(ToString::to_string)
                .collect(),
            company_rules: source.company_rules.iter().filter(seen).map(rule).collect(),
            authentication: authentication(&source.authentication),
            dedup_window: source.dedup_window.map(format_duration),
            created_at: source.created_at,
        }
    }
}

fn when(when: &When) -> Value {
    match when {
        When::BodyCompany(name) => json!({"body_company": name}),
        When::Hostname(pattern) => json!({"hostname": pattern}),
        When::Address(range) => json!({"address": range}),
    }
}

fn authentication(authentication: &Authentication) -> Value {
    // A digest tells nothing of its secret, the last characters included.
    let digested = || json!({"set": true, "last4": null});
    let mut view = serde_json::Map::new();
    let mut show = |way: &str, name: &str, given: &str, secret: &str, live: Vec<Value>| {
        let mut shown = serde_json::Map::new();
        if !name.is_empty() {
            shown.insert(name.into(), given.into());
        }
        for (key, value) in [secret, "previous"].into_iter().zip(live) {
            shown.insert(key.into(), value);
        }
        view.insert(way.into(), Value::Object(shown));
    };
    if let Some(header) = &authentication.header {
        let live = header.digests.iter().map(|_| digested()).collect();
        show("header", "key", &header.key, "value", live);
    }
    for (way, login) in [
        ("basic", &authentication.basic),
        ("login", &authentication.login),
    ] {
        if let Some(login) = login {
            let live = login.digests.iter().map(|_| digested()).collect();
            show(way, "username", &login.username, "password", live);
        }
    }
    if !authentication.signature.is_empty() {
        let written = |secret: &Secret<Vec<u8>>| {
            let text = Secret::new(format!("whsec_{}", STANDARD.encode(secret.reveal())));
            json!({"set": true, "last4": text.last4()})
        };
        let live = authentication.signature.iter().map(written).collect();
        show("signature", "", "", "secret", live);
    }
    if !authentication.addresses.is_empty() {
        view.insert("addresses".into(), json!(authentication.addresses));
    }
    Value::Object(view)
}

/// A source that the caller may see.
fn find(id: SourceId, caller: &Caller) -> Result<&Source, Problem> {
    let found = caller
        .configuration
        .source(id)
        .filter(|source| seen(source, caller))
        .ok_or_else(|| Problem::not_found("source"))?;
    Ok(found)
}

/// Whether a source exists for the caller: it may speak for one of the caller's companies, by name.
fn seen(source: &Source, caller: &Caller) -> bool {
    caller.sees_all()
        || source
            .companies
            .iter()
            .chain(&source.company)
            .any(|company| caller.sees(*company))
}
