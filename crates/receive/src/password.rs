//! Passwords of people: hashing and checking. Both are slow and take memory on purpose, so they belong on a thread that
//! may block, and few at once.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Secret;
use domain::user::{PASSWORD_BYTES, Password};

/// Memory of one hash in KiB, passes over it, and lanes: what OWASP names for Argon2id (security.md I13).
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is hashed with where there is no user, for an answer that comes at once would say so.
const NOBODY: [u8; 16] = *b"nobody's salt...";

/// The hash of a password as a PHC string. The salt is fresh randomness.
#[must_use]
pub fn hash_password(password: &Password, salt: [u8; 16]) -> Secret<String> {
    hashed(password.reveal().as_bytes(), salt)
}

/// Whether the password is the one of this hash. Without a hash it never is, and takes as long to say so.
#[must_use]
pub fn is_password(given: &Secret<String>, hash: Option<&Secret<String>>) -> bool {
    let given = given.reveal().as_bytes();
    let is_short_enough = given.len() <= PASSWORD_BYTES;
    let given = &given[..given.len().min(PASSWORD_BYTES)];
    match hash {
        Some(hash) => {
            let right = argon2().verify_password(given, hash.reveal().as_str());
            right.is_ok() && is_short_enough
        }
        None => {
            drop(hashed(given, NOBODY));
            false
        }
    }
}

fn hashed(password: &[u8], salt: [u8; 16]) -> Secret<String> {
    let hash = argon2().hash_password_with_salt(password, &salt);
    Secret::new(
        hash.expect("the salt has a good length and the parameters are fixed")
            .to_string(),
    )
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, None).expect("the parameters are fixed");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_password_is_known_again_by_its_hash() {
        let password = Password::parse(secret("correct horse battery"), "anna").unwrap();
        let hash = hash_password(&password, [7; 16]);
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_password(&secret("correct horse battery"), Some(&hash)));
        assert!(!is_password(&secret("correct horse batterx"), Some(&hash)));
        assert!(!is_password(&secret(""), Some(&hash)));
        assert!(!is_password(&secret("correct horse battery"), None));
        assert!(!is_password(&secret("x"), Some(&secret("no hash"))));
    }

    #[test]
    fn what_is_cut_off_of_a_long_password_counts() {
        let long = "x".repeat(PASSWORD_BYTES);
        let password = Password::parse(secret(&long), "anna").unwrap();
        let hash = hash_password(&password, [7; 16]);
        assert!(is_password(&secret(&long), Some(&hash)));
        assert!(!is_password(&secret(&format!("{long}y")), Some(&hash)));
    }
}
