//! The fields of TLS: an authority of the receiver's own, and a certificate that we show.

use domain::integration::{Fields, Secrets};
use egress::{Egress, Identity, IdentityError};

use crate::credentials::{Reader, keep};

/// Certificates that are trusted beside the built-in ones, by this integration alone.
pub(crate) const CA: &str = "ca";
/// The chain that is shown.
pub(crate) const CERTIFICATE: &str = "client_certificate";
/// Its key, a secret.
pub(crate) const KEY: &str = "client_key";

/// Most bytes of a field of certificates; `egress::CERTIFICATES` says how many it may hold.
const CERTIFICATES_BYTES: usize = 64 * 1_024;
/// Most bytes of a key; the largest RSA keys in use take a fifth.
const KEY_BYTES: usize = 16 * 1_024;

/// The fields after their rules were checked.
pub(crate) struct RawIdentity<'a> {
    ca: Option<&'a str>,
    client: Option<(&'a str, &'a str)>,
    pub(crate) identity: Identity,
}

impl<'a> RawIdentity<'a> {
    /// None when no field is there, or one is not good. `is_secure` says whether any URL has TLS at all.
    pub(crate) fn read(reader: &mut Reader<'a>, is_secure: bool, egress: &Egress) -> Option<Self> {
        let ca = reader.text_within(CA, CERTIFICATES_BYTES);
        let client = read_client(reader);
        let first = ca.map(|_| CA).or(client.map(|_| CERTIFICATE))?;
        if !is_secure {
            reader.error(first, "needs a URL that begins with https://");
            return None;
        }
        match egress.identity(ca, client) {
            Ok(identity) => Some(Self {
                ca,
                client,
                identity,
            }),
            Err(error) => {
                let field = match &error {
                    IdentityError::Authorities(_) => CA,
                    IdentityError::Certificate(_) => CERTIFICATE,
                    IdentityError::Key(_) => KEY,
                };
                reader.error(field, error.to_string());
                None
            }
        }
    }

    pub(crate) fn put(&self, fields: &mut Fields, secrets: &mut Secrets) {
        let certificate = self.client.map(|(certificate, _)| certificate);
        for (name, text) in [(CA, self.ca), (CERTIFICATE, certificate)] {
            if let Some(text) = text {
                fields.insert(name.to_owned(), text.into());
            }
        }
        keep(secrets, KEY, self.client.map(|(_, key)| key));
    }
}

/// One is worth nothing without the other.
fn read_client<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, &'a str)> {
    let certificate = reader.text_within(CERTIFICATE, CERTIFICATES_BYTES);
    let key = reader.text_within(KEY, KEY_BYTES);
    for (field, missing, other) in [
        (CERTIFICATE, certificate.is_none() && key.is_some(), KEY),
        (KEY, key.is_none() && certificate.is_some(), CERTIFICATE),
    ] {
        if missing && reader.value(field).is_none() {
            reader.error(field, format!("is missing; it belongs to {other}"));
        }
    }
    certificate.zip(key)
}
