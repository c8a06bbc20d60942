use axum::Json;
use axum::extract::State;
use domain::SourceId;
use domain::source::{Digested, Require, Source};
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::App;
use crate::api::Answer;
use crate::read::{Caller, Id, Viewer};

/// What to type at the sender, in the words of its form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SenderSettingsView {
    /// In the order of the form.
    pub(crate) settings: Vec<SettingView>,
    /// What the form of the sender cannot say.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingView {
    /// The field's label, word for word.
    #[schema(value_type = String)]
    pub(crate) label: &'static str,
    /// What to type; empty: leave the field empty. A secret is described, for it cannot be read back.
    pub(crate) value: String,
    /// The value stands for a secret.
    pub(crate) secret: bool,
}

impl SettingView {
    fn plain(label: &'static str, value: impl Into<String>) -> Self {
        Self {
            label,
            value: value.into(),
            secret: false,
        }
    }

    fn secret(label: &'static str, secret: Option<&Digested>) -> Self {
        let value = match secret.map(|secret| secret.last4.as_deref()) {
            None => String::new(),
            Some(None) => "(the secret you set)".to_owned(),
            Some(Some(last4)) => format!("(the secret you set, ends in {last4})"),
        };
        Self {
            label,
            secret: !value.is_empty(),
            value,
        }
    }
}

/// What to type at the sender so that its alerts get in by this source.
#[utoipa::path(get, path = "/api/v1/sources/{id}/sender-settings", tag = "sources", params(("id" = String, Path)),
    responses((status = 200, body = SenderSettingsView)))]
pub(crate) async fn sender_settings(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SourceId>,
) -> Answer<SenderSettingsView> {
    let source = find(id, &caller)?;
    let wanted = &source.authentication;
    let intake_url = super::intake_url(source, &app);
    let token_url = wanted.login.as_ref().map(|_| format!("{intake_url}/token"));
    let account = wanted.login.as_ref().or(wanted.basic.as_ref());
    let header = wanted.header.as_ref();
    let settings = vec![
        SettingView::plain("Name", &source.name),
        SettingView::plain("Webhook URL", intake_url),
        SettingView::plain("Webhook Authentication URL", token_url.unwrap_or_default()),
        SettingView::plain(
            "Webhook Username",
            account.map_or("", |account| &account.username),
        ),
        SettingView::secret("Webhook Password", account.map(|account| &account.secret)),
        SettingView::plain(
            "Authentication Header Key",
            header.map_or("", |header| &header.key),
        ),
        SettingView::secret(
            "Authentication Header Value",
            header.map(|header| &header.secret),
        ),
        SettingView::plain("Selected Associated Companies", companies(source, &caller)),
    ];
    Ok(Json(SenderSettingsView {
        settings,
        notes: notes(source),
    }))
}

/// Those that the source may speak for and the caller may see, by name.
fn companies(source: &Source, caller: &Caller) -> String {
    if source.companies.is_empty() {
        return "all".to_owned();
    }
    let seen = source.companies.iter().filter(|id| caller.sees(**id));
    let companies = seen.filter_map(|id| caller.configuration.company(*id));
    let names: Vec<&str> = companies.map(|company| company.name.as_str()).collect();
    names.join(", ")
}

fn notes(source: &Source) -> Vec<String> {
    let wanted = &source.authentication;
    let ways = [
        ("the header", wanted.header.is_some()),
        (
            "user name and password (HTTP Basic)",
            wanted.basic.is_some(),
        ),
        ("the authentication URL", wanted.login.is_some()),
        ("the signature", !wanted.signature.is_empty()),
    ];
    let set: Vec<&str> = ways
        .into_iter()
        .filter_map(|(way, set)| set.then_some(way))
        .collect();
    let mut notes = Vec::new();
    if set.len() > 1 {
        let how = match wanted.require {
            Require::Any => "any one of these suffices",
            Require::All => "all of these are asked for",
        };
        notes.push(format!("{how}: {}", set.join(", ")));
    }
    if let (Some(basic), Some(_)) = (&wanted.basic, &wanted.login) {
        notes.push(format!(
            "without an authentication URL, the user name is {} with the password of HTTP Basic",
            basic.username
        ));
    }
    if !wanted.signature.is_empty() {
        notes.push(
            "a sender that signs (Standard Webhooks) uses the signing secret, whsec_…, in the place of a header or password"
                .to_owned(),
        );
    }
    if !wanted.addresses.is_empty() {
        let ranges: Vec<_> = wanted.addresses.iter().map(ToString::to_string).collect();
        notes.push(format!("only from these addresses: {}", ranges.join(", ")));
    }
    notes
}
