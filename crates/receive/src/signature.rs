//! Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `{id}.{timestamp}.{body}`, the very bytes received.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;
use std::time::Duration;

/// Most signatures of one header that are looked at.
const SIGNATURES: usize = 16;

/// Reads `whsec_` + base64 of 24 to 64 bytes.
pub fn parse_secret(text: &str) -> Result<Secret<Vec<u8>>, &'static str> {
    let encoded = text.strip_prefix("whsec_").unwrap_or(text);
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| "is `whsec_` and the base64 of 24 to 64 random bytes")?;
    if !(24..=64).contains(&bytes.len()) {
        return Err("has 24 to 64 random bytes after `whsec_`");
    }
    Ok(Secret::new(bytes))
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// The `v1,…` signature of a message.
#[must_use]
pub fn sign(secret: &[u8], id: &str, timestamp: u64, body: &[u8]) -> String {
    let digest = mac(secret, id, &timestamp.to_string(), body)
        .finalize()
        .into_bytes();
    format!("v1,{}", STANDARD.encode(digest))
}

/// Whether any listed signature was made with any of the live secrets, within the tolerance of `now`.
pub(crate) fn verify(
    secrets: &[Secret<Vec<u8>>],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) = (
        text("webhook-id"),
        text("webhook-timestamp"),
        text("webhook-signature"),
    ) else {
        return false;
    };
    let fresh = timestamp
        .parse::<u64>()
        .is_ok_and(|said| said.abs_diff(now.unix_seconds()) <= tolerance.as_secs());
    let mut good = false;
    for listed in signatures.split(' ').take(SIGNATURES) {
        let Some(digest) = listed
            .strip_prefix("v1,")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
        else {
            continue;
        };
        for secret in secrets {
            good |= mac(secret.reveal(), id, timestamp, body)
                .verify_slice(&digest)
                .is_ok();
        }
    }
    good && fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;

    fn headers(signature: &str, timestamp: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            "webhook-id",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".parse().unwrap(),
        );
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    fn check(signature: &str, timestamp: &str, body: &[u8], now_seconds: i64) -> bool {
        let secrets = [
            parse_secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap(),
            parse_secret(SECRET).unwrap(),
        ];
        let now = Timestamp::from_micros(now_seconds * 1_000_000);
        verify(
            &secrets,
            &headers(signature, timestamp),
            body,
            now,
            Duration::from_secs(300),
        )
    }

    #[test]
    fn the_known_answers_are_reached() {
        let secret = parse_secret(SECRET).unwrap();
        let made = sign(
            secret.reveal(),
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            BODY,
        );
        assert_eq!(made, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let secret = parse_secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let body = br#"{"subject":"Asset Ports","body":"Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;
        let made = sign(secret.reveal(), "evt_01JQZ8XK5T", 1_700_000_000, body);
        assert_eq!(made, "v1,q5SVCyjEGipmekBCT5s9AikgkF0p4PBnyffF0+muMdQ=");
    }

    #[test]
    fn one_good_signature_among_others_suffices_and_one_flipped_bit_does_not() {
        let good = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        let now = 1_649_367_553;
        assert!(check(good, "1649367553", BODY, now));
        assert!(check(
            &format!("v1a,xxxx v1,AAAA {good}"),
            "1649367553",
            BODY,
            now + 300
        ));
        assert!(!check(good, "1649367553", BODY, now + 301));
        assert!(!check(good, "1649367553", BODY, now - 301));
        assert!(!check(good, "1649367554", BODY, now));
        assert!(!check(good, "1649367553", b"{}", now));
        assert!(!check(
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kky=",
            "1649367553",
            BODY,
            now
        ));
    }

    #[test]
    fn a_payload_that_is_no_utf_8_is_signed_like_any_other() {
        let secret = parse_secret(SECRET).unwrap();
        let body = [0xff, 0x00, 0xfe];
        let made = sign(
            secret.reveal(),
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            10,
            &body,
        );
        assert!(check(&made, "10", &body, 10));
    }
}
