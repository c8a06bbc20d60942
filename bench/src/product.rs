//! The release binary of Alertwire as a child process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::api::{Api, KEY};
use crate::wire::{Wire, request};

const LONGEST_START: Duration = Duration::from_secs(60);
const LONGEST_STOP: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Where an instance lives, so that it can be started there again.
#[derive(Debug, Clone)]
pub struct Place {
    pub folder: PathBuf,
    /// None is SQLite in the folder.
    pub database: Option<String>,
    /// Further root of trust for its targets.
    pub ca: Option<PathBuf>,
    pub address: SocketAddr,
}

/// A running instance; killed when dropped.
#[derive(Debug)]
pub struct Product {
    process: Child,
    pub address: SocketAddr,
}

impl Place {
    pub fn new(folder: PathBuf, database: Option<String>) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self {
            folder,
            database,
            ca: None,
            address,
        })
    }
}

impl Product {
    /// Starts an instance; answers when it is ready, with the time that took.
    pub async fn start(place: &Place) -> Result<(Self, Duration)> {
        let binary = std::env::current_exe()?.with_file_name("alertwire");
        let mut command = Command::new(&binary);
        command
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.stderr(
            File::options()
                .create(true)
                .append(true)
                .open(place.folder.join("log"))?,
        );
        command.env("ALERTWIRE_LISTEN", place.address.to_string());
        command.env("ALERTWIRE_STATE_DIR", place.folder.join("state"));
        command.env("ALERTWIRE_SETUP__API_KEY", KEY);
        command.env("ALERTWIRE_EGRESS__ALLOW", "127.0.0.1");
        command.env("ALERTWIRE_LOG__LEVEL", "warn");
        if let Some(database) = &place.database {
            command.env("ALERTWIRE_DATABASE", database);
        }
        if let Some(ca) = &place.ca {
            command.env("ALERTWIRE_EGRESS__CA", ca);
        }
        let start = Instant::now();
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut product = Self {
            process,
            address: place.address,
        };
        product.ready(place, start).await?;
        Ok((product, start.elapsed()))
    }

    async fn ready(&mut self, place: &Place, start: Instant) -> Result<()> {
        let mut ask = Vec::new();
        request("GET", "/readyz", "", b"", &mut ask);
        while start.elapsed() < LONGEST_START {
            if let Ok(mut wire) = Wire::connect(self.address).await
                && let Ok((200, _)) = wire.exchange(&ask).await
            {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                let log = fs::read_to_string(place.folder.join("log")).unwrap_or_default();
                bail!("alertwire ended with {status}: {log}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("alertwire was not ready after {LONGEST_START:?}")
    }

    pub fn api(&self) -> Api {
        Api::new(self.address)
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// SIGTERM, and what the process ended with.
    pub async fn stop(mut self) -> Result<Duration> {
        let start = Instant::now();
        let sent = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status()?;
        anyhow::ensure!(sent.success(), "the signal was not sent");
        while start.elapsed() < LONGEST_STOP {
            if let Some(status) = self.process.try_wait()? {
                anyhow::ensure!(status.success(), "alertwire ended with {status}");
                return Ok(start.elapsed());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("alertwire did not stop within {LONGEST_STOP:?}")
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
