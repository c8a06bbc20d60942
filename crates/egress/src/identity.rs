//! The TLS side of one integration: whom it trusts beside everybody else, and who it says that it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::tls;

/// Most certificates of one PEM text.
pub const CERTIFICATES: usize = 16;
/// TLS sessions that one identity remembers; it goes to two hosts, the webhook's and the login's.
const SESSIONS: usize = 8;

/// Roots of trust and a client certificate of one integration. Clones are the same identity.
///
/// It has a TLS configuration, sessions and pooled connections of its own: what was agreed on under one identity is never
/// used under another, not even between two that were made of the same texts.
#[derive(Clone)]
pub struct Identity(Arc<Parts>);

struct Parts {
    /// Tells it from all others of the process.
    number: u64,
    tls: TlsConnector,
    authorities: Vec<Shown>,
    client: Option<Shown>,
}

/// What is shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub subject: String,
    /// When it ends, since the epoch.
    pub ends: Duration,
}

/// A text that no identity can be made of, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Of the roots of trust.
    #[error("{0}")]
    Authorities(String),
    /// Of the client certificate.
    #[error("{0}")]
    Certificate(String),
    /// Of its key.
    #[error("{0}")]
    Key(String),
}

impl Identity {
    /// `ca` and the client's certificate chain and key are PEM texts.
    pub(crate) fn new(
        mut roots: RootCertStore,
        ca: Option<&str>,
        client: Option<(&str, &str)>,
    ) -> Result<Self, IdentityError> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let mut authorities = Vec::new();
        if let Some(pem) = ca {
            let found = certificates(pem).map_err(IdentityError::Authorities)?;
            authorities.extend(found.iter().filter_map(shown));
            trust(&mut roots, found).map_err(IdentityError::Authorities)?;
        }
        let (mut config, client) = match client {
            None => (tls::config(roots), None),
            Some((chain, key)) => {
                let chain = certificates(chain).map_err(IdentityError::Certificate)?;
                let client = chain.first().and_then(shown);
                (showing(roots, chain, key)?, client)
            }
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Self(Arc::new(Parts {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            tls: TlsConnector::from(Arc::new(config)),
            authorities,
            client,
        })))
    }

    /// The roots of trust that it adds.
    #[must_use]
    pub fn authorities(&self) -> &[Shown] {
        &self.0.authorities
    }

    /// The certificate that it shows.
    #[must_use]
    pub fn client(&self) -> Option<&Shown> {
        self.0.client.as_ref()
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    pub(crate) fn tls(&self) -> &TlsConnector {
        &self.0.tls
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.0.number)
    }
}

/// Certificates alone: a key in their place was pasted into the wrong field, and would be shown.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        match section {
            Ok((SectionKind::Certificate, der)) => found.push(CertificateDer::from(der)),
            Ok(_) => return Err(NOT_ALONE.to_owned()),
            Err(_) => return Err("is not whole: a PEM block in it cannot be read".to_owned()),
        }
        if found.len() > CERTIFICATES {
            return Err(format!("has more than {CERTIFICATES} certificates"));
        }
    }
    // Blocks of kinds that the reader does not know are passed over by it.
    if found.len() < pem.matches("-----BEGIN ").count() {
        return Err(NOT_ALONE.to_owned());
    }
    if found.is_empty() {
        return Err(
            "has no certificate in it; it is PEM and begins with -----BEGIN CERTIFICATE-----"
                .to_owned(),
        );
    }
    Ok(found)
}

const NOT_ALONE: &str = "holds something other than certificates; a key belongs into client_key";

fn trust(roots: &mut RootCertStore, found: Vec<CertificateDer<'static>>) -> Result<(), String> {
    for (index, certificate) in found.into_iter().enumerate() {
        roots.add(certificate).map_err(|_| {
            format!(
                "has a certificate that cannot be read as one (number {})",
                index + 1
            )
        })?;
    }
    Ok(())
}

/// A configuration that shows the chain, once the key was found to belong to it.
fn showing(
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: &str,
) -> Result<ClientConfig, IdentityError> {
    let key = private_key(key).map_err(|detail| IdentityError::Key(detail.to_owned()))?;
    let certified = CertifiedKey::from_der(chain.clone(), key.clone_key(), &tls::provider());
    certified.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            IdentityError::Key("does not fit the client certificate".to_owned())
        }
        rustls::Error::InvalidCertificate(_) => IdentityError::Certificate(
            "has a certificate that cannot be read as one (number 1)".to_owned(),
        ),
        _ => IdentityError::Key(
            "is of a kind that is not supported; RSA, ECDSA (P-256, P-384) and Ed25519 are"
                .to_owned(),
        ),
    })?;
    tls::config_showing(roots, chain, key)
        .map_err(|_| IdentityError::Key("does not fit the client certificate".to_owned()))
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, &'static str> {
    if pem.contains("ENCRYPTED") {
        return Err("is encrypted; take the passphrase off, it is stored sealed");
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(
        |_| "has no private key in it; it is PEM and begins with -----BEGIN PRIVATE KEY-----",
    )
}

/// For people alone: a certificate that cannot be read here may be good all the same.
fn shown(der: &CertificateDer<'_>) -> Option<Shown> {
    let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
    Some(Shown {
        subject: certificate.subject.to_string(),
        ends: certificate.validity.not_after.to_unix_duration(),
    })
}
