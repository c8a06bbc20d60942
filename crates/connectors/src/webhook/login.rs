//! A login: the request that asks for a token, and the token in its answer.

use std::time::Duration;

use bytes::Bytes;
use domain::Secret;
use egress::{Exchange, Request, Target};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::settings::{basic, hidden_value};
use crate::credentials::{FieldError, Reader};
use crate::header_rules::name_fault;

/// Most bytes of a token; more would not fit the header caps of common receivers.
const TOKEN_BYTES: usize = 8 * 1_024;
/// Where a token is looked for when nothing was said.
const TOKEN_POINTERS: [&str; 3] = ["/access_token", "/token", "/data/token"];
const EXPIRES_POINTER: &str = "/expires_in";
const KEYS: [&str; 9] = [
    "method",
    "username_field",
    "password_field",
    "token_pointer",
    "token_header",
    "expires_pointer",
    "expires_unit",
    "scope",
    "client_auth",
];

/// How a login is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// POST of a JSON object with user name and password.
    Json,
    /// POST of a form with the same.
    Form,
    /// POST without a body, HTTP Basic.
    Basic,
    /// OAuth 2.0, RFC 6749, section 4.4.
    ClientCredentials,
    /// OAuth 2.0, RFC 6749, section 4.3: legacy, for servers that offer nothing else.
    PasswordGrant,
}

/// The `login` object of the credentials: how the login is spoken, and where its answer has the token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manner {
    method: Style,
    username_field: String,
    password_field: String,
    token: TokenPlace,
    expires_pointer: String,
    expires_unit: Duration,
    scope: Option<String>,
    /// Client credentials in the form rather than by HTTP Basic.
    client_in_body: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum TokenPlace {
    Usual,
    Pointer(String),
    Header(HeaderName),
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            method: Style::Json,
            username_field: "username".to_owned(),
            password_field: "password".to_owned(),
            token: TokenPlace::Usual,
            expires_pointer: EXPIRES_POINTER.to_owned(),
            expires_unit: Duration::from_secs(1),
            scope: None,
            client_in_body: false,
        }
    }
}

impl Manner {
    /// Reads the object, or the bare name of a method.
    pub(crate) fn read(form: &Value) -> Result<Self, Vec<FieldError>> {
        let named;
        let object = match form {
            Value::Object(object) => object,
            Value::String(_) => {
                named = Map::from_iter([("method".to_owned(), form.clone())]);
                &named
            }
            _ => {
                return Err(vec![FieldError::of(
                    "login",
                    "is an object, or the name of a method",
                )]);
            }
        };
        let mut reader = Reader::new(object, "/credentials/login", &KEYS);
        let mut manner = Self::default();
        manner.read_request(&mut reader);
        manner.read_answer(&mut reader);
        if reader.errors.is_empty() {
            Ok(manner)
        } else {
            Err(reader.errors)
        }
    }

    fn read_request(&mut self, reader: &mut Reader<'_>) {
        const METHODS: [(&str, Style); 5] = [
            ("json", Style::Json),
            ("form", Style::Form),
            ("basic", Style::Basic),
            ("client_credentials", Style::ClientCredentials),
            ("password_grant", Style::PasswordGrant),
        ];
        self.method = reader.choice("method", &METHODS).unwrap_or(self.method);
        for (field, place) in [
            ("username_field", &mut self.username_field),
            ("password_field", &mut self.password_field),
        ] {
            if let Some(name) = reader.text(field) {
                name.clone_into(place);
            }
        }
        self.scope = reader.text("scope").map(str::to_owned);
        self.client_in_body = reader
            .choice("client_auth", &[("basic", false), ("body", true)])
            .unwrap_or(false);
    }

    fn read_answer(&mut self, reader: &mut Reader<'_>) {
        const UNITS: [(&str, Duration); 3] = [
            ("milliseconds", Duration::from_millis(1)),
            ("seconds", Duration::from_secs(1)),
            ("minutes", Duration::from_secs(60)),
        ];
        self.expires_unit = reader
            .choice("expires_unit", &UNITS)
            .unwrap_or(self.expires_unit);
        if let Some(pointer) = read_pointer(reader, "expires_pointer") {
            self.expires_pointer = pointer;
        }
        if let Some(pointer) = read_pointer(reader, "token_pointer") {
            self.token = TokenPlace::Pointer(pointer);
        }
        let Some(name) = reader.text("token_header") else {
            return;
        };
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) if self.token == TokenPlace::Usual => self.token = TokenPlace::Header(name),
            Ok(_) => reader.error("token_header", "and token_pointer exclude each other"),
            Err(_) => reader.error(
                "token_header",
                name_fault(name).unwrap_or_else(|| "is a header name".to_owned()),
            ),
        }
    }

    /// Whether the user name travels by HTTP Basic as it is.
    pub(crate) fn is_basic(&self) -> bool {
        self.method == Style::Basic
    }

    /// Finds the token and its lifetime. The answer itself is never part of an error.
    fn find(&self, exchange: &Exchange) -> Result<Granted, String> {
        let answer: Value = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        let token = match &self.token {
            TokenPlace::Header(name) => exchange
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok()),
            TokenPlace::Pointer(pointer) => answer.pointer(pointer).and_then(Value::as_str),
            TokenPlace::Usual => TOKEN_POINTERS
                .iter()
                .find_map(|pointer| answer.pointer(pointer).and_then(Value::as_str)),
        };
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| self.missing(&answer, exchange))?;
        if token.len() > TOKEN_BYTES || !token.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(format!(
                "the login gave a token that is not visible ASCII of at most {TOKEN_BYTES} bytes"
            ));
        }
        let expires = answer.pointer(&self.expires_pointer).and_then(number);
        let lifetime = expires.map(|count| {
            self.expires_unit
                .saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        });
        Ok(Granted {
            token: Secret::new(token.to_owned()),
            lifetime,
        })
    }

    fn missing(&self, answer: &Value, exchange: &Exchange) -> String {
        let place = match &self.token {
            TokenPlace::Header(name) => format!("in its header {name}"),
            TokenPlace::Pointer(pointer) => format!("at {pointer}"),
            TokenPlace::Usual => format!("at {}", TOKEN_POINTERS.join(", ")),
        };
        let hint = match answer {
            _ if exchange.truncated => "; the answer is longer than we read",
            Value::Null => "; the answer is no JSON",
            _ => "",
        };
        format!("the login's answer has no token {place}{hint}")
    }
}

fn read_pointer(reader: &mut Reader<'_>, field: &str) -> Option<String> {
    let pointer = reader.text(field)?;
    if !pointer.starts_with('/') {
        reader.error(field, "is a JSON pointer, for example /data/token");
        return None;
    }
    Some(pointer.to_owned())
}

/// Some servers write the number as a text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number
                .as_f64()
                .filter(|float| (0.0..=9e15).contains(float))?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was just checked"
            )]
            Some(float as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What a login gave.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) token: Secret<String>,
    /// As the server said; none when it said nothing.
    pub(crate) lifetime: Option<Duration>,
}

/// Where and as whom to log in.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) target: Target,
    username: String,
    password: Secret<String>,
    manner: Manner,
}

impl Login {
    pub(crate) fn new(target: Target, username: &str, password: &str, manner: Manner) -> Self {
        Self {
            target,
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
            manner,
        }
    }

    /// The request that asks for a token; none when the credentials cannot be written as a header.
    pub(crate) fn request(&self, timeout: Duration) -> Option<Request> {
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let body = self.body();
        match self.manner.method {
            Style::Json => {
                drop(headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json")))
            }
            Style::Basic => drop(headers.insert(
                AUTHORIZATION,
                authorization(&self.username, self.password.reveal())?,
            )),
            Style::Form | Style::ClientCredentials | Style::PasswordGrant => {
                headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                );
            }
        }
        if self.manner.method == Style::ClientCredentials && !self.manner.client_in_body {
            // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let password = Secret::new(encode(self.password.reveal()));
            headers.insert(
                AUTHORIZATION,
                authorization(&encode(&self.username), password.reveal())?,
            );
        }
        Some(Request {
            method: Method::POST,
            url: self.target.clone(),
            headers,
            body,
            timeout,
        })
    }

    fn body(&self) -> Bytes {
        let (username, password) = (self.username.as_str(), self.password.reveal().as_str());
        let (username_field, password_field) = (
            self.manner.username_field.as_str(),
            self.manner.password_field.as_str(),
        );
        let scope = self.manner.scope.as_deref().map(|scope| ("scope", scope));
        let text = match self.manner.method {
            Style::Basic => String::new(),
            Style::Json => {
                let pair = [(username_field, username), (password_field, password)];
                Value::Object(
                    pair.into_iter()
                        .map(|(field, text)| (field.to_owned(), text.into()))
                        .collect(),
                )
                .to_string()
            }
            Style::Form => form(
                &[(username_field, username), (password_field, password)],
                scope,
            ),
            Style::PasswordGrant => form(
                &[
                    ("grant_type", "password"),
                    ("username", username),
                    ("password", password),
                ],
                scope,
            ),
            Style::ClientCredentials if self.manner.client_in_body => form(
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", username),
                    ("client_secret", password),
                ],
                scope,
            ),
            Style::ClientCredentials => form(&[("grant_type", "client_credentials")], scope),
        };
        Bytes::from(text)
    }

    /// The token in the answer, or a plain sentence that says what is wrong with it.
    pub(crate) fn granted(&self, exchange: &Exchange) -> Result<Granted, String> {
        if !exchange.status.is_success() {
            return Err(format!(
                "the login was answered with status {}",
                exchange.status.as_u16()
            ));
        }
        self.manner.find(exchange)
    }
}

fn form(pairs: &[(&str, &str)], scope: Option<(&str, &str)>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .extend_pairs(scope)
        .finish()
}

fn authorization(username: &str, password: &str) -> Option<HeaderValue> {
    hidden_value(&format!("Basic {}", basic(username, password).reveal()))
}
