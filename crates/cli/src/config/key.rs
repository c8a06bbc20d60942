//! Every key of the configuration: the one list that the file, the environment, the flags, `config show`, `config init`
//! and the documentation are made from.

/// One thing that an operator may set.
#[derive(Debug)]
pub(crate) struct Key {
    /// `section.key`, or `key` at the top of the file.
    pub(crate) name: &'static str,
    /// The flag of its own, beside `--set NAME=VALUE` that all have.
    pub(crate) flag: Option<&'static str>,
    /// What holds when nobody says anything, as it would be written.
    pub(crate) default: &'static str,
    pub(crate) sort: Sort,
    pub(crate) about: &'static str,
}

/// How a value is written in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Text,
    /// Several texts: an array in the file, commas elsewhere.
    List,
    /// A file or folder.
    Path,
    Number,
    /// `250ms`, `5s`, `5m`, `2h`, `30d`.
    Duration,
    /// `64KiB`, `1MiB`, or bytes.
    Size,
    /// Never shown again.
    Secret,
}

impl Key {
    /// `ALERTWIRE_SECTION__KEY`.
    pub(crate) fn variable(&self) -> String {
        format!(
            "{}{}",
            super::environment::PREFIX,
            self.name.to_uppercase().replace('.', "__")
        )
    }

    pub(crate) fn section(&self) -> Option<&'static str> {
        self.name.split_once('.').map(|(section, _)| section)
    }

    /// The name without its section.
    pub(crate) fn bare(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// The key of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, sort: Sort, default: &'static str, about: &'static str) -> Key {
    Key {
        name,
        flag: None,
        default,
        sort,
        about,
    }
}

const fn flagged(flag: &'static str, key: Key) -> Key {
    Key {
        flag: Some(flag),
        ..key
    }
}

/// All of them, in the order of the file: the top first, then section by section.
#[rustfmt::skip]
pub(crate) const KEYS: &[Key] = &[
    flagged("listen", key("listen", Sort::Text, "127.0.0.1:8080",
        "Address and port of the HTTP server. Port 0 takes any free one.")),
    flagged("state-dir", key("state_dir", Sort::Path, "",
        "Folder of database, key and node id, made with mode 0700. Without it: $STATE_DIRECTORY (systemd), $XDG_STATE_HOME/alertwire, ~/.local/state/alertwire.")),
    flagged("database", key("database", Sort::Secret, "",
        "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`. Without it: sqlite, `alertwire.db` in the state folder.")),
    flagged("key-file", key("key_file", Sort::Path, "",
        "The sealing key, made with mode 0600 at the first start; the same on every node. Without it: `key` in the state folder. Back it up: without it stored secrets are lost.")),
    flagged("public-url", key("public_url", Sort::Text, "",
        "How others reach this server; base of intake URLs and links, and its host passes the Host check. Without it: made from the listen address.")),
    flagged("trusted-proxies", key("trusted_proxies", Sort::List, "",
        "Addresses or CIDRs of reverse proxies. Only from these is the forwarded address believed.")),
    flagged("roles", key("roles", Sort::List, "web,dispatch",
        "What this node does. `web` answers HTTP, `dispatch` delivers. A node may take one of them when the database is PostgreSQL.")),
    flagged("catalogue-dir", key("catalogue_dir", Sort::Path, "",
        "Folder of further catalogue files (*.toml), read at the start.")),
    key("shutdown_grace", Sort::Duration, "20s",
        "How long a stop may take to finish what is in flight."),

    flagged("tls-cert", key("tls.cert", Sort::Path, "",
        "Certificate chain (PEM): serve https ourselves. Reloaded when the file changes and on SIGHUP.")),
    flagged("tls-key", key("tls.key", Sort::Path, "",
        "Private key of the certificate (PEM).")),

    key("setup.api_key", Sort::Secret, "",
        "First admin key, created at the first start, for machines that set themselves up. At least 16 characters."),

    flagged("egress-allow", key("egress.allow", Sort::List, "",
        "`host-or-CIDR[:port or :*]` that may be reached although they are not public; only these may use plain http. No port means all ports. Cloud metadata addresses never.")),
    key("egress.addresses", Sort::List, "",
        "Addresses or CIDRs that requests to receivers come from, as the Internet sees them. Shown by GET /api/v1/whitelisting; nothing is bound to them."),
    key("egress.ca", Sort::Path, "",
        "Further roots of trust for outgoing TLS (PEM), beside the built-in ones."),
    key("egress.connect_timeout", Sort::Duration, "5s",
        "For each of: name look-up, TCP connection, TLS handshake."),
    key("egress.connections", Sort::Number, "1024",
        "Outgoing connections at once, idle ones included."),

    key("limits.intake_body", Sort::Size, "1MiB",
        "Longest body at an intake; a longer one is answered 413."),
    key("limits.events_body", Sort::Size, "16MiB",
        "Longest body of POST /api/v1/events; a longer one is answered 413."),

    key("limits.head", Sort::Size, "16KiB",
        "Longest head of a request (request line and header lines, of which there may be 64); a longer one is answered 431."),
    key("limits.head_timeout", Sort::Duration, "10s",
        "From the first byte of a request, or the last answer, to the end of its head; also for a TLS handshake."),
    key("limits.body_timeout", Sort::Duration, "15s",
        "From the end of the head to the end of the body; a slower one is answered 408."),
    key("limits.body_rate", Sort::Size, "256B",
        "What a body that is waited for has to bring in a second at least, looked at every 5 seconds; a slower one is answered 408."),
    key("limits.connections", Sort::Number, "4096",
        "Open connections of clients. When there are more, the one that has waited longest for its client makes room."),
    key("limits.connections_per_address", Sort::Number, "256",
        "The same for one address. It does not hold for `trusted_proxies`, which speak for many."),

    key("intake.signature_tolerance", Sort::Duration, "5m",
        "How far the time of a signed message may be off, both ways."),
    key("intake.token_lifetime", Sort::Duration, "1h",
        "How long a token of a source's authentication URL is good."),

    key("store.readers", Sort::Number, "4",
        "Database connections that read at the same time."),
    key("store.writers", Sort::Number, "2",
        "Database connections that write at the same time (PostgreSQL; SQLite has one)."),
    key("store.queue", Sort::Number, "8192",
        "Writes that may wait; one more is answered 503 with Retry-After."),
    key("store.commit_batch", Sort::Number, "512",
        "Writes that share one commit at most."),

    key("retention.messages", Sort::Duration, "30d",
        "Messages and their events. Never one with a delivery that has not ended."),
    key("retention.delivered", Sort::Duration, "14d",
        "Attempts of deliveries that were delivered."),
    key("retention.dead", Sort::Duration, "90d",
        "Dead deliveries."),
    key("retention.audit", Sort::Duration, "365d",
        "The audit log, and how far back the configuration can be restored."),
    key("retention.webhook_ids", Sort::Duration, "7d",
        "Webhook ids, by which a repeated message is known."),
    key("retention.idempotency_keys", Sort::Duration, "24h",
        "Idempotency keys of POST /api/v1/events."),
    key("retention.silences", Sort::Duration, "90d",
        "Silences, after their end."),
    key("retention.fingerprints", Sort::Duration, "30d",
        "Fingerprints, by which repeated alerts without an id are counted."),
    key("retention.known", Sort::Duration, "400d",
        "What a company is known to have, after an import has met it for the last time; then it is new again."),
    key("retention.jobs", Sort::Duration, "90d",
        "Replays that have ended."),

    flagged("log-format", key("log.format", Sort::Text, "text",
        "`text` or `json`; on stderr.")),
    flagged("log-level", key("log.level", Sort::Text, "info",
        "`error`, `warn`, `info`, `debug`, `trace`, or by module: `info,alertwire_dispatch=debug`.")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_names_are_the_ones_others_rely_on() {
        for (name, variable) in [
            ("listen", "ALERTWIRE_LISTEN"),
            ("state_dir", "ALERTWIRE_STATE_DIR"),
            ("database", "ALERTWIRE_DATABASE"),
            ("setup.api_key", "ALERTWIRE_SETUP__API_KEY"),
            ("egress.allow", "ALERTWIRE_EGRESS__ALLOW"),
            ("public_url", "ALERTWIRE_PUBLIC_URL"),
            ("tls.cert", "ALERTWIRE_TLS__CERT"),
            ("tls.key", "ALERTWIRE_TLS__KEY"),
            ("trusted_proxies", "ALERTWIRE_TRUSTED_PROXIES"),
            ("key_file", "ALERTWIRE_KEY_FILE"),
            ("roles", "ALERTWIRE_ROLES"),
            ("catalogue_dir", "ALERTWIRE_CATALOGUE_DIR"),
        ] {
            assert_eq!(Key::find(name).unwrap().variable(), variable);
        }
    }

    #[test]
    fn sections_stand_together() {
        let mut sections: Vec<_> = KEYS.iter().map(Key::section).collect();
        sections.dedup();
        let count = sections.len();
        sections.sort_unstable();
        sections.dedup();
        assert_eq!(sections.len(), count);
        assert_eq!(
            KEYS[0].section(),
            None,
            "keys without a section come first in TOML"
        );
    }
}
