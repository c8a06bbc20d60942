//! The whole configuration as parsed types. Reading it reads no other file than the roots of trust.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use domain::Secret;
use egress::AllowEntry;
use ipnet::IpNet;
use store::Database;
use url::Url;

use super::layers::Layers;
use super::{files, places};
use crate::exit::Failure;

/// Longest file of certificates, in bytes.
const CERTIFICATES: u64 = 4 * 1024 * 1024;
/// Shortest set-up API key, in characters: it is as good as an admin password.
const SHORTEST_KEY: usize = 16;
/// Longest anything is kept or waited for.
const CENTURY: Duration = Duration::from_secs(36_500 * 86_400);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const MIB: usize = 1024 * 1024;
/// Bounds of the longest head of a request, in bytes: less would refuse honest clients, more is kept for each connection.
const SHORTEST_HEAD: usize = 8 * 1024;
const LONGEST_HEAD: usize = 256 * 1024;

/// Everything that `serve` needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) state_folder: PathBuf,
    pub(crate) database: Database,
    pub(crate) key_file: PathBuf,
    pub(crate) public_url: Option<Url>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) roles: Roles,
    pub(crate) catalogue_folder: Option<PathBuf>,
    pub(crate) shutdown_grace: Duration,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) setup_key: Option<Secret<String>>,
    pub(crate) egress: egress::Settings,
    pub(crate) egress_addresses: Vec<IpNet>,
    pub(crate) intake: receive::Settings,
    pub(crate) limits: ServerLimits,
    pub(crate) pools: Pools,
    pub(crate) retention: dispatch::Retention,
    pub(crate) log: Log,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) web: bool,
    pub(crate) dispatch: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What clients may bring, and how slowly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerLimits {
    /// Longest bodies, in bytes.
    pub(crate) intake: usize,
    pub(crate) events: usize,
    /// Longest head of a request, in bytes.
    pub(crate) head: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) body_timeout: Duration,
    /// Fewest bytes of a body in a second.
    pub(crate) body_rate: u32,
    pub(crate) connections: NonZeroUsize,
    pub(crate) connections_per_address: NonZeroUsize,
}

/// Bounds of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pools {
    pub(crate) readers: NonZeroUsize,
    pub(crate) writers: NonZeroUsize,
    pub(crate) queue: NonZeroUsize,
    pub(crate) commit_batch: NonZeroUsize,
}

#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Settings {
    pub(crate) fn read(layers: &Layers) -> Result<Self, Failure> {
        let state_folder = state_folder(layers)?;
        let settings = Self {
            listen: listen(layers)?,
            database: database(layers, &state_folder)?,
            key_file: layers
                .path("key_file")
                .unwrap_or_else(|| state_folder.join("key")),
            public_url: public_url(layers)?,
            trusted_proxies: networks(layers, "trusted_proxies")?,
            roles: roles(layers)?,
            catalogue_folder: layers.path("catalogue_dir"),
            shutdown_grace: layers.duration(
                "shutdown_grace",
                Duration::ZERO,
                Duration::from_secs(600),
            )?,
            tls: tls(layers)?,
            setup_key: setup_key(layers)?,
            egress: egress_settings(layers)?,
            egress_addresses: networks(layers, "egress.addresses")?,
            intake: intake(layers)?,
            limits: limits(layers)?,
            pools: pools(layers)?,
            retention: retention(layers)?,
            log: log(layers)?,
            state_folder,
        };
        settings.fits_together(layers)?;
        Ok(settings)
    }

    /// SQLite is one file on one machine: a node that takes one role alone would never meet the other half.
    fn fits_together(&self, layers: &Layers) -> Result<(), Failure> {
        let split = !(self.roles.web && self.roles.dispatch);
        if split && matches!(self.database, Database::Sqlite(_)) {
            return Err(layers
                .wrong("roles", "split roles need PostgreSQL, and the database is SQLite")
                .help("run both roles in one process (`web,dispatch`), or set `database` to postgres://…"));
        }
        Ok(())
    }
}

/// The state folder alone, for commands that need no more.
pub(crate) fn state_folder(layers: &Layers) -> Result<PathBuf, Failure> {
    layers
        .path("state_dir")
        .map_or_else(|| places::state_folder(&layers.environment), Ok)
}

fn listen(layers: &Layers) -> Result<SocketAddr, Failure> {
    let text = layers.text("listen").unwrap_or("");
    let text = text.replacen(
        "localhost:",
        "127.0.0.1:",
        usize::from(text.starts_with("localhost:")),
    );
    text.parse().map_err(|_| layers.wrong("listen", format!("`{text}` is not an address and a port; write 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080")))
}

fn database(layers: &Layers, state_folder: &std::path::Path) -> Result<Database, Failure> {
    let database = layers.parsed("database")?;
    Ok(database.unwrap_or_else(|| Database::Sqlite(state_folder.join("alertwire.db"))))
}

fn public_url(layers: &Layers) -> Result<Option<Url>, Failure> {
    let Some(text) = layers.text("public_url") else {
        return Ok(None);
    };
    let bad = |what: &str| {
        layers.wrong(
            "public_url",
            format!("`{text}` {what}; write https://alerts.example.com"),
        )
    };
    let url = Url::parse(text).map_err(|error| bad(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(bad("does not begin with https:// or http:// and a host"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(bad("holds more than scheme, host, port and path"));
    }
    Ok(Some(url))
}

/// An address or a range of them.
struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text
            .parse()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        network
            .map(Self)
            .map_err(|_| format!("`{text}` is no address or CIDR; write 10.0.0.1 or 10.0.0.0/8"))
    }
}

fn networks(layers: &Layers, name: &str) -> Result<Vec<IpNet>, Failure> {
    let list = layers.list::<Network>(name)?;
    Ok(list.into_iter().map(|network| network.0).collect())
}

enum Role {
    Web,
    Dispatch,
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "web" => Ok(Self::Web),
            "dispatch" => Ok(Self::Dispatch),
            other => {
                let near = alertwire_catalogue::nearest(other, ["web", "dispatch"].into_iter());
                let near =
                    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                Err(format!("`{other}` is no role (web, dispatch){near}"))
            }
        }
    }
}

fn roles(layers: &Layers) -> Result<Roles, Failure> {
    let list = layers.list::<Role>("roles")?;
    if list.is_empty() {
        return Err(layers.wrong(
            "roles",
            "a node without a role would do nothing; write web,dispatch",
        ));
    }
    let has = |wanted: fn(&Role) -> bool| list.iter().any(wanted);
    Ok(Roles {
        web: has(|role| matches!(role, Role::Web)),
        dispatch: has(|role| matches!(role, Role::Dispatch)),
    })
}

fn tls(layers: &Layers) -> Result<Option<TlsFiles>, Failure> {
    match (layers.path("tls.cert"), layers.path("tls.key")) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(layers.wrong(
            "tls.cert",
            "a certificate without `tls.key` serves nobody; set both",
        )),
        (None, Some(_)) => Err(layers.wrong(
            "tls.key",
            "a key without `tls.cert` serves nobody; set both",
        )),
    }
}

fn setup_key(layers: &Layers) -> Result<Option<Secret<String>>, Failure> {
    let Some(key) = layers.text("setup.api_key") else {
        return Ok(None);
    };
    let visible = key.chars().all(|letter| letter.is_ascii_graphic());
    if key.len() < SHORTEST_KEY || !visible {
        let rule = format!(
            "an admin key has at least {SHORTEST_KEY} visible ASCII characters, no space among them"
        );
        return Err(layers
            .wrong("setup.api_key", rule)
            .help("`openssl rand -hex 32` makes a good one"));
    }
    Ok(Some(Secret::new(key.to_owned())))
}

fn egress_settings(layers: &Layers) -> Result<egress::Settings, Failure> {
    let certificates = |path: PathBuf| files::text(&path, CERTIFICATES).map_err(Failure::of_config);
    Ok(egress::Settings {
        allow: layers.list::<AllowEntry>("egress.allow")?,
        connect_timeout: layers.duration(
            "egress.connect_timeout",
            SECOND / 10,
            Duration::from_secs(60),
        )?,
        connections: layers.number("egress.connections", 65_536)?.get(),
        ca_pem: layers.path("egress.ca").map(certificates).transpose()?,
        ..egress::Settings::default()
    })
}

fn intake(layers: &Layers) -> Result<receive::Settings, Failure> {
    let mut settings = receive::Settings {
        signature_tolerance: layers.duration("intake.signature_tolerance", SECOND, DAY)?,
        token_lifetime: layers.duration("intake.token_lifetime", SECOND, DAY * 30)?,
        ..receive::Settings::default()
    };
    settings.reading.payload_bytes = limits(layers)?.intake;
    Ok(settings)
}

fn limits(layers: &Layers) -> Result<ServerLimits, Failure> {
    let head = layers.size("limits.head", LONGEST_HEAD)?;
    if head < SHORTEST_HEAD {
        return Err(layers.wrong("limits.head", "is at least 8KiB"));
    }
    let wait = |name| layers.duration(name, SECOND, Duration::from_secs(600));
    let body_rate = layers.size("limits.body_rate", MIB)?;
    Ok(ServerLimits {
        head,
        head_timeout: wait("limits.head_timeout")?,
        body_timeout: wait("limits.body_timeout")?,
        body_rate: u32::try_from(body_rate).unwrap_or(u32::MAX),
        connections: layers.number("limits.connections", 1_000_000)?,
        connections_per_address: layers.number("limits.connections_per_address", 1_000_000)?,
        intake: layers.size(
            "limits.intake_body",
            alertwire_catalogue::Limits::MOST_BYTES,
        )?,
        events: layers.size("limits.events_body", 256 * MIB)?,
    })
}

fn pools(layers: &Layers) -> Result<Pools, Failure> {
    Ok(Pools {
        readers: layers.number("store.readers", 256)?,
        writers: layers.number("store.writers", 256)?,
        queue: layers.number("store.queue", 1_000_000)?,
        commit_batch: layers.number("store.commit_batch", 65_536)?,
    })
}

fn retention(layers: &Layers) -> Result<dispatch::Retention, Failure> {
    let keep = |name| layers.duration(name, Duration::from_secs(3_600), CENTURY);
    Ok(dispatch::Retention {
        messages: keep("retention.messages")?,
        delivered: keep("retention.delivered")?,
        dead: keep("retention.dead")?,
        audit: keep("retention.audit")?,
        webhook_ids: keep("retention.webhook_ids")?,
        idempotency_keys: keep("retention.idempotency_keys")?,
        fingerprints: keep("retention.fingerprints")?,
        known: keep("retention.known")?,
        silences: keep("retention.silences")?,
        jobs: keep("retention.jobs")?,
    })
}

fn log(layers: &Layers) -> Result<Log, Failure> {
    let format = match layers.text("log.format").unwrap_or("") {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => {
            return Err(layers.wrong("log.format", format!("`{other}` is neither text nor json")));
        }
    };
    let level = layers.text("log.level").unwrap_or("").to_owned();
    tracing_subscriber::EnvFilter::builder()
        .parse(&level)
        .map_err(|error| {
            layers.wrong(
                "log.level",
                format!("`{level}` is no level: {error}; write error, warn, info, debug or trace"),
            )
        })?;
    Ok(Log { format, level })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Environment;
    use crate::exit::Code;

    fn read(flags: &[(&str, &str)]) -> Result<Settings, Failure> {
        let flags = flags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::read(&Layers::of(
            Environment::of(&[("HOME", "/h")]),
            None,
            flags,
        )?)
    }

    #[test]
    fn nothing_set_is_a_good_configuration() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(
            settings.database,
            Database::Sqlite("/h/.local/state/alertwire/alertwire.db".into())
        );
        assert_eq!(
            settings.roles,
            Roles {
                web: true,
                dispatch: true
            }
        );
        assert!(settings.tls.is_none() && settings.setup_key.is_none());
    }

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let settings = read(&[]).unwrap();
        let egress = egress::Settings::default();
        assert_eq!(settings.egress.connections, egress.connections);
        assert_eq!(settings.egress.connect_timeout, egress.connect_timeout);
        let intake = receive::Settings::default();
        assert_eq!(
            settings.intake.signature_tolerance,
            intake.signature_tolerance
        );
        assert_eq!(settings.intake.token_lifetime, intake.token_lifetime);
        assert_eq!(settings.intake.reading, intake.reading);
        assert_eq!(settings.retention, dispatch::Retention::default());
        let (limits, web) = (settings.limits, web::Settings::new(settings.listen));
        assert_eq!(
            (limits.intake, limits.events),
            (web.intake_bytes, web.events_bytes)
        );
        assert_eq!(
            (limits.head, limits.body_rate),
            (web.head_bytes, web.body_rate)
        );
        assert_eq!(limits.head_timeout, web.header_timeout);
        assert_eq!(limits.body_timeout, web.body_timeout);
        assert_eq!(limits.connections, web.connections);
        assert_eq!(limits.connections_per_address, web.connections_per_address);
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_key_and_the_rule() {
        for (name, value, says) in [
            ("listen", "8080", "127.0.0.1:8080"),
            ("database", "mysql://u:hush@h/d", "sqlite:PATH"),
            ("public_url", "alerts.example.com", "https://"),
            ("trusted_proxies", "10.0.0.0/99", "CIDR"),
            ("roles", "web,dispach", "`dispatch`"),
            ("roles", "web", "PostgreSQL"),
            ("tls.cert", "/c.pem", "`tls.key`"),
            ("setup.api_key", "short", "16"),
            ("egress.allow", "169.254.169.254", "egress.allow"),
            ("egress.addresses", "203.0.113.0/33", "CIDR"),
            ("egress.connections", "0", "1 to"),
            ("limits.intake_body", "1 potato", "64KiB"),
            ("limits.head", "1KiB", "8KiB"),
            ("limits.body_timeout", "0s", "1s"),
            ("store.queue", "x", "whole number"),
            ("retention.dead", "soon", "duration"),
            ("log.format", "xml", "json"),
            ("log.level", "a=b=c", "level"),
        ] {
            let failure = read(&[(name, value)]).unwrap_err();
            let text = failure.to_string();
            assert_eq!(failure.code, Code::Config, "{text}");
            assert!(text.contains(says) && text.contains(name), "{name}: {text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
