//! What the server must be told; `cli` fills it in.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

/// Parsed settings; [`Settings::new`] fills the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens; its host passes the Host check.
    pub listen: SocketAddr,
    /// Base of intake URLs and links.
    pub public_url: PublicUrl,
    /// Only from these is the forwarded address believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where requests to receivers come from, as the operator says; shown to whoever runs a receiver's firewall.
    pub egress_addresses: Vec<IpNet>,
    /// Largest body of a webhook.
    pub intake_bytes: usize,
    /// Largest body of `POST /api/v1/events`.
    pub events_bytes: usize,
    /// Files of scanners that may be read at once. How large one may be is [`scan::FILE_BYTES`].
    pub imports: usize,
    /// From the end of the headers to the end of such a file.
    pub import_timeout: Duration,
    /// Largest body of any other call.
    pub form_bytes: usize,
    /// From the first byte of a request, or the last answer, to the end of its headers.
    pub header_timeout: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Duration,
    /// Bytes that a body which is waited for has to bring in a second at least; looked at after each window.
    pub body_rate: u32,
    pub body_window: Duration,
    /// How long connections may finish their work at a shutdown.
    pub drain: Duration,
    /// Open connections, in all and for one address. When there are more, those that have waited longest make room.
    pub connections: NonZeroUsize,
    pub connections_per_address: NonZeroUsize,
    /// Live streams, of events or of deliveries, that may be open at once.
    pub streams: usize,
    /// How often a live stream asks whether its reader still may read.
    pub stream_recheck: Duration,
    /// How often a live stream of deliveries looks for what has happened to them.
    pub stream_look: Duration,
    /// Exports of events that may be under way at once.
    pub exports: usize,
    /// Questions over stored events (what-if, dry runs of silences) that may be worked at at once.
    pub what_ifs: usize,
    /// Most events that one of these reads, and how long it reads at most.
    pub what_if_events: u64,
    pub what_if_time: Duration,
    /// Passwords that may be hashed at once: each takes 19 MiB and some tens of milliseconds of a core.
    pub hashings: usize,
    /// Sign-ins that may wait for that; one more is told to come again.
    pub hashings_waiting: usize,
    /// Checks and finishes of one key in a minute.
    pub test_sends_per_minute: u32,
    /// Readiness fails when the oldest due delivery has waited longer than this.
    pub outbox_stale: Duration,
}

impl Settings {
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        let some = |number| NonZeroUsize::new(number).expect("the defaults are not zero");
        Self {
            listen,
            public_url: PublicUrl::of_listen(listen),
            trusted_proxies: Vec::new(),
            egress_addresses: Vec::new(),
            intake_bytes: 1024 * 1024,
            events_bytes: 16 * 1024 * 1024,
            imports: 2,
            import_timeout: Duration::from_secs(15 * 60),
            form_bytes: 1024 * 1024,
            header_timeout: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            body_timeout: Duration::from_secs(15),
            body_rate: 256,
            body_window: Duration::from_secs(5),
            drain: Duration::from_secs(20),
            connections: some(4_096),
            connections_per_address: some(256),
            streams: 256,
            stream_recheck: Duration::from_secs(30),
            stream_look: Duration::from_secs(2),
            exports: 4,
            what_ifs: 2,
            what_if_events: domain::what_if::EVENTS,
            what_if_time: Duration::from_secs(30),
            hashings: 2,
            hashings_waiting: 64,
            test_sends_per_minute: 10,
            outbox_stale: Duration::from_secs(300),
        }
    }

    /// Whether the server answers for this `Host` (security.md I16). The port is not looked at: it may be mapped.
    pub(crate) fn answers_for(&self, host: &str) -> bool {
        let Some(name) = host_name(host) else {
            return false;
        };
        if name.eq_ignore_ascii_case("localhost")
            || name.eq_ignore_ascii_case(&self.public_url.host)
        {
            return true;
        }
        let Ok(address) = name.parse::<IpAddr>() else {
            return false;
        };
        // Listening on all addresses, any of them may be the one; a page that rebinds a name sends that name.
        address.is_loopback() || self.listen.ip() == address || self.listen.ip().is_unspecified()
    }

    /// How a session's cookie goes to this `Host`; none when passwords and cookies would go over a network in the clear.
    pub(crate) fn cookie_for(&self, host: &str) -> Option<SessionCookie> {
        if self.public_url.is_https() {
            return Some(SessionCookie::Secure);
        }
        let name = host_name(host)?;
        let is_loopback = name.eq_ignore_ascii_case("localhost")
            || name
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback());
        is_loopback.then_some(SessionCookie::Loopback)
    }

    /// The address that a request counts for: the peer's, or what a trusted proxy says of it.
    pub(crate) fn client(&self, peer: IpAddr, headers: &http::HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.trusted_proxies.is_empty() || !self.trusts(peer) {
            return peer;
        }
        // The last entry that no trusted proxy wrote about another trusted proxy: what stands before it may be made up.
        let lines = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|line| line.to_str().ok());
        let hops: Vec<&str> = lines
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Some(address) = forwarded(hop) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|range| range.contains(&address))
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
fn forwarded(hop: &str) -> Option<IpAddr> {
    let address = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}

/// The name of a `Host` value, without port and brackets.
fn host_name(host: &str) -> Option<&str> {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map(|(name, _)| name);
    }
    let name = host.split(':').next().unwrap_or_default();
    (!name.is_empty()).then_some(name.strip_suffix('.').unwrap_or(name))
}

/// The cookie of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionCookie {
    /// Over https: the prefix makes browsers refuse one that another host, path or plain http has set.
    Secure,
    /// Plain http on this machine itself, where browsers take no `Secure` cookie: without the prefix, which asks for it.
    /// Nothing of it ever leaves the machine, and it has another name so that neither is taken for the other.
    Loopback,
}

impl SessionCookie {
    pub(crate) const ALL: [Self; 2] = [Self::Secure, Self::Loopback];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-alertwire",
            Self::Loopback => "alertwire-loopback",
        }
    }

    /// The header that sets it; an empty token takes it away.
    pub(crate) fn written(self, token: &str) -> String {
        let secure = match self {
            Self::Secure => "; Secure",
            Self::Loopback => "",
        };
        let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
        format!(
            "{}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}",
            self.name()
        )
    }
}

/// The base of all links: scheme, host and perhaps a port and a path, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    host: String,
}

/// A text that cannot be the base of links.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no public URL; write for example https://alerts.example.com")]
pub struct PublicUrlError(String);

impl PublicUrl {
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let bad = || PublicUrlError(text.chars().take(128).collect());
        let url = Url::parse(text.trim()).map_err(|_| bad())?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(bad());
        }
        let host = match url.host().ok_or_else(bad)? {
            Host::Domain(name) => name.strip_suffix('.').unwrap_or(name).to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host,
        })
    }

    fn of_listen(listen: SocketAddr) -> Self {
        let address = match listen.ip() {
            address if address.is_unspecified() => {
                SocketAddr::from(([127, 0, 0, 1], listen.port()))
            }
            _ => listen,
        };
        Self {
            base: format!("http://{address}"),
            host: address.ip().to_string(),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base.starts_with("https:")
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::new("192.0.2.10:8080".parse().unwrap());
        settings.public_url = PublicUrl::parse("https://alerts.example.com/base/").unwrap();
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        settings
    }

    #[test]
    fn only_known_hosts_are_answered_for() {
        let settings = settings();
        for host in [
            "alerts.example.com",
            "ALERTS.example.com:443",
            "localhost:9",
            "127.0.0.1",
            "[::1]:80",
            "192.0.2.10:8080",
        ] {
            assert!(settings.answers_for(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "alerts.example.com.evil.example",
            "192.0.2.11",
            "[",
            "127.0.0.1.evil.example",
            ":80",
        ] {
            assert!(!settings.answers_for(host), "{host}");
        }
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_alone() {
        let settings = settings();
        let client = |peer: &str, line: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("x-forwarded-for", line.parse().unwrap());
            settings.client(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(client("10.1.1.1", "203.0.113.7"), "203.0.113.7");
        assert_eq!(
            client("10.1.1.1", "6.6.6.6, 203.0.113.7:1234, 10.2.2.2"),
            "203.0.113.7"
        );
        assert_eq!(client("10.1.1.1", "nonsense"), "10.1.1.1");
        assert_eq!(client("10.1.1.1", "[2001:db8::1]:99"), "2001:db8::1");
        assert_eq!(client("198.51.100.1", "203.0.113.7"), "198.51.100.1");
        assert_eq!(client("::ffff:10.1.1.1", "203.0.113.7"), "203.0.113.7");
    }

    #[test]
    fn a_session_goes_over_https_or_stays_on_the_machine() {
        let https = settings();
        assert_eq!(
            https.cookie_for("alerts.example.com"),
            Some(SessionCookie::Secure)
        );
        let plain = Settings::new("0.0.0.0:8080".parse().unwrap());
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert_eq!(plain.cookie_for(host), Some(SessionCookie::Loopback));
        }
        for host in ["192.0.2.1:8080", "alerts.example.com", ""] {
            assert_eq!(plain.cookie_for(host), None, "{host}");
        }
        assert_eq!(
            SessionCookie::Secure.written("t"),
            "__Host-alertwire=t; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            SessionCookie::Loopback.written(""),
            "alertwire-loopback=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        assert_eq!(
            settings().public_url.as_str(),
            "https://alerts.example.com/base"
        );
        assert_eq!(
            Settings::new("0.0.0.0:80".parse().unwrap())
                .public_url
                .as_str(),
            "http://127.0.0.1:80"
        );
        for text in [
            "",
            "alerts.example.com",
            "ftp://a",
            "https://u:p@a",
            "https://a?b",
            "https://a#b",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
