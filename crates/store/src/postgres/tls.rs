//! How far the server is trusted: `sslmode` and `sslrootcert` of the connection URL.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::StoreError;

/// Most certificates that a file of roots may hold.
const ROOTS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS when the server offers it, whoever it is: against listeners, not against impostors.
    Prefer,
    /// TLS with a certificate that names the host and comes from a trusted root.
    Verify,
}

/// What the URL says about TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) mode: Mode,
    /// Roots to trust in place of the public ones.
    roots: Option<PathBuf>,
}

impl Trust {
    /// Takes both parameters out of the URL, for the driver does not know all their values.
    pub(super) fn take_from(url: &str) -> Result<(String, Self), StoreError> {
        let mut trust = Self {
            mode: Mode::Prefer,
            roots: None,
        };
        let Some((base, query)) = url.split_once('?') else {
            return Ok((url.to_owned(), trust));
        };
        let mut rest = Vec::new();
        let mut mode = None;
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(read_mode(value)?),
                Some(("sslrootcert", path)) => trust.roots = Some(PathBuf::from(path)),
                _ => rest.push(pair),
            }
        }
        // Whoever names a root wants it to be asked.
        let unstated = if trust.roots.is_some() {
            Mode::Verify
        } else {
            Mode::Prefer
        };
        trust.mode = mode.unwrap_or(unstated);
        let url = if rest.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", rest.join("&"))
        };
        Ok((url, trust))
    }

    pub(super) fn client(&self) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            Mode::Verify => WebPkiServerVerifier::builder_with_provider(
                Arc::new(self.roots()?),
                Arc::clone(&provider),
            )
            .build()
            .map_err(|error| bad(&error.to_string()))?,
            Mode::Disable | Mode::Prefer => Arc::new(Anyone(Arc::clone(&provider))),
        };
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(&error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(client)
    }

    fn roots(&self) -> Result<RootCertStore, StoreError> {
        let Some(path) = &self.roots else {
            return Ok(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            });
        };
        let unreadable = |error: &dyn std::fmt::Display| {
            bad(&format!("sslrootcert {}: {error}", path.display()))
        };
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path)
            .map_err(|error| unreadable(&error))?
            .take(ROOTS)
        {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            store.add(certificate).map_err(|error| unreadable(&error))?;
        }
        if store.is_empty() {
            Err(unreadable(&"holds no certificate"))
        } else {
            Ok(store)
        }
    }
}

fn read_mode(word: &str) -> Result<Mode, StoreError> {
    match word {
        "disable" => Ok(Mode::Disable),
        "allow" | "prefer" => Ok(Mode::Prefer),
        // Encrypting to an impostor protects nothing, so whoever asks for TLS gets all of it.
        "require" | "verify-ca" | "verify-full" => Ok(Mode::Verify),
        _ => Err(bad("sslmode is disable, prefer, require or verify-full")),
    }
}

fn bad(what: &str) -> StoreError {
    StoreError::BadDatabase(format!("postgres://… ({what})"))
}

/// Accepts whoever answers, as `prefer` promises no more.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_told_by_the_url() {
        let mode = |url: &str| Trust::take_from(url).map(|(rest, trust)| (rest, trust.mode));
        assert_eq!(
            mode("postgres://h/d"),
            Ok(("postgres://h/d".to_owned(), Mode::Prefer))
        );
        assert_eq!(
            mode("postgres://h/d?sslmode=disable"),
            Ok(("postgres://h/d".to_owned(), Mode::Disable))
        );
        assert_eq!(
            mode("postgres://h/d?connect_timeout=3&sslmode=verify-full"),
            Ok(("postgres://h/d?connect_timeout=3".to_owned(), Mode::Verify))
        );
        assert_eq!(
            mode("postgres://h/d?sslrootcert=/r.pem"),
            Ok(("postgres://h/d".to_owned(), Mode::Verify))
        );
        assert!(mode("postgres://h/d?sslmode=off").is_err());
    }

    #[test]
    fn a_root_that_cannot_be_read_is_refused() {
        let (_, trust) = Trust::take_from("postgres://h/d?sslrootcert=/nowhere/r.pem").unwrap();
        assert!(matches!(trust.client(), Err(StoreError::BadDatabase(_))));
    }
}
