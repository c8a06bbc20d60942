//! The credentials of a webhook, parsed once: the rules that tie its fields together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use domain::integration::{Fields, Secrets};
use egress::{Egress, Identity, Target};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::login::{self, Login};
use crate::credentials::{FieldError, Parsed, Reader, keep};
use crate::header_rules::{name_fault, value_fault};
use crate::identity::{self, RawIdentity};
use crate::rotation::{self, LiveSigner, RawSigning};

/// Ports that need no entry in the operator's list.
pub const PORTS: &[u16] = &[443, 8443];
/// The fields that say where secrets go.
pub(crate) const URLS: [&str; 2] = ["webhook_url", "authentication_url"];
const FIELDS: [&str; 13] = [
    "webhook_url",
    "authentication_url",
    "username",
    "password",
    "header_key",
    "header_value",
    "login",
    rotation::SECRET,
    rotation::PREVIOUS,
    rotation::PREVIOUS_UNTIL,
    identity::CA,
    identity::CERTIFICATE,
    identity::KEY,
];
/// Where a template takes the token in.
const TOKEN: &str = "{token}";

/// A webhook's settings, every rule kept.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) target: Target,
    /// Sent on every request.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) login: Option<(Login, Placement)>,
    /// The newest first.
    pub(crate) signers: Vec<LiveSigner>,
    /// Both URLs are approached with it.
    pub(crate) identity: Option<Identity>,
    /// What must never be shown, in every form in which it travels.
    pub(crate) hidden: Vec<Secret<String>>,
}

/// Where a login's token goes.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) name: HeaderName,
    /// Holds `{token}`.
    template: Secret<String>,
}

impl Placement {
    /// The header's value with the token in its place; none when the token is nothing that a header can hold.
    pub(crate) fn place(&self, token: &str) -> Option<HeaderValue> {
        hidden_value(&self.template.reveal().replace(TOKEN, token))
    }
}

/// Reads the API's object and parts fields from secrets.
pub(crate) fn parse(
    credentials: &Map<String, Value>,
    egress: &Egress,
) -> Result<Parsed, Vec<FieldError>> {
    Raw::read(credentials, egress).map(|raw| raw.parsed())
}

/// Makes settings of stored fields and their secrets.
pub(crate) fn settings(
    fields: &Fields,
    secrets: &Secrets,
    egress: &Egress,
) -> Result<Settings, Vec<FieldError>> {
    let mut whole = fields.clone();
    for (name, secret) in secrets {
        whole.insert(name.clone(), Value::String(secret.reveal().clone()));
    }
    let raw = Raw::read(&whole, egress)?;
    raw.settings().ok_or_else(|| {
        vec![FieldError::of(
            "webhook_url",
            "cannot be sent with these credentials",
        )]
    })
}

/// The fields after their rules were checked.
struct Raw<'a> {
    target: Target,
    webhook_url: &'a str,
    authentication: Option<(&'a str, Target)>,
    account: Option<(&'a str, &'a str)>,
    header: Option<(&'a str, &'a str)>,
    login: Option<login::Manner>,
    login_form: Option<Value>,
    signing: RawSigning<'a>,
    identity: Option<RawIdentity<'a>>,
}

impl<'a> Raw<'a> {
    fn read(credentials: &'a Map<String, Value>, egress: &Egress) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader::new(credentials, "/credentials", &FIELDS);
        let webhook = read_url(&mut reader, "webhook_url", egress);
        if reader.value("webhook_url").is_none() {
            reader.error("webhook_url", "is missing");
        }
        let authentication = read_url(&mut reader, "authentication_url", egress);
        let header = read_pair(&mut reader, "header_key", "header_value");
        let account = read_pair(&mut reader, "username", "password");
        let login = read_login(&mut reader);
        let signing = RawSigning::read(&mut reader);
        let targets = [&webhook, &authentication];
        let is_secure = targets
            .into_iter()
            .flatten()
            .any(|(_, target)| !target.is_plain());
        let identity = RawIdentity::read(&mut reader, is_secure, egress);
        check_header(&mut reader, header);
        check_account(
            &mut reader,
            account,
            authentication.is_some(),
            login.as_ref(),
        );
        check_authorization(
            &mut reader,
            header,
            account.is_some(),
            authentication.is_some(),
        );
        match webhook {
            Some((webhook_url, target)) if reader.errors.is_empty() => Ok(Self {
                target,
                webhook_url,
                login: authentication.as_ref().map(|_| login.unwrap_or_default()),
                login_form: reader.value("login").cloned(),
                authentication,
                account,
                header,
                signing,
                identity,
            }),
            _ => Err(reader.errors),
        }
    }

    fn parsed(self) -> Parsed {
        let mut fields = Fields::new();
        let mut secrets = Secrets::new();
        let mut field = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        field("webhook_url", Some(self.webhook_url.into()));
        field(
            "authentication_url",
            self.authentication.as_ref().map(|(url, _)| (*url).into()),
        );
        field(
            "username",
            self.account.map(|(username, _)| username.into()),
        );
        field("header_key", self.header.map(|(key, _)| key.into()));
        field("login", self.login_form);
        keep(
            &mut secrets,
            "password",
            self.account.map(|(_, password)| password),
        );
        keep(
            &mut secrets,
            "header_value",
            self.header.map(|(_, value)| value),
        );
        self.signing.put(&mut fields, &mut secrets);
        if let Some(identity) = &self.identity {
            identity.put(&mut fields, &mut secrets);
        }
        Parsed { fields, secrets }
    }

    /// None only when a header could not be built, which the rules have ruled out.
    fn settings(self) -> Option<Settings> {
        let mut hidden = Vec::new();
        let mut hide = |text: &str| {
            // An echo in JSON or in a form has another spelling.
            let in_json = Value::from(text).to_string();
            let in_form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            for other in [in_json.trim_matches('"'), &in_form]
                .into_iter()
                .filter(|other| *other != text)
            {
                hidden.push(Secret::new(other.to_owned()));
            }
            hidden.push(Secret::new(text.to_owned()));
        };
        let mut headers = Vec::new();
        let mut placement = None;
        if let Some((key, value)) = self.header {
            let name = HeaderName::from_bytes(key.as_bytes()).ok()?;
            if value.contains(TOKEN) {
                placement = Some(Placement {
                    name,
                    template: Secret::new(value.to_owned()),
                });
            } else {
                hide(value);
                // A target may echo the credential without its scheme.
                value
                    .split_once(' ')
                    .into_iter()
                    .for_each(|(_, bare)| hide(bare));
                headers.push((name, hidden_value(value)?));
            }
        }
        if let Some((username, password)) = self.account {
            hide(password);
            let basic = basic(username, password);
            hide(basic.reveal());
            if self.authentication.is_none() {
                headers.push((
                    AUTHORIZATION,
                    hidden_value(&format!("Basic {}", basic.reveal()))?,
                ));
            }
        }
        self.signing.secrets().for_each(&mut hide);
        let identity = self.identity.map(|raw| raw.identity);
        let approached = |target: Target| match &identity {
            Some(identity) => target.with_identity(identity),
            None => target,
        };
        let login = match (self.authentication, self.account, self.login) {
            (Some((_, url)), Some((username, password)), Some(manner)) => {
                let bearer = || Placement {
                    name: AUTHORIZATION,
                    template: Secret::new(format!("Bearer {TOKEN}")),
                };
                Some((
                    Login::new(approached(url), username, password, manner),
                    placement.unwrap_or_else(bearer),
                ))
            }
            _ => None,
        };
        Some(Settings {
            target: approached(self.target),
            headers,
            login,
            signers: self.signing.signers(),
            identity,
            hidden,
        })
    }
}

fn read_url<'a>(
    reader: &mut Reader<'a>,
    field: &str,
    egress: &Egress,
) -> Option<(&'a str, Target)> {
    // A pasted URL often brings a space or a line end along.
    let text = reader.text(field)?.trim();
    match egress.target(text, PORTS) {
        Ok(target) => Some((text, target)),
        Err(error) => {
            reader.error(field, error.to_string());
            None
        }
    }
}

/// Two fields that make sense together only.
fn read_pair<'a>(reader: &mut Reader<'a>, first: &str, second: &str) -> Option<(&'a str, &'a str)> {
    match (reader.text(first), reader.text(second)) {
        (Some(one), Some(other)) => Some((one, other)),
        (Some(_), None) => {
            reader.error(second, format!("is missing; it belongs to {first}"));
            None
        }
        (None, Some(_)) => {
            reader.error(first, format!("is missing; it belongs to {second}"));
            None
        }
        (None, None) => None,
    }
}

fn read_login(reader: &mut Reader<'_>) -> Option<login::Manner> {
    let form = reader.value("login")?;
    match login::Manner::read(form) {
        Ok(manner) => Some(manner),
        Err(errors) => {
            reader.errors.extend(errors);
            None
        }
    }
}

fn check_header(reader: &mut Reader<'_>, header: Option<(&str, &str)>) {
    let Some((key, value)) = header else { return };
    if let Some(fault) = name_fault(key) {
        reader.error("header_key", fault);
    }
    if let Some(fault) = value_fault(value) {
        reader.error("header_value", fault);
    }
    if value.contains(TOKEN) && reader.value("authentication_url").is_none() {
        reader.error(
            "header_value",
            "holds {token}, which needs an authentication_url that gives one",
        );
    }
}

fn check_account(
    reader: &mut Reader<'_>,
    account: Option<(&str, &str)>,
    has_authentication: bool,
    login: Option<&login::Manner>,
) {
    let incomplete = reader.value("username").is_some() != reader.value("password").is_some();
    if has_authentication && account.is_none() && !incomplete {
        reader.error(
            "username",
            "is missing; an authentication_url needs username and password",
        );
    }
    if login.is_some() && reader.value("authentication_url").is_none() {
        reader.error("login", "needs an authentication_url");
    }
    let Some((username, password)) = account else {
        return;
    };
    if username
        .chars()
        .chain(password.chars())
        .any(char::is_control)
    {
        reader.error("username", "and password have no control characters");
    }
    let by_basic = !has_authentication || login.is_some_and(login::Manner::is_basic);
    if by_basic && username.contains(':') {
        reader.error("username", "has no colon where it is sent by HTTP Basic");
    }
}

/// One request has one `Authorization`.
fn check_authorization(
    reader: &mut Reader<'_>,
    header: Option<(&str, &str)>,
    has_account: bool,
    has_authentication: bool,
) {
    let Some((key, value)) = header else { return };
    if !key.eq_ignore_ascii_case("authorization") || value.contains(TOKEN) {
        return;
    }
    if has_authentication {
        reader.error("header_key", "is Authorization, which the login's token needs; write {token} in header_value, or choose another header");
    } else if has_account {
        reader.error(
            "header_key",
            "is Authorization, which username and password need; leave one of the two out",
        );
    }
}

/// RFC 7617, without the scheme's name.
pub(super) fn basic(username: &str, password: &str) -> Secret<String> {
    Secret::new(STANDARD.encode(format!("{username}:{password}")))
}

/// A value that no log of a header shows.
pub(super) fn hidden_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
