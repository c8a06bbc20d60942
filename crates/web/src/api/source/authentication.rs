//! How a sender proves itself: the form.

use domain::Secret;
use domain::source::{Authentication, HeaderAuthentication, PasswordAuthentication};
use http::HeaderName;
use ipnet::IpNet;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::api::fields::Fields;

/// Longest secret or user name, in bytes.
const SECRET_BYTES: usize = 4 * 1_024;
/// Most address ranges.
const ADDRESSES: usize = 1_000;

/// At least one of them. Several secrets are alternatives; the addresses hold beside any of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticationForm {
    header: Option<HeaderForm>,
    basic: Option<PasswordForm>,
    /// Gives the source an authentication URL of its own.
    login: Option<PasswordForm>,
    signature: Option<SignatureForm>,
    /// Ranges such as `192.0.2.0/24`, or single addresses.
    #[serde(default)]
    addresses: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HeaderForm {
    /// Name of the header: `Authorization`, `X-API-Key`, …
    key: String,
    #[schema(value_type = String)]
    value: Secret<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    username: String,
    #[schema(value_type = String)]
    password: Secret<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignatureForm {
    /// `whsec_` and the base64 of 24 to 64 bytes.
    #[schema(value_type = String)]
    secret: Secret<String>,
}

impl AuthenticationForm {
    pub(super) fn parse(&self, fields: &mut Fields, app: &App) -> Authentication {
        if self.header.is_none()
            && self.basic.is_none()
            && self.login.is_none()
            && self.signature.is_none()
            && self.addresses.is_empty()
        {
            fields.error(
                "/authentication",
                "has at least one of header, basic, login, signature, addresses",
            );
        }
        fields.at_most("/authentication/addresses", self.addresses.len(), ADDRESSES);
        let addresses = self.addresses.iter().enumerate().take(ADDRESSES);
        let addresses = addresses.filter_map(|(index, text)| {
            fields.take(&format!("/authentication/addresses/{index}"), range(text))
        });
        let addresses = addresses.collect();
        Authentication {
            header: self
                .header
                .as_ref()
                .and_then(|header| header.parse(fields, app)),
            basic: self
                .basic
                .as_ref()
                .and_then(|basic| basic.parse(fields, "/authentication/basic", app)),
            login: self
                .login
                .as_ref()
                .and_then(|login| login.parse(fields, "/authentication/login", app)),
            signature: self
                .signature
                .iter()
                .filter_map(|form| {
                    fields.take(
                        "/authentication/signature/secret",
                        receive::parse_signing_secret(form.secret.reveal()),
                    )
                })
                .collect(),
            addresses,
        }
    }
}

impl HeaderForm {
    fn parse(&self, fields: &mut Fields, app: &App) -> Option<HeaderAuthentication> {
        let key = HeaderName::try_from(self.key.trim()).map_err(|_| "is the name of a header");
        let key = fields.take("/authentication/header/key", key);
        let value = bounded(fields, "/authentication/header/value", self.value.reveal());
        // What a header cannot carry would never fit.
        if !self
            .value
            .reveal()
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~'))
        {
            fields.error("/authentication/header/value", "is visible ASCII");
        }
        let digests = vec![receive::source_digest(app.store(), value?.trim())];
        Some(HeaderAuthentication {
            key: key?.as_str().to_owned(),
            digests,
        })
    }
}

impl PasswordForm {
    fn parse(
        &self,
        fields: &mut Fields,
        pointer: &str,
        app: &App,
    ) -> Option<PasswordAuthentication> {
        let username = bounded(fields, &format!("{pointer}/username"), &self.username);
        let password = bounded(
            fields,
            &format!("{pointer}/password"),
            self.password.reveal(),
        );
        if self.username.contains(':') {
            fields.error(
                format!("{pointer}/username"),
                "must not hold a colon, which HTTP Basic cannot carry",
            );
        }
        let digests = vec![receive::source_digest(app.store(), password?)];
        Some(PasswordAuthentication {
            username: username?.to_owned(),
            digests,
        })
    }
}

fn bounded<'a>(fields: &mut Fields, pointer: &str, text: &'a str) -> Option<&'a str> {
    if text.is_empty() || text.len() > SECRET_BYTES {
        fields.error(pointer, format!("has 1 to {SECRET_BYTES} bytes"));
        return None;
    }
    Some(text)
}

/// A range, or one address.
pub(super) fn range(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let one = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| one())
        .map(|range| range.trunc())
        .map_err(|_| "is an address or a range such as 192.0.2.0/24")
}
