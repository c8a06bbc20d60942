//! Certificates made for one test: a root, and what it signs well or badly.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

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
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params
            .distinguished_name
            .push(DnType::CommonName, "Alertwire test root");
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

    /// What a TLS server that shows this certificate needs.
    #[must_use]
    pub fn server(&self, certificate: Certificate) -> Arc<ServerConfig> {
        let names = match certificate {
            Certificate::WrongHost => vec!["elsewhere.example".to_owned()],
            _ => vec![
                "127.0.0.1".to_owned(),
                "localhost".to_owned(),
                "target.example".to_owned(),
            ],
        };
        let mut params = CertificateParams::new(names).expect("the names above are valid");
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = new_key();
        let signed = match certificate {
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        }
        .expect("a fresh key signs");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks the default versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .expect("the key belongs to the certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}
