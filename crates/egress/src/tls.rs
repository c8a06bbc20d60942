//! TLS 1.2 or newer, verified always.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::settings::EgressError;

/// The client's side, with the built-in roots and the operator's own.
pub(crate) fn client(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, EgressError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = ca_pem {
        add_roots(&mut roots, pem)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn add_roots(roots: &mut RootCertStore, pem: &str) -> Result<(), EgressError> {
    let bad = |error: &dyn std::fmt::Display| EgressError::Roots(error.to_string());
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots
            .add(certificate.map_err(|error| bad(&error))?)
            .map_err(|error| bad(&error))?;
    }
    if roots.len() == before {
        Err(bad(&"there is no certificate in them"))
    } else {
        Ok(())
    }
}

/// What is wrong, in words that tell the cases apart.
pub(crate) fn explain(error: &io::Error) -> String {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(error)) => explain_certificate(error),
        Some(
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
            | rustls::Error::PeerIncompatible(_),
        ) => "the target speaks neither TLS 1.2 nor 1.3 in a way that we can".to_owned(),
        Some(rustls::Error::InvalidMessage(_)) => "the target does not answer with TLS".to_owned(),
        Some(error) => format!("no TLS connection: {error}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the target closed the connection instead of speaking TLS".to_owned()
        }
        None => format!("no TLS connection: {}", error.kind()),
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host"
        }
        CertificateError::UnknownIssuer => {
            "the certificate's issuer is not trusted (self-signed, or an authority of your own?)"
        }
        CertificateError::Revoked => "the certificate was revoked",
        other => return format!("the certificate is not good: {other}"),
    }
    .to_owned()
}
