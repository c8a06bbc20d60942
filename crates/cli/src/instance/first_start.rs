//! The first admin key: the configured one, or one that is made and told once. The latter is the set-up token too: it lets
//! the first user be made in the console, and ends with that.

use domain::access::{Actor, ApiKey, Role, SETUP_KEY, Scope};
use domain::{KeyId, Secret};
use store::{Change, Store, StoreError};

use super::Wiring;
use crate::clock;
use crate::exit::Failure;

/// Names the configured key in lists and in the audit log. No first user is made with it: whoever configures machines has
/// the command line for that.
const CONFIGURED: &str = "setup.api_key";
/// The epoch of a database in which nothing was ever configured.
const UNTOUCHED: u64 = 1;

/// Makes the first admin key when nothing was ever configured. Answers it when nobody knows it yet.
pub(super) async fn first_key(
    store: &Store,
    configured: Option<&Secret<String>>,
    wiring: &Wiring,
) -> Result<Option<String>, Failure> {
    let configuration = store
        .configuration()
        .await
        .map_err(|error| Failure::unavailable(format!("cannot read the configuration: {error}")))?;
    if configuration.epoch > UNTOUCHED {
        return Ok(None);
    }
    let (name, key) = match configured {
        Some(key) => (CONFIGURED, key.reveal().clone()),
        None => (SETUP_KEY, new_key()?),
    };
    let row = ApiKey {
        id: wiring.dice.roll(|rng| KeyId::new(wiring.clock.now(), rng)),
        name: name.to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        digest: receive::key_digest(store, &key),
        created_at: wiring.clock.now(),
        last_used_at: None,
    };
    match store
        .change(Change::InsertKey(row), &Actor::System, wiring.clock.now())
        .await
    {
        Ok(_) => Ok(configured.is_none().then_some(key)),
        // Another node of the same database was first, and told its own.
        Err(StoreError::NameTaken { .. }) => Ok(None),
        Err(error) => Err(Failure::unavailable(format!(
            "cannot make the first API key: {error}"
        ))),
    }
}

/// A fresh API key: 192 bits, with a prefix that secret scanners can look for.
pub(crate) fn new_key() -> Result<String, Failure> {
    Ok(format!("aw_{}", clock::random_hex::<24>()?))
}
