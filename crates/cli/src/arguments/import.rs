//! `alertwire import …`: what can be said.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerFlags;

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// An nmap scan (`nmap -oX scan.xml …`): hosts that are up, their open ports, and what its script `vulners` found.
    Nmap {
        /// The ports were seen from outside: raise New Open Port Discovered (External Scan).
        #[arg(long)]
        external: bool,
        #[command(flatten)]
        import: ImportArguments,
    },
    /// A Trivy report (`trivy … --format json`): its asset and its vulnerabilities.
    Trivy {
        /// What the asset is called; else what Trivy calls it. An image whose tag changes with each build needs a name that
        /// does not.
        #[arg(long, value_name = "NAME")]
        hostname: Option<String>,
        /// Address of the asset; 0.0.0.0 when it has none, as an image.
        #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
        ip: IpAddr,
        #[command(flatten)]
        import: ImportArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// What the scanner wrote; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The company that was scanned, by name or id.
    #[arg(long, value_name = "NAME")]
    pub(crate) company: String,
    /// Raise nothing; tell what would be new.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not wait for its end: print the id of the import as soon as the server has read the file.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}
