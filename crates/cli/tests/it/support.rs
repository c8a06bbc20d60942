//! Running the binary, once to its end or as a server.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

pub use crate::server::Api;

pub const BINARY: &str = env!("CARGO_BIN_EXE_alertwire");
/// The longest that anything that must come is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often an endpoint is looked at again.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The admin key of servers that are told one.
pub const KEY: &str = "the-admin-key-of-the-tests";

/// The binary without anything of this machine's environment.
pub fn alertwire(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// What a command that ended has to say.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs to the end, with this on standard input.
pub fn run_with(mut command: Command, input: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command that ends early closes the pipe; that is its right.
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    Ended {
        code: output.status.code().expect("it ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn run(arguments: &[&str]) -> Ended {
    run_with(alertwire(arguments), b"")
}

impl Ended {
    /// Each line of stdout as JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Where a server lives, so that it can be started there again.
#[derive(Debug)]
pub struct Place {
    pub folder: TempDir,
    /// None is SQLite in the folder.
    pub database: Option<String>,
    pub variables: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
            variables: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// `alertwire serve` as it would run here.
    pub fn serve(&self) -> Command {
        let mut command = alertwire(&["serve", "--json"]);
        command.envs([
            ("ALERTWIRE_LISTEN", "127.0.0.1:0"),
            ("ALERTWIRE_EGRESS__ALLOW", "127.0.0.1"),
        ]);
        command
            .env("ALERTWIRE_STATE_DIR", self.state())
            .env("ALERTWIRE_SETUP__API_KEY", KEY);
        command.envs(self.database.iter().map(|url| ("ALERTWIRE_DATABASE", url)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn start(&self) -> Server {
        Server::start(self.serve(), self.folder.path())
    }
}

/// A running `alertwire serve`; killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// What it said when it was ready.
    pub said: Value,
    pub url: String,
    log: PathBuf,
}

impl Server {
    /// Starts it, and waits for the line that says where it listens.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut process = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!(
                "it did not start: {line}{}",
                std::fs::read_to_string(&log).unwrap()
            )
        });
        let url = said["url"].as_str().unwrap().to_owned();
        Self {
            process,
            said,
            url,
            log,
        }
    }

    pub fn api(&self) -> Api {
        Api::new(&self.url, KEY)
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        looked(PATIENCE, "the server ends", async || {
            self.process.try_wait().unwrap()
        })
        .await
    }

    pub async fn kill(self) {
        self.signal("KILL");
        self.ended().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks until there is something to see; panics with what was waited for when the deadline is over.
pub async fn looked<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let seen = tokio::time::timeout(deadline, async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    seen.await
        .unwrap_or_else(|_| panic!("waited {deadline:?} in vain: {what}"))
}

/// Sets up company, integration, event set, rule and mapping: everything goes to the webhook. Answers the integration's id.
pub async fn everything_to(api: &Api, webhook: &str, delivery: Value) -> String {
    let company = api
        .made("api/v1/companies", json!({"name": "Acme Corporation"}))
        .await;
    let integration = api
        .made(
            "api/v1/integrations",
            json!({
                "connector": "webhook", "name": "Target", "companies": [], "delivery": delivery,
                "credentials": {"webhook_url": webhook, "header_key": "X-API-Key", "header_value": "the secret of the target"},
            }),
        )
        .await;
    let catalogue = alertwire_catalogue::Catalogue::builtin();
    let codes: Vec<&str> = catalogue
        .kinds()
        .iter()
        .map(|kind| kind.code.as_str())
        .collect();
    let set = api
        .made(
            "api/v1/event-sets",
            json!({"name": "All", "notify_by": "event", "events": codes}),
        )
        .await;
    let rule = api
        .made(
            &format!("api/v1/integrations/{integration}/rules"),
            json!({"name": "All", "event_set_id": set}),
        )
        .await;
    let mapping = json!({"rules": [rule], "create_webhook_alert": true});
    let answer = api
        .call(
            "PUT",
            &format!("api/v1/integrations/{integration}/mappings/{company}"),
            Some(mapping),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    integration
}

/// An event that is told apart by its number.
pub fn numbered(number: usize) -> Value {
    let ip = format!(
        "10.{}.{}.{}",
        number / 65_536,
        number / 256 % 256,
        number % 256
    );
    json!({"event": "system.asset_added", "company": "Acme Corporation", "fields": {"ip": ip}})
}

/// All of a file or pipe.
pub fn read_all(mut from: impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}
