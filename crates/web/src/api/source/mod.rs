//! Sources.

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod rotate;
pub(crate) mod sender_settings;
pub(crate) mod update;

mod authentication;
mod limits;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::source::{Authentication, Live, Require, Source, When};
use domain::time::format_duration;
use domain::{Secret, SourceId, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(super) use authentication::changed_secrets;

use self::limits::LimitsForm;
use super::Named;
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;
use crate::tallies::ActivityView;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    pub(crate) id: String,
    name: String,
    /// Where the sender posts its alerts.
    pub(crate) intake_url: String,
    /// Where the sender gets its token; only with `login`.
    authentication_url: Option<String>,
    /// The default company.
    company: Option<Named>,
    /// The companies that it may speak for; empty means all.
    companies: Vec<String>,
    #[schema(value_type = Vec<Object>)]
    company_rules: Vec<Value>,
    /// As it was given; of a secret only `{"set": true, "last4": …}`, where `last4` is null for a short one. `previous` is
    /// there while a secret is rotated: the former one, which is good until `until`, in `seconds_left`.
    #[schema(value_type = Object)]
    authentication: Value,
    dedup_window: Option<String>,
    /// Its own, where it has any.
    limits: Option<LimitsForm>,
    /// What it has brought to this node since that started; null to who may not see all companies that it speaks for.
    activity: Option<ActivityView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl SourceView {
    fn new(source: &Source, app: &App, caller: &Caller) -> Self {
        let intake_url = intake_url(source, app);
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
            authentication: authentication(&source.authentication, app.now()),
            dedup_window: source.dedup_window.map(format_duration),
            limits: LimitsForm::of(&source.limits),
            activity: seen_whole(source, caller).then(|| app.tallies().view(source.id)),
            created_at: source.created_at,
        }
    }
}

/// Where the sender posts its alerts.
pub(crate) fn intake_url(source: &Source, app: &App) -> String {
    let base = app.settings().public_url.as_str();
    format!("{base}/intake/{}", source.id)
}

fn when(when: &When) -> Value {
    match when {
        When::BodyCompany(name) => json!({"body_company": name}),
        When::Hostname(pattern) => json!({"hostname": pattern}),
        When::Address(range) => json!({"address": range}),
    }
}

fn authentication(authentication: &Authentication, now: Timestamp) -> Value {
    let mut view = serde_json::Map::new();
    if authentication.require != Require::default() {
        view.insert("require".into(), json!(authentication.require));
    }
    if let Some(header) = &authentication.header {
        let mut way = secrets("value", &header.secret.live, now, |_| None);
        way.insert("key".into(), json!(header.key));
        way["value"]["last4"] = json!(header.secret.last4);
        view.insert("header".into(), Value::Object(way));
    }
    for (name, login) in [
        ("basic", &authentication.basic),
        ("login", &authentication.login),
    ] {
        if let Some(login) = login {
            let mut way = secrets("password", &login.secret.live, now, |_| None);
            way.insert("username".into(), json!(login.username));
            way["password"]["last4"] = json!(login.secret.last4);
            view.insert(name.into(), Value::Object(way));
        }
    }
    if !authentication.signature.is_empty() {
        let last4 = |secret: &Secret<Vec<u8>>| {
            let text = Secret::new(format!("whsec_{}", STANDARD.encode(secret.reveal())));
            Some(text.last4())
        };
        let way = secrets("secret", &authentication.signature, now, last4);
        view.insert("signature".into(), Value::Object(way));
    }
    if !authentication.addresses.is_empty() {
        view.insert("addresses".into(), json!(authentication.addresses));
    }
    Value::Object(view)
}

/// The live secrets of a way: the present one by its name, the former as `previous`, with its end.
fn secrets<T>(
    name: &str,
    live: &Live<T>,
    now: Timestamp,
    last4: impl Fn(&T) -> Option<String>,
) -> serde_json::Map<String, Value> {
    let mut way = serde_json::Map::new();
    for (key, secret) in [name, "previous"].into_iter().zip(live.at(now)) {
        way.insert(key.into(), json!({"set": true, "last4": last4(secret)}));
    }
    if let Some(previous) = way.get_mut("previous") {
        let until = live.former_until;
        previous["until"] = json!(until);
        previous["seconds_left"] = json!(until.map(|until| until.since(now).as_secs()));
    }
    way
}

/// A source that the caller may see.
pub(crate) fn find(id: SourceId, caller: &Caller) -> Result<&Source, Problem> {
    let found = caller
        .configuration
        .source(id)
        .filter(|source| seen(source, caller))
        .ok_or_else(|| Problem::not_found("source"))?;
    Ok(found)
}

/// Whether nothing that comes by a source is another's than the caller's.
pub(crate) fn seen_whole(source: &Source, caller: &Caller) -> bool {
    let all = || source.companies.iter().all(|company| caller.sees(*company));
    caller.sees_all() || (!source.companies.is_empty() && all())
}

/// Whether a source exists for the caller: it may speak for one of the caller's companies, by name.
pub(crate) fn seen(source: &Source, caller: &Caller) -> bool {
    caller.sees_all()
        || source
            .companies
            .iter()
            .chain(&source.company)
            .any(|company| caller.sees(*company))
}
