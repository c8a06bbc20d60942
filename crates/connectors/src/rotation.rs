//! The two live signing secrets of an integration: the one that signs, and the former, which signs beside it until its time
//! is over, so that a receiver can go over from one to the other without losing an alert.

use std::time::Duration;

use domain::integration::{Fields, Secrets};
use domain::{Secret, Timestamp};

use crate::credentials::{Parsed, Reader, keep};
use crate::signature::Signer;

/// The secret that signs.
pub(crate) const SECRET: &str = "signing_secret";
/// The former one.
pub(crate) const PREVIOUS: &str = "signing_secret_previous";
/// When the former ends, in RFC 3339; without it, never by itself.
pub(crate) const PREVIOUS_UNTIL: &str = "signing_secret_previous_until";

/// How long the former secret goes on signing when nothing is said.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3_600);
/// The longest that can be said.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Puts `secret` in the place of the one that signs. That one signs on until then; without a time it ends at once, and so
/// does whatever was the former until now: at most two are live.
#[must_use]
pub fn rotate(
    fields: &Fields,
    secrets: &Secrets,
    secret: Secret<String>,
    until: Option<Timestamp>,
) -> Parsed {
    let mut next = without_previous(fields, secrets);
    let replaced = next.secrets.insert(SECRET.to_owned(), secret);
    if let Some((replaced, until)) = replaced.zip(until) {
        next.secrets.insert(PREVIOUS.to_owned(), replaced);
        next.fields
            .insert(PREVIOUS_UNTIL.to_owned(), until.to_string().into());
    }
    next
}

/// The secret that signs.
#[must_use]
pub fn signing(secrets: &Secrets) -> Option<&Secret<String>> {
    secrets.get(SECRET)
}

/// When the former secret ends; none when there is no such secret, or no end.
#[must_use]
pub fn previous_until(fields: &Fields) -> Option<Timestamp> {
    fields.get(PREVIOUS_UNTIL)?.as_str()?.parse().ok()
}

/// Whether there is a former secret, live or not.
#[must_use]
pub fn has_previous(secrets: &Secrets) -> bool {
    secrets.contains_key(PREVIOUS)
}

/// Whether a credential is about the former secret: it comes with a rotation and goes by itself, so it is nothing that a file
/// says of how things shall be.
#[must_use]
pub fn is_former(name: &str) -> bool {
    matches!(name, PREVIOUS | PREVIOUS_UNTIL)
}

/// The credentials without the former secret.
#[must_use]
pub fn without_previous(fields: &Fields, secrets: &Secrets) -> Parsed {
    let (mut fields, mut secrets) = (fields.clone(), secrets.clone());
    fields.remove(PREVIOUS_UNTIL);
    secrets.remove(PREVIOUS);
    Parsed { fields, secrets }
}

/// The credentials without a former secret whose time is over: nobody needs to type it again, or to keep it.
#[must_use]
pub fn without_ended(fields: &Fields, secrets: &Secrets, now: Timestamp) -> Parsed {
    if previous_until(fields).is_some_and(|until| until <= now) {
        return without_previous(fields, secrets);
    }
    Parsed {
        fields: fields.clone(),
        secrets: secrets.clone(),
    }
}

/// A secret that signs, and until when.
#[derive(Debug)]
pub(crate) struct LiveSigner {
    pub(crate) signer: Signer,
    until: Option<Timestamp>,
}

impl LiveSigner {
    pub(crate) fn signs(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The fields after their rules were checked.
pub(crate) struct RawSigning<'a> {
    secret: Option<(&'a str, Signer)>,
    previous: Option<(&'a str, Signer)>,
    until: Option<Timestamp>,
}

impl<'a> RawSigning<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Self {
        let [secret, previous] = [SECRET, PREVIOUS].map(|field| {
            let text = reader.text(field)?;
            match Signer::parse(text) {
                Ok(signer) => Some((text, signer)),
                Err(error) => {
                    reader.error(field, error.to_string());
                    None
                }
            }
        });
        let until = reader.text(PREVIOUS_UNTIL);
        if until.is_some() && reader.value(PREVIOUS).is_none() {
            reader.error(PREVIOUS_UNTIL, format!("belongs to {PREVIOUS}"));
        }
        let until = until.and_then(|text| match text.parse() {
            Ok(until) => Some(until),
            Err(_) => {
                reader.error(PREVIOUS_UNTIL, "is a time like 2030-01-31T12:00:00Z");
                None
            }
        });
        Self {
            secret,
            previous,
            until,
        }
    }

    pub(crate) fn put(&self, fields: &mut Fields, secrets: &mut Secrets) {
        for (name, held) in [(SECRET, &self.secret), (PREVIOUS, &self.previous)] {
            keep(secrets, name, held.as_ref().map(|(text, _)| *text));
        }
        if let Some(until) = self.until {
            fields.insert(PREVIOUS_UNTIL.to_owned(), until.to_string().into());
        }
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &'a str> {
        [&self.secret, &self.previous]
            .into_iter()
            .flatten()
            .map(|(text, _)| *text)
    }

    /// The newest first.
    pub(crate) fn signers(self) -> Vec<LiveSigner> {
        let newest = self.secret.map(|(_, signer)| LiveSigner {
            signer,
            until: None,
        });
        let former = self.previous.map(|(_, signer)| LiveSigner {
            signer,
            until: self.until,
        });
        newest.into_iter().chain(former).collect()
    }
}
