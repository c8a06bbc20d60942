//! A value that is never shown.

use std::fmt;

use zeroize::Zeroize;

/// Holds a secret: its `Debug` prints `[hidden]`, it has no `Display` and no `Serialize`, and its memory is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself, for the one place that uses it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// The last four characters, shown so that a person can tell two secrets apart; nothing of one shorter than twelve, or
    /// of a PEM block, for all of those end alike.
    #[must_use]
    pub fn last4(&self) -> String {
        let length = self.0.chars().count();
        if length < 12 || self.0.trim_end().ends_with("-----") {
            String::new()
        } else {
            self.0.chars().skip(length - 4).collect()
        }
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<'de> serde::Deserialize<'de> for Secret<String> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("correct horse battery".to_owned());
        assert_eq!(format!("{secret:?}"), "[hidden]");
        assert_eq!(secret.last4(), "tery");
        assert_eq!(Secret::new("short".to_owned()).last4(), "");
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n";
        assert_eq!(Secret::new(pem.to_owned()).last4(), "");
    }
}
