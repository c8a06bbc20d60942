//! Our own certificate, which can be replaced while serving.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name of HTTP/2 in the handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

/// A certificate and its key. Clones share them, so one that is reloaded is reloaded for all; connections that are open keep
/// the one they began with.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<TlsAcceptor>>);

/// Files that no certificate can be made of.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate file cannot be read as PEM: {0}")]
    Certificate(String),
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    #[error("the key file holds no private key in PEM: {0}")]
    Key(String),
    #[error("certificate and key do not go together: {0}")]
    Pair(#[from] rustls::Error),
}

impl Tls {
    /// From the certificate chain and the private key, both PEM.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(RwLock::new(acceptor(certificate, key)?))))
    }

    /// Takes these from now on; on an error the former ones stay.
    pub fn reload(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let acceptor = acceptor(certificate, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        acceptor.accept(stream).await
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn acceptor(certificate: &[u8], key: &[u8]) -> Result<TlsAcceptor, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| TlsError::Certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
