//! Somebody who signs in to the console.

use crate::access::{Role, Scope};
use crate::configuration::Configuration;
use crate::{Secret, Timestamp, UserId};

/// A person as they are stored; their password is kept as a hash alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// What they sign in by; compared without regard to case.
    pub name: String,
    pub role: Role,
    pub scope: Scope,
    /// The hash of the password, as a PHC string.
    pub password: Secret<String>,
    /// A person's switch: whoever is switched off cannot sign in and has no session.
    pub enabled: bool,
    pub created_at: Timestamp,
}

impl User {
    /// Whether they may change everything, other users included.
    #[must_use]
    pub fn rules_all(&self) -> bool {
        self.enabled && self.role == Role::Admin && self.scope == Scope::All
    }
}

/// Whether nobody would be left to rule once this user does no more. They could not be let in again from the console.
#[must_use]
pub fn is_last_admin(id: UserId, configuration: &Configuration) -> bool {
    let rules = |user: &User| user.rules_all();
    let mut others = configuration.users().filter(|user| user.id != id);
    configuration.user(id).is_some_and(|user| rules(user)) && !others.any(|user| rules(user))
}

/// Fewest characters of a password. There are no rules of composition: they make passwords worse.
pub const PASSWORD_CHARS: usize = 12;
/// Most bytes of a password, so that hashing one is bounded.
pub const PASSWORD_BYTES: usize = 1_024;

/// A password that somebody chose and that is long enough to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password(Secret<String>);

/// A password that broke its rule; it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("has at least {PASSWORD_CHARS} characters")]
    TooShort,
    #[error("has at most {PASSWORD_BYTES} bytes")]
    TooLong,
    #[error("is not the name that they sign in by")]
    IsName,
}

impl Password {
    /// Every character counts, spaces too: nothing is trimmed.
    pub fn parse(text: Secret<String>, name: &str) -> Result<Self, PasswordError> {
        let shown = text.reveal();
        if shown.len() > PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        if shown.chars().count() < PASSWORD_CHARS {
            return Err(PasswordError::TooShort);
        }
        if shown.eq_ignore_ascii_case(name) {
            return Err(PasswordError::IsName);
        }
        Ok(Self(text))
    }

    /// The password itself, for hashing alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}
