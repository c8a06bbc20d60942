//! How the commands that speak HTTP find the server: flag over environment over the listen address of the configuration.

use std::path::PathBuf;

use domain::Secret;

use super::files;
use super::layers::{Layers, value_file};
use crate::exit::Failure;

/// Longest file of certificates, in bytes.
const CERTIFICATES: u64 = 4 * 1024 * 1024;

/// Where the server is, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) key: Option<Secret<String>>,
    /// Further roots of trust, PEM.
    pub(crate) ca: Option<String>,
}

impl Client {
    /// `url` is what `--url` says.
    pub(crate) fn read(layers: &Layers, url: Option<&str>) -> Result<Self, Failure> {
        let environment = &layers.environment;
        let key = match (environment.get("API_KEY"), environment.get("API_KEY_FILE")) {
            (Some(key), _) => Some(key.to_owned()),
            (None, Some(path)) => Some(value_file(&PathBuf::from(path))?),
            (None, None) => None,
        };
        let ca = environment
            .get("CA")
            .map(|path| files::text(&PathBuf::from(path), CERTIFICATES));
        Ok(Self {
            url: url
                .or(environment.get("URL"))
                .map_or_else(|| local(layers), str::to_owned),
            key: key.map(Secret::new),
            ca: ca.transpose().map_err(Failure::of_config)?,
        })
    }

    /// Whether anybody said where the server is.
    pub(crate) fn is_named(layers: &Layers, url: Option<&str>) -> bool {
        url.is_some() || layers.environment.get("URL").is_some()
    }
}

/// The server of this machine, as its own configuration has it.
fn local(layers: &Layers) -> String {
    let scheme = if layers.text("tls.cert").is_some() {
        "https"
    } else {
        "http"
    };
    let listen = layers.text("listen").unwrap_or("");
    // "All addresses" is where a server listens, not where a client goes.
    let listen = listen
        .replacen("0.0.0.0:", "127.0.0.1:", 1)
        .replacen("[::]:", "[::1]:", 1);
    format!("{scheme}://{listen}")
}
