//! Secrets at rest: sealed where they must be read again, a keyed digest where they only must be known again.
//!
//! Each use has a key of its own, derived from the sealing key, so that no record can stand in for another's.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::{Dice, Secret};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::SealingKey;

/// First byte of a record, so that another way of sealing can follow.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID + NONCE;

/// Seals, opens and digests under one sealing key.
#[derive(Debug)]
pub(crate) struct Seal {
    key: SealingKey,
    key_id: String,
    sealing: Secret<[u8; 32]>,
}

impl Seal {
    pub(crate) fn new(key: &SealingKey) -> Self {
        Self {
            key: key.clone(),
            key_id: key.id(),
            sealing: derive(key, "seal"),
        }
    }

    /// What the database keeps to know the key again; it says nothing about the key.
    pub(crate) fn check_value(&self) -> String {
        crate::codec::hex(&self.digest("check", b"alertwire"))
    }

    /// A record: version, key id, nonce, ciphertext with its tag. `place` is where it belongs, and it opens nowhere else.
    pub(crate) fn seal(&self, dice: &Dice, place: &[u8], open: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        dice.roll(|rng| rng.fill_bytes(&mut nonce));
        let sealed = self
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: open,
                    aad: place,
                },
            )
            .expect("secrets are far shorter than the 256 GiB that one nonce may seal");
        [&[VERSION], self.key_id.as_bytes(), &nonce, &sealed].concat()
    }

    /// What was sealed, or why the record does not open.
    pub(crate) fn open(
        &self,
        place: &[u8],
        record: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let (head, sealed) = record
            .split_at_checked(HEAD)
            .ok_or("the sealed record is cut short")?;
        if head[0] != VERSION {
            return Err("the record is sealed in a way that this program does not know");
        }
        if head[1..=KEY_ID] != *self.key_id.as_bytes() {
            return Err("the record is sealed by another key");
        }
        let nonce: [u8; NONCE] = head[1 + KEY_ID..]
            .try_into()
            .expect("the head ends with a nonce");
        self.cipher()
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: sealed,
                    aad: place,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| "the sealed record was altered or belongs elsewhere")
    }

    /// HMAC-SHA256 under a key for this purpose alone.
    pub(crate) fn digest(&self, purpose: &str, secret: &[u8]) -> [u8; 32] {
        let mut mac = self.keyed(purpose);
        mac.update(secret);
        mac.finalize().into_bytes().into()
    }

    /// HMAC-SHA256 under a key for this purpose alone, to be fed; a clone begins where this one stands.
    pub(crate) fn keyed(&self, purpose: &str) -> Hmac<Sha256> {
        let key = derive(&self.key, &format!("digest/{purpose}"));
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.reveal())
            .expect("HMAC takes a key of any length")
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.sealing.reveal().into())
    }
}

fn derive(key: &SealingKey, use_: &str) -> Secret<[u8; 32]> {
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key.reveal())
        .expand(format!("alertwire/{use_}").as_bytes(), &mut derived)
        .expect("32 bytes are within what HKDF gives");
    Secret::new(derived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn seal_by(byte: u8) -> Seal {
        Seal::new(&SealingKey::from_bytes([byte; 32]))
    }

    #[test]
    fn a_record_opens_in_its_place_under_its_key_and_nowhere_else() {
        let dice = Dice::new(StdRng::seed_from_u64(7));
        let record = seal_by(1).seal(&dice, b"here", b"hush");
        assert_eq!(
            seal_by(1).open(b"here", &record).unwrap().as_slice(),
            b"hush"
        );
        assert!(seal_by(1).open(b"there", &record).is_err());
        assert!(seal_by(2).open(b"here", &record).is_err());
        for at in 0..record.len() {
            let mut altered = record.clone();
            altered[at] ^= 1;
            assert!(seal_by(1).open(b"here", &altered).is_err(), "byte {at}");
            assert!(
                seal_by(1).open(b"here", &record[..at]).is_err(),
                "cut at {at}"
            );
        }
        assert_ne!(
            seal_by(1).seal(&dice, b"here", b"hush"),
            record,
            "a nonce is never used twice"
        );
    }

    #[test]
    fn a_digest_is_of_one_purpose_and_one_key() {
        let digest = seal_by(1).digest("key", b"hush");
        assert_eq!(digest, seal_by(1).digest("key", b"hush"));
        assert_ne!(digest, seal_by(1).digest("source", b"hush"));
        assert_ne!(digest, seal_by(2).digest("key", b"hush"));
    }
}
