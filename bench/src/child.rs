//! Child processes that do not outlive their measurement.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

/// A mode of this very binary, spoken to by lines.
#[derive(Debug)]
pub struct Child {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a mode; it says one line when it is ready, which is returned.
    pub fn start(arguments: &[&str]) -> Result<(Self, String)> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command
            .spawn()
            .with_context(|| format!("cannot start {arguments:?}"))?;
        let input = process.stdin.take().context("the child has no input")?;
        let output = BufReader::new(process.stdout.take().context("the child has no output")?);
        let mut child = Self {
            process,
            input,
            output,
        };
        let ready = child
            .line()
            .with_context(|| format!("{arguments:?} did not start"))?;
        Ok((child, ready))
    }

    /// Asks by a line.
    pub fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}")?;
        Ok(self.input.flush()?)
    }

    /// The next line it says.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.output.read_line(&mut line)? > 0, "the child ended");
        Ok(line.trim_end().to_owned())
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
