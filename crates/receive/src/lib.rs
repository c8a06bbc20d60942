//! How alerts get in: authenticate, read, match, accept.
//!
//! What it is for: [`Receiver::admit`] and [`Receiver::take`] are the webhook intake, [`Receiver::raise`] is the API's
//! way for events that come as fields. Both end in one `store.accept`, whose commit is the ack.
//!
//! What it never does: no SQL, no outgoing socket, no rendering for people. Nothing in reading or matching, a panic
//! included, can keep a message from being stored.
//!
//! Start reading at [`webhook`], then [`domain::reader`].

pub mod authenticate;
mod limits;
mod pace;
mod password;
mod planning;
mod quota;
pub mod raise;
mod signature;
mod token;
pub mod webhook;

use std::sync::Arc;

use domain::{Clock, Dice};
use store::Store;

pub use authenticate::{Admitted, Refusal};
pub use limits::Settings;
pub use pace::{Pace, TooFast};
pub use password::{hash_password, is_password};
pub use raise::{Raise, RaiseError, Raised, Wanted};
pub use signature::{parse_secret as parse_signing_secret, sign};
pub use token::Token;
pub use webhook::Acknowledgement;

/// The intake of one node. A clone is cheap.
#[derive(Debug, Clone)]
pub struct Receiver {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    dice: Dice,
    settings: Settings,
    quotas: quota::Quotas,
    paces: pace::Paces,
}

impl Receiver {
    #[must_use]
    pub fn new(store: Store, clock: Clock, dice: Dice, settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                dice,
                settings,
                quotas: quota::Quotas::default(),
                paces: pace::Paces::default(),
            }),
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// How a source's header, Basic and login secrets are kept: as a keyed digest.
#[must_use]
pub fn source_digest(store: &Store, secret: &str) -> [u8; 32] {
    store.keyed_digest("source secret", secret.as_bytes())
}

/// How API keys are kept.
#[must_use]
pub fn key_digest(store: &Store, key: &str) -> [u8; 32] {
    store.keyed_digest("api key", key.as_bytes())
}
