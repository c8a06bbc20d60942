//! A connection URL as connections and pools.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Failure, tls};
use crate::StoreError;

/// Longest time that making a connection takes.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest time that a caller waits for a connection of the pool.
const WAIT: Duration = Duration::from_secs(30);
/// A silent connection is probed after this time, so that one whose server is gone is noticed.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Sent data that nobody confirms within this time ends the connection.
const UNCONFIRMED: Duration = Duration::from_secs(30);
/// The server ends a statement that takes longer, and a transaction that idles longer.
const OPTIONS: &str = "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s \
     -c default_transaction_isolation=read\\ committed -c jit=off";
/// An answer promises that the commit is on disk; a server that is set to answer earlier is overruled.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

pub(super) type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A server and how to get there. `Debug` shows no password.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: MakeRustlsConnect,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target([hidden])")
    }
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, trust) = tls::Trust::take_from(url)?;
        // The error might repeat a part of the URL, and that part might be the password.
        let mut config: Config = url.parse().map_err(|_| {
            StoreError::BadDatabase("postgres://… (it does not read as a URL)".to_owned())
        })?;
        config.ssl_mode(match trust.mode {
            tls::Mode::Disable => SslMode::Disable,
            tls::Mode::Prefer => SslMode::Prefer,
            tls::Mode::Verify => SslMode::Require,
        });
        let options = config
            .get_options()
            .map_or_else(|| OPTIONS.to_owned(), |given| format!("{OPTIONS} {given}"));
        config
            .options(options)
            .keepalives_idle(KEEPALIVE)
            .tcp_user_timeout(UNCONFIRMED);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("alertwire");
        }
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(trust.client()?),
        })
    }

    /// A pool of at most so many connections, made when they are needed.
    pub(super) fn pool(&self, most: usize) -> Result<Pool, StoreError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        Pool::builder(manager)
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT * 2))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    client
                        .batch_execute(DURABLE)
                        .await
                        .map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// One connection of its own.
    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, Stream>), StoreError> {
        Ok(self
            .config
            .connect(self.tls.clone())
            .await
            .map_err(Failure::from)?)
    }
}
