//! What is measured: one file a table.

mod console;
mod crash;
mod end_to_end;
mod hung;
mod intake;
mod kinds;
mod latency;
mod matching;
mod memory;
mod parse;

use std::cell::Cell;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use tokio_postgres::NoTls;

use crate::machine;
use crate::product::Place;

const NAMES: [&str; 10] = [
    "parse",
    "match",
    "intake",
    "intake-kinds",
    "end-to-end",
    "latency",
    "hung",
    "memory",
    "console",
    "crash",
];
/// Rounds of everything that runs on sockets; the median is printed.
const ROUNDS: usize = 3;

/// Where measurements take place: a folder on a real disk, and a PostgreSQL server where there is one.
#[derive(Debug)]
pub struct Arena {
    folder: tempfile::TempDir,
    postgres: Option<String>,
    made: Cell<usize>,
}

/// The sections with these names; all of them when none is named.
pub async fn run(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!(
            "there is no section {unknown}; there are: {}",
            NAMES.join(", ")
        );
    }
    let arena = Arena::new()?;
    println!("{}. {}\n", machine::name(), arena.postgres_line().await);
    for name in NAMES
        .into_iter()
        .filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == name))
    {
        eprintln!("bench: {name} …");
        let section = async {
            match name {
                "parse" => parse::run(&arena),
                "match" => matching::run(&arena),
                "intake" => intake::run(&arena).await,
                "intake-kinds" => kinds::run(&arena).await,
                "end-to-end" => end_to_end::run(&arena).await,
                "latency" => latency::run(&arena).await,
                "hung" => hung::run(&arena).await,
                "memory" => memory::run(&arena).await,
                "console" => console::run(&arena).await,
                _ => crash::run(&arena).await,
            }
        };
        section.await.with_context(|| format!("section {name}"))?;
    }
    Ok(())
}

impl Arena {
    /// Beside the binary, for the folder of temporary files may lie in memory.
    fn new() -> Result<Self> {
        let beside = std::env::current_exe()?;
        let folder = tempfile::tempdir_in(beside.parent().context("the binary lies in a folder")?)?;
        Ok(Self {
            folder,
            postgres: std::env::var("ALERTWIRE_TEST_POSTGRES").ok(),
            made: Cell::new(0),
        })
    }

    fn heading(&self, title: &str) -> Result<()> {
        println!("## {title}\n\n{}\n", machine::now(self.folder.path())?);
        Ok(())
    }

    /// A folder of its own for each use.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        self.made.set(self.made.get() + 1);
        let folder = self
            .folder
            .path()
            .join(format!("{name}-{}", self.made.get()));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn on_sqlite(&self) -> Result<Place> {
        Place::new(self.fresh("sqlite")?, None)
    }

    async fn on_postgres(&self) -> Result<Option<Place>> {
        let Some(database) = self.fresh_database().await? else {
            return Ok(None);
        };
        Place::new(self.fresh("postgres")?, Some(database)).map(Some)
    }

    /// A new database on the server, where there is one.
    async fn fresh_database(&self) -> Result<Option<String>> {
        let Some(url) = &self.postgres else {
            return Ok(None);
        };
        self.made.set(self.made.get() + 1);
        let name = format!("bench_{}_{}", std::process::id(), self.made.get());
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        let (server, _) = url
            .rsplit_once('/')
            .context("the server's URL ends with a database")?;
        Ok(Some(format!("{server}/{name}")))
    }

    /// Says what the server promises, for a server that does not sync is no durable store.
    async fn postgres_line(&self) -> String {
        let Some(url) = &self.postgres else {
            return "Without PostgreSQL (ALERTWIRE_TEST_POSTGRES is not set).".into();
        };
        let settings = async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            let row = client
                .query_one("SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')", &[])
                .await?;
            anyhow::Ok(format!(
                "PostgreSQL {} with fsync = {}, synchronous_commit = {}.",
                row.get::<_, String>(0),
                row.get::<_, String>(1),
                row.get::<_, String>(2)
            ))
        };
        settings
            .await
            .unwrap_or_else(|error| format!("PostgreSQL does not answer: {error:#}"))
    }
}
