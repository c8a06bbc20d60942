//! The server's own certificate: read at the start, on SIGHUP, and when its files change.

use std::path::Path;
use std::time::SystemTime;

use crate::config::files;
use crate::config::settings::{Settings, TlsFiles};
use crate::exit::Failure;

/// Longest certificate chain or key, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Looks at the configured certificate without keeping it.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    settings
        .tls
        .as_ref()
        .map_or(Ok(()), |files| Certificate::load(files).map(drop))
}

/// The certificate of a running server.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsFiles,
    served: web::Tls,
    /// When the two files were changed last, as far as this knows.
    changed: [Option<SystemTime>; 2],
}

impl Certificate {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, Failure> {
        let changed = changed(files);
        let [certificate, key] = read(files)?;
        let served =
            web::Tls::from_pem(&certificate, &key).map_err(|error| wrong(files, &error))?;
        Ok(Self {
            files: files.clone(),
            served,
            changed,
        })
    }

    /// Takes the files as they are now; when they are no good, all stays as it was.
    pub(super) fn reload(&mut self) -> Result<(), Failure> {
        self.changed = changed(&self.files);
        let [certificate, key] = read(&self.files)?;
        self.served
            .reload(&certificate, &key)
            .map_err(|error| wrong(&self.files, &error))
    }

    /// Whether one of the files is another than it was.
    pub(super) fn is_outdated(&self) -> bool {
        changed(&self.files) != self.changed
    }

    /// What the server shakes hands by.
    pub(super) fn served(&self) -> web::Tls {
        self.served.clone()
    }
}

fn read(files: &TlsFiles) -> Result<[Vec<u8>; 2], Failure> {
    let read = |path: &Path| files::bytes(path, LONGEST).map_err(Failure::of_config);
    Ok([read(&files.certificate)?, read(&files.key)?])
}

fn changed(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key]
        .map(|path| path.metadata().and_then(|file| file.modified()).ok())
}

fn wrong(files: &TlsFiles, error: &web::TlsError) -> Failure {
    Failure::config(format!(
        "{} and {}: {error}",
        files.certificate.display(),
        files.key.display()
    ))
}
