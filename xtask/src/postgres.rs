//! A throw-away PostgreSQL server for the tests: own folder, own port, loopback only, stopped when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::run::works;
use crate::system::postgres_bin;

/// A running server.
pub struct Server {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Makes a cluster in a temporary folder and starts it. Tests need no durability; what is measured does.
    pub fn start(durable: bool) -> Result<Self> {
        let bin =
            postgres_bin().context("PostgreSQL is not installed: apt-get install postgresql")?;
        let folder =
            std::env::temp_dir().join(format!("alertwire-postgres-{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        std::fs::create_dir_all(&folder)?;
        let server = Self { bin, folder, port };
        if as_root() {
            run_quietly(Command::new("chown").arg("postgres").arg(&server.folder))?;
        }
        let data = server.folder.join("data");
        let mut init = server.program("initdb");
        init.args([
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ])
        .arg(&data);
        run_quietly(&mut init)?;
        let sync = if durable { "on" } else { "off" };
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync={sync} \
             -c full_page_writes={sync} -c max_connections=400 -c shared_buffers=128MB",
            server.folder.display()
        );
        let mut start = server.program("pg_ctl");
        start
            .args(["-w", "-t", "60", "-o", &options, "-l"])
            .arg(server.folder.join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start");
        run_quietly(&mut start)?;
        Ok(server)
    }

    /// The URL of a database in which further ones may be made.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// PostgreSQL refuses to run as root, so root steps aside for the user that the package made.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if as_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(Path::new("/"));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["-m", "immediate", "-D"])
            .arg(self.folder.join("data"))
            .arg("stop");
        if let Err(error) = run_quietly(&mut stop) {
            eprintln!(
                "xtask: PostgreSQL at port {} did not stop: {error:#}",
                self.port
            );
        }
        // A folder that cannot be removed costs a temporary file, not a test.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn as_root() -> bool {
    works("sh", &["-c", "[ \"$(id -u)\" = 0 ]"])
}

fn run_quietly(command: &mut Command) -> Result<()> {
    // A server that inherits a pipe would keep it open, so its output goes nowhere; its log is a file.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
