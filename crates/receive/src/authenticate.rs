//! Who may speak by a source: one of header, Basic, bearer token or signature where any is set, and its address where a list is set.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::SourceId;
use domain::source::{Digest, HeaderAuthentication, PasswordAuthentication, Source};
use http::HeaderMap;
use store::StoreError;
use subtle::ConstantTimeEq as _;

use crate::{Receiver, signature, source_digest, token};

/// A sender that was let in; `signed` says that its signature is still to be judged over the body.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub(crate) source: Arc<Source>,
    pub(crate) signed: bool,
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
    /// The only refusal for what a message says: its company has a quota. The sender may come again.
    #[error("events of this company come faster than its quota; send it again later")]
    OverQuota { wait: Duration },
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

const UNAUTHORIZED: Refusal = Refusal::Unauthorized { challenge: None };

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
        let wanted = &source.authentication;
        if !wanted.addresses.is_empty()
            && !wanted
                .addresses
                .iter()
                .any(|range| range.contains(&address))
        {
            return Err(UNAUTHORIZED);
        }
        let by_header = wanted
            .header
            .as_ref()
            .is_some_and(|header| self.header_fits(header, headers));
        let by_basic = || {
            wanted
                .basic
                .as_ref()
                .is_some_and(|basic| self.basic_fits(basic, headers))
        };
        let by_token = || {
            let now = self.inner.clock.stamp();
            wanted
                .login
                .as_ref()
                .is_some_and(|login| token::fits(&self.inner.store, source.id, login, headers, now))
        };
        let asks_nothing = wanted.header.is_none()
            && wanted.basic.is_none()
            && wanted.login.is_none()
            && wanted.signature.is_empty();
        let proven =
            by_header || by_basic() || by_token() || (asks_nothing && !wanted.addresses.is_empty());
        match (proven, wanted.signature.is_empty()) {
            (true, _) => Ok(Admitted {
                source: Arc::clone(source),
                signed: false,
            }),
            (false, false) if headers.contains_key("webhook-signature") => Ok(Admitted {
                source: Arc::clone(source),
                signed: true,
            }),
            (false, _) if wanted.basic.is_some() => Err(Refusal::Unauthorized {
                challenge: Some("Basic realm=\"alertwire\""),
            }),
            (false, _) => Err(UNAUTHORIZED),
        }
    }

    /// Judges the signature of a sender that has nothing else to show.
    pub(crate) fn judge(
        &self,
        admitted: &Admitted,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let secrets = &admitted.source.authentication.signature;
        let (now, tolerance) = (
            self.inner.clock.stamp(),
            self.inner.settings.signature_tolerance,
        );
        if admitted.signed && !signature::verify(secrets, headers, body, now, tolerance) {
            return Err(UNAUTHORIZED);
        }
        Ok(())
    }

    fn header_fits(&self, wanted: &HeaderAuthentication, headers: &HeaderMap) -> bool {
        let Some(said) = headers
            .get(wanted.key.as_str())
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        one_of(&wanted.digests, &source_digest(&self.inner.store, said))
    }

    fn basic_fits(&self, wanted: &PasswordAuthentication, headers: &HeaderMap) -> bool {
        token::basic(headers).is_some_and(|(username, password)| {
            password_fits(
                wanted,
                &username,
                &source_digest(&self.inner.store, &password),
            )
        })
    }
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
) -> bool {
    let named = bool::from(wanted.username.as_bytes().ct_eq(username.as_bytes()));
    named & one_of(&wanted.digests, digest)
}
