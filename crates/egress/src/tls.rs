//! TLS 1.2 or newer, verified always.

use std::io;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::failure::{Cause, Fault};
use crate::settings::EgressError;

/// The built-in roots and the operator's own.
pub(crate) fn roots(ca_pem: Option<&str>) -> Result<RootCertStore, EgressError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = ca_pem {
        add_roots(&mut roots, pem)?;
    }
    Ok(roots)
}

/// The client's side, without a certificate of its own.
pub(crate) fn config(roots: RootCertStore) -> ClientConfig {
    speaking_http(trusting(roots).with_no_client_auth())
}

/// The client's side, with a certificate of its own.
pub(crate) fn config_showing(
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    trusting(roots)
        .with_client_auth_cert(chain, key)
        .map(speaking_http)
}

fn trusting(roots: RootCertStore) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
}

fn speaking_http(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

pub(crate) fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
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

/// What is wrong with a handshake, in words that tell the cases apart.
pub(crate) fn fault(error: &io::Error) -> Fault {
    refusal(error).unwrap_or_else(|| Fault::new(Cause::Tls, explain(error)))
}

/// What is wrong when a connection broke by TLS in the place of an answer: with TLS 1.3 a target judges our certificate only
/// after the handshake. None when it broke by something else.
pub(crate) fn late_fault(error: &io::Error) -> Option<Fault> {
    inner(error).map(|_| fault(error))
}

/// The target refused us for the client certificate that we showed, or did not show.
fn refusal(error: &io::Error) -> Option<Fault> {
    let Some(rustls::Error::AlertReceived(alert)) = inner(error) else {
        return None;
    };
    let detail = match alert {
        AlertDescription::CertificateRequired => {
            "the target asks for a client certificate, and none was shown"
        }
        AlertDescription::UnknownCA => {
            "the target does not trust the authority of the client certificate"
        }
        AlertDescription::CertificateExpired => {
            "the target refuses the client certificate: it has expired"
        }
        AlertDescription::CertificateRevoked => {
            "the target refuses the client certificate: it was revoked"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            "the target refuses the client certificate, or misses one"
        }
        _ => return None,
    };
    Some(Fault::new(Cause::ClientCertificate, detail))
}

fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn explain(error: &io::Error) -> String {
    match inner(error) {
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
        CertificateError::BadSignature => {
            "the certificate was not signed by the authority that it names"
        }
        CertificateError::Revoked => "the certificate was revoked",
        other => return format!("the certificate is not good: {other}"),
    }
    .to_owned()
}
