//! Names to addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Look-ups at once. A look-up of the system cannot be cancelled, so slow ones hold threads; beyond this the next waits.
const LOOKUPS: usize = 64;

/// The answer of a resolver.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name. What it says is judged, never trusted.
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    fn resolve<'a>(&'a self, host: &'a str) -> Lookup<'a>;
}

/// The resolver of the system, which honours the host's own configuration.
#[derive(Debug)]
pub struct System {
    turns: Arc<Semaphore>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str) -> Lookup<'a> {
        Box::pin(async move {
            let turn = Arc::clone(&self.turns)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let host = host.to_owned();
            // The turn is kept until the look-up ends, also when nobody waits for it any longer.
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let found = (host.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            })
            .await
            .map_err(io::Error::other)?
        })
    }
}
