//! Who may speak by a source: the ways that are set (header, Basic, bearer token, signature), any of them or all, and its address
//! where a list is set.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::source::{Digest, HeaderAuthentication, PasswordAuthentication, Require, Source};
use domain::{SourceId, Timestamp};
use http::HeaderMap;
use store::StoreError;
use subtle::ConstantTimeEq as _;

use crate::pace::{Pace, TooFast};
use crate::{Receiver, signature, source_digest, token};

/// A sender that was let in; `signed` says that its signature is still to be judged over the body.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub(crate) source: Arc<Source>,
    pub(crate) signed: bool,
    pub(crate) pace: Option<Pace>,
}

/// Why a sender was turned away. Nothing of its message is stored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such source; copy the intake URL from the source's page")]
    NoSource,
    /// The text is the same whatever was wrong, so that nothing can be learned from it.
    #[error("the credentials are missing or wrong")]
    Unauthorized { challenge: Option<&'static str> },
    #[error("{0}")]
    Malformed(String),
    /// The source has a limit of its own. The sender may come again.
    #[error("messages come faster than this source takes them; send it again later")]
    TooFast(TooFast),
    /// The only refusal for what a message says: its company has a quota. The sender may come again.
    #[error("events of this company come faster than its quota; send it again later")]
    OverQuota { wait: Duration },
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

const UNAUTHORIZED: Refusal = Refusal::Unauthorized { challenge: None };

impl Admitted {
    /// The source's own limit of a body's length, in bytes.
    #[must_use]
    pub fn body_bytes(&self) -> Option<usize> {
        let most = self.source.limits.body_bytes?;
        Some(usize::try_from(most).unwrap_or(usize::MAX))
    }
}

impl Receiver {
    /// Judges what can be judged before the body is read.
    pub async fn admit(
        &self,
        source: SourceId,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<Admitted, Refusal> {
        let configuration = self.inner.store.configuration().await?;
        let source = configuration.source(source).ok_or(Refusal::NoSource)?;
        if !is_listed(source, address) {
            return Err(UNAUTHORIZED);
        }
        let signed = self.prove(source, headers)?;
        // Whoever only says that it signed must not use up what is the sender's: its turn is counted once that is judged.
        let pace = match signed {
            true => None,
            false => self.count(source)?,
        };
        Ok(Admitted {
            source: Arc::clone(source),
            signed,
            pace,
        })
    }

    /// Takes one from what the source may bring.
    pub(crate) fn count(&self, source: &Source) -> Result<Option<Pace>, Refusal> {
        let now = self.inner.clock.now();
        self.inner.paces.take(source, now).map_err(Refusal::TooFast)
    }

    /// Judges all ways but the signature; answers whether that is still to be judged.
    fn prove(&self, source: &Source, headers: &HeaderMap) -> Result<bool, Refusal> {
        let (wanted, now) = (&source.authentication, self.inner.clock.stamp());
        let login = |login| token::fits(&self.inner.store, source.id, login, headers, now);
        let ways = [
            (wanted.header.as_ref()).map(|header| self.header_fits(header, headers, now)),
            (wanted.basic.as_ref()).map(|basic| self.basic_fits(basic, headers, now)),
            wanted.login.as_ref().map(login),
        ];
        let mut fits = ways.into_iter().flatten();
        let signs = !wanted.signature.is_empty();
        let says_signed = signs && headers.contains_key("webhook-signature");
        let asks_nothing = !signs && ways == [None; 3];
        let proven = match wanted.require {
            _ if asks_nothing => !wanted.addresses.is_empty(),
            Require::Any => fits.any(|fits| fits) || says_signed,
            Require::All => fits.all(|fits| fits) && signs == says_signed,
        };
        if !proven {
            let challenge = (wanted.basic.as_ref()).map(|_| "Basic realm=\"alertwire\"");
            return Err(Refusal::Unauthorized { challenge });
        }
        Ok(match wanted.require {
            Require::Any => !asks_nothing && !ways.contains(&Some(true)),
            Require::All => signs,
        })
    }

    /// Judges the signature where it is one of the proofs.
    pub(crate) fn judge(
        &self,
        admitted: &Admitted,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let (now, tolerance) = (
            self.inner.clock.stamp(),
            self.inner.settings.signature_tolerance,
        );
        let secrets = admitted.source.authentication.signature.at(now);
        if admitted.signed && !signature::verify(secrets, headers, body, now, tolerance) {
            return Err(UNAUTHORIZED);
        }
        Ok(())
    }

    fn header_fits(
        &self,
        wanted: &HeaderAuthentication,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> bool {
        let Some(said) = headers
            .get(wanted.key.as_str())
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let said = source_digest(&self.inner.store, said);
        one_of(wanted.secret.live.at(now), &said)
    }

    fn basic_fits(
        &self,
        wanted: &PasswordAuthentication,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> bool {
        token::basic(headers).is_some_and(|(username, password)| {
            let digest = source_digest(&self.inner.store, &password);
            password_fits(wanted, &username, &digest, now)
        })
    }
}

/// An address outside the list is no sender of this source, whatever else it has to show.
pub(crate) fn is_listed(source: &Source, address: IpAddr) -> bool {
    let ranges = &source.authentication.addresses;
    ranges.is_empty() || ranges.iter().any(|range| range.contains(&address))
}

/// Compares in constant time, and with every live digest.
fn one_of(live: &[Digest], said: &Digest) -> bool {
    live.iter()
        .fold(false, |good, digest| good | bool::from(digest.ct_eq(said)))
}

pub(crate) fn password_fits(
    wanted: &PasswordAuthentication,
    username: &str,
    digest: &Digest,
    now: Timestamp,
) -> bool {
    let named = bool::from(wanted.username.as_bytes().ct_eq(username.as_bytes()));
    named & one_of(wanted.secret.live.at(now), digest)
}
