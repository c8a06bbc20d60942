//! Where a request goes: a URL that was parsed at the edge and found good.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;
use url::{Host, Url};

use crate::address::{Standing, classify};
use crate::allow::{AllowEntry, permits, permits_plain};
use crate::failure::BLOCKED;
use crate::identity::Identity;

/// A URL that may be tried. Invariants: https, or http to a host that the allow list names; a host, no user information, no
/// fragment; a port that the connector declares or the list allows; no literal address that the policy refuses.
///
/// What its name resolves to is judged at each connection, not here.
#[derive(Clone)]
pub struct Target(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    url: Url,
    host: Host<String>,
    port: u16,
    /// None is plain HTTP.
    server_name: Option<ServerName<'static>>,
    /// Scheme, host and port.
    origin: Arc<str>,
    host_header: HeaderValue,
    path: Uri,
    identity: Option<Identity>,
    /// What a pooled connection is good for: the origin under this identity.
    shelf: Arc<str>,
}

/// A text that is no target, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("has more than {} characters", Target::LONGEST)]
    TooLong,
    #[error("is not a URL: {0}")]
    Unreadable(String),
    #[error("has to begin with https://, not {0}:")]
    Scheme(String),
    #[error(
        "has to begin with https://; plain http is for hosts that the operator allows in the configuration"
    )]
    PlainHttp,
    #[error("has no host")]
    EmptyHost,
    #[error("must not hold a user name or password; use the authentication fields")]
    UserInfo,
    #[error("must not have a fragment (#…); it would never be sent")]
    Fragment,
    #[error(
        "has port {0}, which is not a standard port here; the operator can allow `host:{0}` in the configuration"
    )]
    Port(u16),
    #[error("{BLOCKED}")]
    Blocked,
}

impl Target {
    /// Most characters of a URL.
    pub const LONGEST: usize = 2_048;

    /// Parses a URL against the operator's list; `ports` are the standard ports of the connector.
    pub fn parse(text: &str, allow: &[AllowEntry], ports: &[u16]) -> Result<Self, TargetError> {
        let url = spelled(text)?;
        let host = url.host().ok_or(TargetError::EmptyHost)?.to_owned();
        let port = url
            .port_or_known_default()
            .filter(|port| *port != 0)
            .ok_or(TargetError::Port(0))?;
        judge_literal(&host, port, allow)?;
        judge_plain(&url, &host, port, allow)?;
        if !ports.contains(&port) && !on_the_list(&host, port, allow) {
            return Err(TargetError::Port(port));
        }
        Self::of_parts(url, host, port)
    }

    fn of_parts(url: Url, host: Host<String>, port: u16) -> Result<Self, TargetError> {
        let unreadable = |what: &str| TargetError::Unreadable(what.to_owned());
        let server_name =
            match url.scheme() {
                "https" => Some(server_name(&host).ok_or_else(|| {
                    unreadable("the host is no name that a certificate could hold")
                })?),
                _ => None,
            };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let origin: Arc<str> = format!("{}://{host}:{port}", url.scheme()).into();
        Ok(Self(Arc::new(Parts {
            shelf: Arc::clone(&origin),
            identity: None,
            origin,
            host_header: HeaderValue::try_from(authority)
                .map_err(|_| unreadable("the host cannot be sent"))?,
            path: Uri::try_from(path).map_err(|_| unreadable("the path cannot be sent"))?,
            url,
            host,
            port,
            server_name,
        })))
    }

    /// The same place, approached with this identity from now on. Plain http has no use for one.
    #[must_use]
    pub fn with_identity(&self, identity: &Identity) -> Self {
        let shelf = format!("{} as {}", self.0.origin, identity.number());
        Self(Arc::new(Parts {
            identity: Some(identity.clone()),
            shelf: shelf.into(),
            ..Parts::clone(&self.0)
        }))
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// Scheme, host and port: when this changes, stored secrets are no longer for this place.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.0.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Host and, when it is not the usual one, port: the `host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.host_header.to_str().unwrap_or_default()
    }

    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.server_name.is_none()
    }

    pub(crate) fn shelf(&self) -> &Arc<str> {
        &self.0.shelf
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    pub(crate) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.0.server_name.as_ref()
    }

    pub(crate) fn host_header(&self) -> HeaderValue {
        self.0.host_header.clone()
    }

    pub(crate) fn path(&self) -> Uri {
        self.0.path.clone()
    }
}

/// The origin alone: path and query may hold a token.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.origin())
    }
}

/// Reads the URL strictly: what the URL standard would silently repair is refused, for a person should see what is sent.
fn spelled(text: &str) -> Result<Url, TargetError> {
    if text.len() > Target::LONGEST {
        return Err(TargetError::TooLong);
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(TargetError::Unreadable(
            "it holds a space, a control character or a backslash".to_owned(),
        ));
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::EmptyHost => TargetError::EmptyHost,
        url::ParseError::RelativeUrlWithoutBase => {
            TargetError::Unreadable("write it whole, beginning with https://".to_owned())
        }
        error => TargetError::Unreadable(error.to_string()),
    })?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(TargetError::Scheme(url.scheme().to_owned()));
    }
    match text[url.scheme().len()..].strip_prefix("://") {
        None => {
            return Err(TargetError::Unreadable(
                "the scheme is followed by ://".to_owned(),
            ));
        }
        Some(rest) if rest.starts_with('/') => return Err(TargetError::EmptyHost),
        Some(rest)
            if rest
                .split(['/', '?', '#'])
                .next()
                .is_some_and(|authority| authority.contains('@')) =>
        {
            return Err(TargetError::UserInfo);
        }
        Some(_) => {}
    }
    if url.fragment().is_some() {
        return Err(TargetError::Fragment);
    }
    Ok(url)
}

fn judge_literal(host: &Host<String>, port: u16, allow: &[AllowEntry]) -> Result<(), TargetError> {
    let address: IpAddr = match host {
        Host::Domain(_) => return Ok(()),
        Host::Ipv4(address) => (*address).into(),
        Host::Ipv6(address) => (*address).into(),
    };
    match classify(address) {
        Standing::Public => Ok(()),
        Standing::NotPublic(_) if permits(allow, borrowed(host), address, port) => Ok(()),
        Standing::NotPublic(_) | Standing::Metadata => Err(TargetError::Blocked),
    }
}

fn judge_plain(
    url: &Url,
    host: &Host<String>,
    port: u16,
    allow: &[AllowEntry],
) -> Result<(), TargetError> {
    if url.scheme() == "https" || permits_plain(allow, borrowed(host), port) {
        Ok(())
    } else {
        Err(TargetError::PlainHttp)
    }
}

/// Whether the operator opened this port. A name that only resolves into an allowed range is not known yet: its port is
/// taken when the range has it, and the address is judged at the connection.
fn on_the_list(host: &Host<String>, port: u16, allow: &[AllowEntry]) -> bool {
    permits_plain(allow, borrowed(host), port)
        || (matches!(host, Host::Domain(_)) && allow.iter().any(|entry| entry.is_range_with(port)))
}

pub(crate) fn borrowed(host: &Host<String>) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

pub(crate) fn server_name(host: &Host<String>) -> Option<ServerName<'static>> {
    match host {
        // The name in a certificate has no dot at its end (RFC 6066, section 3).
        Host::Domain(name) => {
            ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()).ok()
        }
        Host::Ipv4(address) => Some(ServerName::IpAddress(IpAddr::V4(*address).into())),
        Host::Ipv6(address) => Some(ServerName::IpAddress(IpAddr::V6(*address).into())),
    }
}
