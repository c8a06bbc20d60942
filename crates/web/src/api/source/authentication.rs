//! How a sender proves itself: the form.

use domain::Secret;
use domain::source::{
    Authentication, Digested, HeaderAuthentication, Live, PasswordAuthentication, Require, Source,
};
use http::HeaderName;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::api::fields::Fields;
use crate::api::given::{GivenSecret, Reference};
use crate::read::form::or_null;

/// Longest secret or user name, in bytes.
const SECRET_BYTES: usize = 4 * 1_024;
/// Most address ranges.
const ADDRESSES: usize = 1_000;

/// At least one of them. Several secrets are alternatives; the addresses hold beside any of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticationForm {
    /// `any`: one of the ways suffices, as when nothing is said; `all`: every one that is set has to fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    require: Option<Require>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<HeaderForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basic: Option<PasswordForm>,
    /// Gives the source an authentication URL of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<PasswordForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureForm>,
    /// Ranges such as `192.0.2.0/24`, or single addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
}

/// What is not named stays; null takes a way of proving away. A secret that is given takes the place of the former at
/// once; `POST /api/v1/sources/{id}/rotate` keeps both for a while.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticationPatch {
    /// `any` or `all`.
    #[schema(value_type = Option<String>)]
    require: Option<Require>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<HeaderForm>)]
    header: Option<Option<HeaderForm>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<PasswordForm>)]
    basic: Option<Option<PasswordForm>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<PasswordForm>)]
    login: Option<Option<PasswordForm>>,
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<SignatureForm>)]
    signature: Option<Option<SignatureForm>>,
    /// In the place of the former.
    addresses: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HeaderForm {
    /// Name of the header: `Authorization`, `X-API-Key`, …
    key: String,
    /// May only be left out where one is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    value: Option<GivenSecret>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    username: String,
    /// May only be left out where one is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    password: Option<GivenSecret>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignatureForm {
    /// `whsec_` and the base64 of 24 to 64 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    secret: Option<GivenSecret>,
}

impl AuthenticationForm {
    /// `stored` is what secrets that are not given are taken from.
    pub(super) fn parse(
        &self,
        fields: &mut Fields,
        app: &App,
        stored: Option<&Authentication>,
    ) -> Authentication {
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
        let header = self.header.as_ref().and_then(|form| {
            let stored = stored.and_then(|stored| stored.header.as_ref());
            form.parse(fields, app, stored)
        });
        let mut password = |name: &str, form: &Option<PasswordForm>, stored| {
            let pointer = format!("/authentication/{name}");
            form.as_ref()
                .and_then(|form| form.parse(fields, &pointer, app, stored))
        };
        let basic = stored.and_then(|stored| stored.basic.as_ref());
        let basic = password("basic", &self.basic, basic);
        let login = stored.and_then(|stored| stored.login.as_ref());
        let login = password("login", &self.login, login);
        let none = Live::default();
        let stored = stored.map_or(&none, |stored| &stored.signature);
        let signature = self.signature.as_ref();
        let authentication = Authentication {
            require: self.require.unwrap_or_default(),
            header,
            basic,
            login,
            signature: signature.map_or_else(Live::default, |form| form.parse(fields, stored)),
            addresses,
        };
        one_each(fields, &authentication);
        authentication
    }

    /// The form of a source: secrets as the references that an export writes.
    pub(super) fn of(source: &Source) -> Self {
        let wanted = &source.authentication;
        let secret = |field| {
            let reference = Reference::exported("source", &source.name, field);
            Some(GivenSecret::Kept(reference))
        };
        let password = |login: &Option<PasswordAuthentication>, field| {
            login.as_ref().map(|login| PasswordForm {
                username: login.username.clone(),
                password: secret(field),
            })
        };
        Self {
            require: Some(wanted.require).filter(|require| *require != Require::default()),
            header: wanted.header.as_ref().map(|header| HeaderForm {
                key: header.key.clone(),
                value: secret("header_value"),
            }),
            basic: password(&wanted.basic, "basic_password"),
            login: password(&wanted.login, "login_password"),
            signature: (!wanted.signature.is_empty()).then(|| SignatureForm {
                secret: secret("signature_secret"),
            }),
            addresses: wanted.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

impl AuthenticationPatch {
    pub(super) fn over(self, stored: AuthenticationForm) -> AuthenticationForm {
        AuthenticationForm {
            require: self.require.or(stored.require),
            header: self.header.unwrap_or(stored.header),
            basic: self.basic.unwrap_or(stored.basic),
            login: self.login.unwrap_or(stored.login),
            signature: self.signature.unwrap_or(stored.signature),
            addresses: self.addresses.unwrap_or(stored.addresses),
        }
    }
}

impl HeaderForm {
    fn parse(
        &self,
        fields: &mut Fields,
        app: &App,
        stored: Option<&HeaderAuthentication>,
    ) -> Option<HeaderAuthentication> {
        let key = HeaderName::try_from(self.key.trim()).map_err(|_| "is the name of a header");
        let key = fields.take("/authentication/header/key", key);
        let stored = stored.map(|stored| &stored.secret);
        let pointer = "/authentication/header/value";
        let given = self.value.as_ref();
        let secret = kept(fields, pointer, given, stored, |fields, text| {
            header_secret(fields, pointer, text, app)
        });
        Some(HeaderAuthentication {
            key: key?.as_str().to_owned(),
            secret: secret?,
        })
    }
}

impl PasswordForm {
    fn parse(
        &self,
        fields: &mut Fields,
        pointer: &str,
        app: &App,
        stored: Option<&PasswordAuthentication>,
    ) -> Option<PasswordAuthentication> {
        let username = bounded(fields, &format!("{pointer}/username"), &self.username);
        if self.username.contains(':') {
            fields.error(
                format!("{pointer}/username"),
                "must not hold a colon, which HTTP Basic cannot carry",
            );
        }
        let stored = stored.map(|stored| &stored.secret);
        let pointer = format!("{pointer}/password");
        let given = self.password.as_ref();
        let secret = kept(fields, &pointer, given, stored, |fields, text| {
            password_secret(fields, &pointer, text, app)
        });
        Some(PasswordAuthentication {
            username: username?.to_owned(),
            secret: secret?,
        })
    }
}

impl SignatureForm {
    fn parse(&self, fields: &mut Fields, stored: &Live<Secret<Vec<u8>>>) -> Live<Secret<Vec<u8>>> {
        let pointer = "/authentication/signature/secret";
        match &self.secret {
            Some(GivenSecret::Itself(text)) => {
                let secret = receive::parse_signing_secret(text.reveal());
                match fields.take(pointer, secret) {
                    Some(secret) if stored.secrets.first() == Some(&secret) => stored.clone(),
                    secret => secret.map(Live::one).unwrap_or_default(),
                }
            }
            given if stored.is_empty() => {
                nothing_stored(fields, pointer, given.as_ref());
                Live::default()
            }
            _ => stored.clone(),
        }
    }
}

/// Two ways that speak by one header cannot both be shown.
fn one_each(fields: &mut Fields, authentication: &Authentication) {
    let by_authorization = [
        authentication.basic.is_some(),
        authentication.login.is_some(),
        (authentication.header.as_ref())
            .is_some_and(|header| header.key == http::header::AUTHORIZATION.as_str()),
    ];
    let several = by_authorization.into_iter().filter(|set| *set).count() > 1;
    if authentication.require == Require::All && several {
        fields.error(
            "/authentication/require",
            "is `any` where two of the ways need the Authorization header: no request can show both",
        );
    }
}

/// The live secrets: a given one is the only one from now on, unless it is the newest already.
fn kept(
    fields: &mut Fields,
    pointer: &str,
    given: Option<&GivenSecret>,
    stored: Option<&Digested>,
    digest: impl FnOnce(&mut Fields, &str) -> Option<Digested>,
) -> Option<Digested> {
    match (given, stored) {
        (Some(GivenSecret::Itself(text)), stored) => {
            let new = digest(fields, text.reveal())?;
            let is_newest =
                |stored: &&Digested| stored.live.secrets.first() == new.live.secrets.first();
            match stored.filter(is_newest) {
                Some(stored) => Some(Digested {
                    live: stored.live.clone(),
                    last4: new.last4,
                }),
                None => Some(new),
            }
        }
        (_, Some(stored)) => Some(stored.clone()),
        (given, None) => {
            nothing_stored(fields, pointer, given);
            None
        }
    }
}

fn nothing_stored(fields: &mut Fields, pointer: &str, given: Option<&GivenSecret>) {
    match given {
        Some(GivenSecret::Kept(reference)) => fields.error(pointer, reference.unresolved()),
        _ => fields.error(pointer, "is missing"),
    }
}

/// What is kept of a header's value.
pub(super) fn header_secret(
    fields: &mut Fields,
    pointer: &str,
    text: &str,
    app: &App,
) -> Option<Digested> {
    let value = bounded(fields, pointer, text);
    // What a header cannot carry would never fit.
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        fields.error(pointer, "is visible ASCII");
    }
    Some(digested(value?.trim(), app))
}

/// What is kept of a password.
pub(super) fn password_secret(
    fields: &mut Fields,
    pointer: &str,
    text: &str,
    app: &App,
) -> Option<Digested> {
    bounded(fields, pointer, text).map(|password| digested(password, app))
}

fn digested(text: &str, app: &App) -> Digested {
    let last4 = Secret::new(text.to_owned()).last4();
    Digested {
        live: Live::one(receive::source_digest(app.store(), text)),
        last4: Some(last4).filter(|last4| !last4.is_empty()),
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

/// Pointers to the secrets that are others than before, where the way of proving is the same.
pub(in crate::api) fn changed_secrets(old: &Authentication, new: &Authentication) -> Vec<String> {
    let header = |side: &Authentication| Some(side.header.as_ref()?.secret.live.clone());
    let basic = |side: &Authentication| Some(side.basic.as_ref()?.secret.live.clone());
    let login = |side: &Authentication| Some(side.login.as_ref()?.secret.live.clone());
    let mut changed = Vec::new();
    for (pointer, before, after) in [
        ("/authentication/header/value", header(old), header(new)),
        ("/authentication/basic/password", basic(old), basic(new)),
        ("/authentication/login/password", login(old), login(new)),
    ] {
        if before.is_some() && after.is_some() && before != after {
            changed.push(pointer.to_owned());
        }
    }
    let signed = !old.signature.is_empty() && !new.signature.is_empty();
    if signed && old.signature != new.signature {
        changed.push("/authentication/signature/secret".to_owned());
    }
    changed
}
