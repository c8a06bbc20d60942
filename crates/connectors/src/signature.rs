//! Standard Webhooks 1.0.0, symmetric: `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with when it is shown.
const PREFIX: &str = "whsec_";
/// How many random bytes a secret has.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text that is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is whsec_ followed by the base64 of 24 to 64 random bytes")]
pub struct SigningSecretError;

/// A key that signs; its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    pub fn parse(secret: &str) -> Result<Self, SigningSecretError> {
        let encoded = secret.strip_prefix(PREFIX).ok_or(SigningSecretError)?;
        let key = Secret::new(STANDARD.decode(encoded).map_err(|_| SigningSecretError)?);
        if !BYTES.contains(&key.reveal().len()) {
            return Err(SigningSecretError);
        }
        Hmac::new_from_slice(key.reveal())
            .map(Self)
            .map_err(|_| SigningSecretError)
    }

    /// One entry of `webhook-signature`, over the very bytes that are sent.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// A secret of random bytes, as it is shown.
#[must_use]
pub fn secret_of(bytes: &[u8; 32]) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// The value of `webhook-signature`: one entry for each live secret, so that a receiver can go over from one to the next.
#[must_use]
pub fn header<'a>(
    signers: impl IntoIterator<Item = &'a Signer>,
    id: &str,
    timestamp: u64,
    body: &[u8],
) -> String {
    let mut value = String::with_capacity(2 * 48);
    for signer in signers {
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str("v1,");
        STANDARD.encode_string(signer.sign(id, timestamp, body), &mut value);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const SECOND: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn signed(secret: &str, id: &str, timestamp: u64, body: &[u8]) -> String {
        header([&Signer::parse(secret).unwrap()], id, timestamp, body)
    }

    #[test]
    fn the_known_answers_come_out() {
        assert_eq!(
            signed(
                FIRST,
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                br#"{"email":"test@example.com","username":"test_user"}"#
            ),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
        let body = br#"{"subject":"Asset Ports","body":"Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;
        assert_eq!(body.len(), 115);
        assert_eq!(
            signed(SECOND, "evt_01JQZ8XK5T", 1_700_000_000, body),
            "v1,q5SVCyjEGipmekBCT5s9AikgkF0p4PBnyffF0+muMdQ=",
        );
    }

    #[test]
    fn two_live_secrets_give_two_entries() {
        let signers = [
            Signer::parse(FIRST).unwrap(),
            Signer::parse(SECOND).unwrap(),
        ];
        let both = header(&signers, "evt_1", 1, b"\xff\xfe not text");
        let one = |secret| signed(secret, "evt_1", 1, b"\xff\xfe not text");
        assert_eq!(both, format!("{} {}", one(FIRST), one(SECOND)));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for secret in [
            "",
            "whsec_",
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_!!!",
            "whpk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            &short,
            &long,
        ] {
            assert!(Signer::parse(secret).is_err(), "{secret}");
        }
        assert_eq!(format!("{:?}", Signer::parse(FIRST).unwrap()), "Signer");
    }
}
