//! The command line: what can be said, not what is done about it.

mod events;
mod import;
mod journal;
mod lesson;
mod listed;
mod projection;
mod replay;
mod reread;
mod silences;
mod sources;
mod users;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::key::KEYS;
use crate::config::layers::Flags;

pub(crate) use events::{EventsCommand, EventsFormat, ExportEvents};
pub(crate) use import::{ImportArguments, ImportCommand};
pub(crate) use journal::{JournalCommand, VerifyArguments};
pub(crate) use lesson::{DriftArguments, LearnArguments, UnknownArguments};
pub(crate) use listed::{ExportList, FileFlags, ListFormat};
pub(crate) use projection::ProjectionFlags;
pub(crate) use replay::{ReplayCommand, ReplayNamed, ReplayStart};
pub(crate) use reread::RereadArguments;
pub(crate) use silences::{SilenceArguments, SilencesCommand, WhatIfArguments};
pub(crate) use sources::{SourceArguments, SourcesCommand, Way};
pub(crate) use users::{PasswordFlag, UserCommand, UserCreate};

#[derive(Debug, Parser)]
#[command(
    name = "alertwire",
    version,
    about = "Carries security alerts from the event to the people and systems that must act on it.",
    after_help = "First time here? `alertwire demo` shows the whole loop in a minute; `alertwire serve` starts the server.",
    max_term_width = 110,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    /// Configuration file (TOML); `alertwire config init` prints one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: API, intake and delivery.
    Serve(SettingFlags),
    /// Play the guide's events through two throw-away instances.
    Demo(DemoArguments),
    /// Read alerts: one payload a file (or standard input), one JSON line each.
    Parse(ParseArguments),
    /// Print the alert of an event.
    Render(RenderArguments),
    /// The event kinds.
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Send an event to a server.
    Send(SendArguments),
    /// Raise events for what a scanner found and the company is not known to have.
    #[command(subcommand)]
    Import(ImportCommand),
    /// The events of a server.
    #[command(subcommand)]
    Events(EventsCommand),
    /// The deliveries of a server.
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Send many again: what failed, to another integration, or what went nowhere.
    #[command(subcommand)]
    Replay(ReplayCommand),
    Reread(RereadArguments),
    /// The raw messages of a server.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// The companies of a server.
    #[command(subcommand)]
    Companies(CompaniesCommand),
    /// The sources of a server: the doors that alerts come in by.
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Print the configuration of a server as a file: TOML, by names, secrets as references.
    Export(ExportArguments),
    /// Make the configuration of a server what a file says.
    Apply(ApplyArguments),
    /// The integrations of a server, and what their gates do.
    #[command(subcommand)]
    Integrations(IntegrationsCommand),
    /// Check an integration step by step, each printed as it ends: URL, DNS, policy, TCP, TLS, login, test alert.
    ///
    /// Exit 0 when every step is good, 1 when one is not; its cause and remedy are printed below it.
    Connect(ConnectArguments),
    /// Times in which certain events are kept and not sent.
    #[command(subcommand)]
    Silences(SilencesCommand),
    /// Where stored events would go if rules, event sets, mappings or silences were others.
    WhatIf(WhatIfArguments),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// The people who sign in to the console.
    #[command(subcommand)]
    User(UserCommand),
    /// Who changed what.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Go back to the configuration of an epoch, by one more change.
    ///
    /// The audit log shows which change made which epoch. API keys and silences stay as they are; an integration whose URL,
    /// credentials or secrets differ from now comes back not authenticated.
    Rollback(RollbackArguments),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what is wrong with this installation.
    Doctor(SettingFlags),
    /// Ask a server whether it is ready; for containers.
    Healthcheck(ServerFlags),
    /// Print the OpenAPI description of the HTTP API.
    Openapi,
    /// Print completions for a shell.
    Completions {
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man {
        /// Folder for one page a command.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

/// The configuration keys that have flags of their own; `--set` reaches all.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingFlags {
    /// Address and port of the HTTP server.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Folder of database, key and node id.
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// `sqlite:PATH` or `postgres://…`.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The sealing key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// How others reach this server.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Reverse proxies whose forwarded address is believed.
    #[arg(long, value_name = "CIDR,…")]
    trusted_proxies: Option<String>,
    /// What this node does.
    #[arg(long, value_name = "web,dispatch")]
    roles: Option<String>,
    /// Folder of further catalogue files.
    #[arg(long, value_name = "FOLDER")]
    catalogue_dir: Option<String>,
    /// Certificate chain (PEM) to serve https with.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key (PEM) of the certificate.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Hosts and networks that may be reached although they are not public.
    #[arg(long, value_name = "HOST-OR-CIDR[:PORT],…")]
    egress_allow: Option<String>,
    /// How logs are written.
    #[arg(long, value_name = "text|json")]
    log_format: Option<String>,
    /// How much is logged.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Any key of the configuration: `--set store.readers=8`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl SettingFlags {
    /// The flags as keys and values, those of `--set` last.
    pub(crate) fn flags(self) -> Flags {
        let named = [
            ("listen", self.listen),
            ("state-dir", self.state_dir),
            ("database", self.database),
            ("key-file", self.key_file),
            ("public-url", self.public_url),
            ("trusted-proxies", self.trusted_proxies),
            ("roles", self.roles),
            ("catalogue-dir", self.catalogue_dir),
            ("tls-cert", self.tls_cert),
            ("tls-key", self.tls_key),
            ("egress-allow", self.egress_allow),
            ("log-format", self.log_format),
            ("log-level", self.log_level),
        ];
        let key = |flag| {
            KEYS.iter()
                .find(|key| key.flag == Some(flag))
                .map_or(flag, |key| key.name)
        };
        let named = named
            .into_iter()
            .filter_map(|(flag, value)| Some((key(flag).to_owned(), value?)));
        named.chain(self.set).collect()
    }
}

/// Where the server is. The API key comes from ALERTWIRE_API_KEY, for a command line is seen by everybody on the machine.
#[derive(Debug, Args, Default)]
pub(crate) struct ServerFlags {
    /// The server; else ALERTWIRE_URL, else the listen address of the configuration.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End after one round instead of staying up.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ParseArguments {
    /// Payloads; `-` or none reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// One payload a line, streamed in order.
    #[arg(long)]
    pub(crate) lines: bool,
    /// Add where in the body each field stands.
    #[arg(long, conflicts_with = "format")]
    pub(crate) spans: bool,
    #[command(flatten)]
    pub(crate) projection: ProjectionFlags,
    /// The company that the alerts are of, for --as; else the one that the body names.
    #[arg(long, value_name = "NAME", requires = "format")]
    pub(crate) company: Option<String>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueFlags,
}

/// Which event kinds there are beside the built-in ones.
#[derive(Debug, Args, Default)]
pub(crate) struct CatalogueFlags {
    /// Folder of further catalogue files.
    #[arg(long, value_name = "FOLDER")]
    catalogue_dir: Option<String>,
}

impl CatalogueFlags {
    pub(crate) fn flags(self) -> Flags {
        self.catalogue_dir
            .into_iter()
            .map(|folder| ("catalogue_dir".to_owned(), folder))
            .collect()
    }
}

/// An event, as fields.
#[derive(Debug, Args)]
pub(crate) struct EventFields {
    /// Event code, as `alertwire catalog list` shows it.
    pub(crate) code: String,
    /// Fields of the one record.
    #[arg(value_name = "FIELD=VALUE", value_parser = assignment)]
    pub(crate) fields: Vec<(String, String)>,
    /// Several records, as a JSON array of objects, instead of fields.
    #[arg(long, value_name = "JSON", conflicts_with = "fields")]
    pub(crate) records: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) event: EventFields,
    /// The company that the event belongs to.
    #[arg(long, value_name = "NAME")]
    pub(crate) company: Option<String>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueFlags,
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(crate) event: EventFields,
    /// The company that the event belongs to, by name or id.
    #[arg(long, value_name = "NAME")]
    pub(crate) company: String,
    /// Instead of the kind's own.
    #[arg(long, value_name = "info|low|medium|high|critical")]
    pub(crate) severity: Option<String>,
    /// When it happened (RFC 3339), if not now.
    #[arg(long, value_name = "TIME")]
    pub(crate) occurred_at: Option<String>,
    /// Sending again under the same key does nothing twice.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// All kinds by category.
    List(CatalogueFlags),
    /// Check catalogue files; each finding with a caret at its place.
    Check {
        /// Files or folders; none means the configured folder.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        catalogue: CatalogueFlags,
    },
    /// Read and render every example of every kind.
    Test {
        /// Files or folders, added to the built-in kinds.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        catalogue: CatalogueFlags,
    },
    /// Kinds and wordings of a server that were added to the built-in ones.
    Added {
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Add a kind (`[[event]]`) or wordings for one (`[[extend]]`) to a server: one entry a file.
    Add {
        file: PathBuf,
        /// Only check it.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Remove an added kind or added wordings: `backup.failed`, `"system.asset_added wordings"`.
    Remove {
        name: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Subjects of a server whose alerts are not read in full, by how many there are.
    Unknown(UnknownArguments),
    /// Teach a server a wording from stored alerts: a further wording of a kind, or a new kind.
    ///
    /// Words that all of the alerts share stay, what differs becomes a field. The template, its fields and what it would read
    /// of the stored events are shown before it is taught.
    Learn(Box<LearnArguments>),
    /// Open alarms of a server: subjects whose alerts used to be read in full and are not any more.
    Drift(DriftArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// Deliveries, newest first.
    List {
        /// Only these: pending, delivered, parked or dead.
        #[arg(long)]
        status: Option<String>,
        /// A filter of the API: `integration=…`, `company=…`, `cause=…`, `kind=problem.*`, `text=…`, `code=5xx`, `took_millis=5000`.
        #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
        filters: Vec<(String, String)>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Deliveries as they are made and change, until Ctrl-C.
    Tail {
        /// A filter of the API, as `list` takes it.
        #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
        filters: Vec<(String, String)>,
        /// End after so many.
        #[arg(long, value_name = "NUMBER")]
        count: Option<u64>,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Deliveries as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
    /// Dead letters by integration and cause: how many, whose fault, since when.
    Dead {
        /// A filter of the API: `integration=…`, `company=…`, `since=…`, `until=…`.
        #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
        filters: Vec<(String, String)>,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Cancel deliveries that wait: they are dead and are not tried again.
    ///
    /// An attempt that is in flight cannot be called back; if it arrives, its delivery is delivered. `retry` takes a cancel back.
    Cancel {
        #[arg(required_unless_present = "filters", conflicts_with = "filters")]
        ids: Vec<String>,
        /// All that a filter of the API means, at most 10,000 at a time: `integration=…`, `company=…`, `status=parked`.
        #[arg(long = "where", value_name = "KEY=VALUE", value_parser = assignment)]
        filters: Vec<(String, String)>,
        /// Only tell how many there are.
        #[arg(long, requires = "filters")]
        dry_run: bool,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Try deliveries again now.
    Retry {
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        server: ServerFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntegrationsCommand {
    /// Integrations with their status, and in words how long a gate rests or is held.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Integrations as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
    /// One integration.
    Show {
        id: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Open gates that rest or are held: what waits is tried at once.
    Release {
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        server: ServerFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CompaniesCommand {
    /// Companies, newest first.
    List {
        /// Only those of whose events no alert is made, for want of a mapping.
        #[arg(long)]
        unmapped: bool,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Companies as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Write it there, in the place of what is there, instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArguments {
    /// TOML as `alertwire export` prints it, or JSON.
    pub(crate) file: PathBuf,
    /// Only say what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove what the file does not name, in the sections that it has.
    #[arg(long)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectArguments {
    /// The integration's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key; it is shown once.
    ///
    /// Written straight into the database of this machine; with --url or ALERTWIRE_URL through the API of that server.
    Create {
        /// What the key is for.
        name: String,
        /// admin, operator or viewer.
        #[arg(long, default_value = "admin")]
        role: String,
        /// Companies (ids) that it is limited to.
        #[arg(long = "company", value_name = "ID")]
        companies: Vec<String>,
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        settings: Box<SettingFlags>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Changes, newest first, with each field that they changed.
    List(AuditListArguments),
    /// The log as a file: one a line in JSON, or a table.
    ///
    /// A file in JSON ends with a line `{"end": …}` that says whether these were all. In a table no cell is a formula.
    Export(ExportList),
}

#[derive(Debug, Args)]
pub(crate) struct AuditListArguments {
    /// Only of these things: company, source, integration, "event set", rule, mapping, key, user, delivery, configuration.
    #[arg(long)]
    pub(crate) what: Option<String>,
    /// Only of the thing with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) target: Option<String>,
    /// Only by this API key or user (id or name), by `local` (this command line) or by `system`.
    #[arg(long, value_name = "KEY")]
    pub(crate) actor: Option<String>,
    /// Only insert, update, remove, check, switch, release, retry or rollback.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// At this time (RFC 3339) or later.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only the change that made this epoch.
    #[arg(long)]
    pub(crate) epoch: Option<u64>,
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The epoch whose configuration is wanted again.
    pub(crate) epoch: u64,
    /// Only show what would be put back, made again and removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every key with what holds and who said so; secrets hidden.
    Show(SettingFlags),
    /// Check the configuration; exit 78 when it is wrong.
    Check(SettingFlags),
    /// Print a commented configuration file with every key and its default.
    Init {
        /// Write it to a new file instead.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_a_key_is_there() {
        let serve = Arguments::command();
        let serve = serve.find_subcommand("serve").unwrap();
        for flag in KEYS.iter().filter_map(|key| key.flag) {
            assert!(
                serve
                    .get_arguments()
                    .any(|argument| argument.get_long() == Some(flag)),
                "--{flag}"
            );
        }
    }
}
