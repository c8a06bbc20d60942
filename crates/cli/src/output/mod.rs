//! Data goes to stdout, talk to stderr; both are made harmless for a terminal on the way.

pub(crate) mod document;
mod sanitise;
mod table;

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

pub(crate) use sanitise::{harmless, harmless_fields, harmless_json};
pub(crate) use table::Table;

/// The standard streams of one command.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether data is printed as JSON.
    pub(crate) json: bool,
    stdout: io::BufWriter<io::Stdout>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            stdout: io::BufWriter::new(io::stdout()),
        }
    }

    /// One line of data for a person.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.stdout, "{}", harmless(text.as_ref()))
    }

    /// Text of several lines, of which only the line breaks are kept as control characters.
    pub(crate) fn block(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// One line of JSON.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        writeln!(self.stdout, "{}", harmless_json(&text))
    }

    /// Generated files (manual pages, completions): bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes)
    }

    pub(crate) fn table(&mut self, table: &Table) -> io::Result<()> {
        let text = table.render(io::stdout().is_terminal());
        self.stdout.write_all(text.as_bytes())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// One line of talk. A stderr that nobody reads any more is no reason to stop.
pub(crate) fn talk(text: impl AsRef<str>) {
    let mut stderr = io::stderr().lock();
    for line in text.as_ref().lines() {
        let _ = writeln!(stderr, "{}", harmless(line));
    }
}

/// Whether a progress bar would be seen.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Waits for what takes a while, with a spinner where it would be seen.
pub(crate) async fn waiting<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    /// How often the spinner turns.
    const TURN: Duration = Duration::from_millis(100);
    if !is_watched() {
        return work.await;
    }
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(TURN);
    let done = work.await;
    spinner.finish_and_clear();
    done
}
