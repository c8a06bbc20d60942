//! DevTools over a pipe: JSON with a zero byte after each message, calls numbered, events by session.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};

use super::PATIENCE;
use super::reports::Reports;
use crate::watched::Watched;

/// The shell hands its standard streams on as 3 and 4, where Chromium speaks; what it says besides goes into the log.
const SCRIPT: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>&2"#;
const PROGRAM: &str = "chromium";
const FLAGS: [&str; 16] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--password-store=basic",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
];

type Waiting = Mutex<HashMap<u64, oneshot::Sender<Value>>>;

/// A running Chromium. Killed when the last clone is dropped.
pub(super) struct Wire {
    process: Child,
    last: AtomicU64,
    to: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<Waiting>,
    reports: Watched<HashMap<String, Reports>>,
    /// Profile and log; it goes after the process.
    folder: TempDir,
}

impl Wire {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for Chromium's profile");
        let mut process = spawn(folder.path());
        let stdin = process.stdin.take().expect("it was piped");
        let stdout = process.stdout.take().expect("it was piped");
        let stdin = ChildStdin::from_std(stdin).expect("a pipe can be written in the background");
        let stdout = ChildStdout::from_std(stdout).expect("a pipe can be read in the background");
        let (to, queue) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let reports = Watched::new(HashMap::new());
        tokio::spawn(write(stdin, queue));
        tokio::spawn(read(
            stdout,
            to.clone(),
            Arc::clone(&waiting),
            reports.clone(),
        ));
        Self {
            process,
            last: AtomicU64::new(1),
            to,
            waiting,
            reports,
            folder,
        }
    }

    /// What the pages reported, by session.
    pub(super) fn reports(&self) -> &Watched<HashMap<String, Reports>> {
        &self.reports
    }

    /// A call and its result, or what is wrong with it.
    pub(super) async fn try_call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(id, tell);
        self.send(id, session, method, &params);
        let answer = tokio::time::timeout(PATIENCE, told).await;
        let answer = answer.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {method}"));
        let Ok(mut answer) = answer else {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            panic!("Chromium ended: {}", log.unwrap_or_default());
        };
        match answer.get_mut("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    /// A call whose answer nobody waits for.
    pub(super) fn tell(&self, session: Option<&str>, method: &str, params: &Value) {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        self.send(id, session, method, params);
    }

    fn send(&self, id: u64, session: Option<&str>, method: &str, params: &Value) {
        // When the writer is gone, so is the process: whoever waits is told by the reader.
        let _ = self.to.send(message(id, session, method, params));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wire({})", self.process.id())
    }
}

fn spawn(folder: &Path) -> Child {
    let log = std::fs::File::create(folder.join("log")).expect("a log beside the profile");
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, PROGRAM]).args(FLAGS);
    if is_root() {
        // Chromium's sandbox refuses root; the pages are those of the test's own server.
        command.arg("--no-sandbox");
    }
    command
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg("about:blank")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log);
    command
        .spawn()
        .expect("a shell to start Chromium with (`cargo xtask test` installs Chromium)")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn message(id: u64, session: Option<&str>, method: &str, params: &Value) -> Vec<u8> {
    let mut message = json!({"id": id, "method": method, "params": params});
    if let Some(session) = session {
        message["sessionId"] = session.into();
    }
    let mut bytes = message.to_string().into_bytes();
    bytes.push(0);
    bytes
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write(mut stdin: ChildStdin, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(
    stdout: ChildStdout,
    to: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<Waiting>,
    reports: Watched<HashMap<String, Reports>>,
) {
    let mut stdout = BufReader::new(stdout);
    let mut bytes = Vec::new();
    while matches!(stdout.read_until(0, &mut bytes).await, Ok(read) if read > 0) {
        bytes.pop();
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        bytes.clear();
        if let Some(id) = said["id"].as_u64() {
            if let Some(tell) = lock(&waiting).remove(&id) {
                // Whoever asked may have given up.
                let _ = tell.send(said);
            }
            continue;
        }
        let (Some(session), Some(method)) = (said["sessionId"].as_str(), said["method"].as_str())
        else {
            continue;
        };
        if method == "Page.javascriptDialogOpening" {
            // An open dialog would stop the page, so it is noted and closed.
            let close = json!({"accept": true});
            let _ = to.send(message(
                0,
                Some(session),
                "Page.handleJavaScriptDialog",
                &close,
            ));
        }
        reports.change(|all| {
            all.entry(session.to_owned())
                .or_default()
                .note(method, &said["params"]);
        });
    }
    // Dropped senders tell those who wait that nothing comes any more.
    lock(&waiting).clear();
}
