//! `alertwire events export`: what the server streams, into a file or to standard output.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::super::Session;
use crate::arguments::{EventsFormat, ExportEvents};
use crate::exit::{Ending, Failure};
use crate::output::{Output, harmless_json, is_watched, talk};

/// Most bytes of one line that are kept; an event has at most a few MiB.
const LINE_BYTES: usize = 32 * 1024 * 1024;

pub(super) async fn run(arguments: ExportEvents, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let mut download = api
        .download("api/v1/events/export", &query(&arguments))
        .await?;
    let bar = bar();
    let mut sink = match &arguments.out {
        Some(path) => Sink::File(
            File::create(path).map_err(|error| Failure::writing(path.display(), &error))?,
            path,
        ),
        None => Sink::Stdout(&mut session.out, arguments.format),
    };
    let (mut lines, mut bytes) = (Lines::default(), 0);
    while let Some(part) = download.next().await? {
        bytes += part.len() as u64;
        bar.set_position(bytes);
        lines.waiting.extend_from_slice(&part);
        while let Some(line) = lines.next()? {
            sink.write(&line)?;
        }
    }
    bar.finish_and_clear();
    sink.finish()?;
    say_end(&lines, &arguments)
}

fn query(arguments: &ExportEvents) -> Vec<(String, String)> {
    let told = [
        ("format", Some(arguments.format.as_str().to_owned())),
        ("filter", arguments.search.filter()),
        ("order", arguments.oldest_first.then(|| "oldest".to_owned())),
        ("fields", arguments.fields.clone()),
        ("raw", arguments.raw.then(|| "true".to_owned())),
        ("limit", arguments.limit.map(|limit| limit.to_string())),
        ("cursor", arguments.cursor.clone()),
    ];
    let told = told.into_iter();
    told.filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn bar() -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} of events, {bytes_per_sec}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// Says what the last line told: how many there were, and where the rest is.
fn say_end(lines: &Lines, arguments: &ExportEvents) -> Ending {
    let last = String::from_utf8_lossy(&lines.last);
    if !lines.waiting.is_empty() {
        return Err(Failure::unavailable(
            "the export broke off in the middle of a line",
        ));
    }
    match arguments.format {
        EventsFormat::Jsonl => {
            let end: Value = serde_json::from_str(&last).unwrap_or_default();
            let end = &end["end"];
            let Some(events) = end["events"].as_u64() else {
                return Err(Failure::unavailable(
                    "the export broke off: its last line is missing",
                ));
            };
            talk(format!("{events} events"));
            if let Some(next) = end["next"].as_str() {
                talk(format!("there are more: --cursor {next} goes on"));
            }
        }
        EventsFormat::Csv if last.starts_with("\"more: ") => {
            talk(last.trim_end().trim_matches('"'));
        }
        // Nothing but events stands in a file for a SIEM.
        EventsFormat::Csv
        | EventsFormat::Ocsf
        | EventsFormat::Ecs
        | EventsFormat::Cef
        | EventsFormat::Leef => {}
    }
    Ok(crate::exit::Code::Ok)
}

/// Where the lines go.
enum Sink<'a> {
    File(File, &'a Path),
    Stdout(&'a mut Output, EventsFormat),
}

impl Sink<'_> {
    fn write(&mut self, line: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File(file, path) => file
                .write_all(line)
                .map_err(|error| Failure::writing(path.display(), &error)),
            Self::Stdout(out, EventsFormat::Jsonl | EventsFormat::Ocsf | EventsFormat::Ecs) => {
                let text = String::from_utf8_lossy(line);
                let line = format!("{}\n", harmless_json(text.trim_end_matches('\n')));
                Ok(out.raw(line.as_bytes())?)
            }
            // A terminal must not be told what to do; a pipe gets the bytes as they are.
            Self::Stdout(out, _) if std::io::stdout().is_terminal() => {
                let text = String::from_utf8_lossy(line);
                Ok(out.line(text.trim_end_matches(['\r', '\n']))?)
            }
            Self::Stdout(out, _) => Ok(out.raw(line)?),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if let Self::File(file, path) = self {
            file.sync_all()
                .map_err(|error| Failure::writing(path.display(), &error))?;
            talk(format!("wrote {}", path.display()));
        }
        Ok(())
    }
}

/// Bytes on their way to lines, each with its end.
#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<u8>,
    last: Vec<u8>,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') else {
            if self.waiting.len() > LINE_BYTES {
                let words = format!("a line of the export is longer than {LINE_BYTES} bytes");
                return Err(Failure::unavailable(words));
            }
            return Ok(None);
        };
        let line: Vec<u8> = self.waiting.drain(..=end).collect();
        self.last.clone_from(&line);
        Ok(Some(line))
    }
}
