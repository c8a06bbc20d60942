//! Certificates made for one test: a root, and what it signs well or badly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// What is right or wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1 and localhost, signed by the authority.
    Good,
    /// Ended in 2020.
    Expired,
    /// For `elsewhere.example`.
    WrongHost,
    /// Signed by itself.
    SelfSigned,
}

/// What a client shows of itself, PEM.
#[derive(Debug, Clone)]
pub struct ClientFiles {
    pub certificate: String,
    pub key: String,
}

/// A root of trust.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Each has a name of its own, as authorities have.
    #[must_use]
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(1);
        let name = format!(
            "Alertwire test root {}",
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, new_key())
            .expect("a fresh key signs its own certificate");
        Self(root)
    }

    /// The root as PEM, for the extra roots of a client.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a client, with its key.
    #[must_use]
    pub fn client(&self, certificate: Certificate) -> ClientFiles {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params
            .distinguished_name
            .push(DnType::CommonName, "Alertwire test client");
        let (certificate, key) = self.sign(params, certificate);
        ClientFiles {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// What a TLS server that shows this certificate needs.
    #[must_use]
    pub fn server(&self, certificate: Certificate) -> Arc<ServerConfig> {
        self.server_for(certificate, None, rustls::DEFAULT_VERSIONS)
    }

    /// The same, for clients of this authority alone when one is named.
    pub(super) fn server_for(
        &self,
        certificate: Certificate,
        clients: Option<&Self>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let names = match certificate {
            Certificate::WrongHost => vec!["elsewhere.example".to_owned()],
            _ => vec![
                "127.0.0.1".to_owned(),
                "localhost".to_owned(),
                "target.example".to_owned(),
            ],
        };
        let params = CertificateParams::new(names).expect("the names above are valid");
        let (signed, key) = self.sign(params, certificate);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("the provider speaks the versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(clients.verifier(provider)),
        };
        let mut config = builder
            .with_single_cert(
                vec![signed.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .expect("the key belongs to the certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        certificate: Certificate,
    ) -> (rcgen::Certificate, KeyPair) {
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = new_key();
        let signed = match certificate {
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        };
        (signed.expect("a fresh key signs"), key)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.0.der().clone())
            .expect("a root is a root of trust");
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .expect("there is a root")
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}
