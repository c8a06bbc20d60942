//! Files that the server streams, into a file here or to standard output.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::Session;
use crate::arguments::{ExportList, ListFormat, ServerFlags};
use crate::exit::{Ending, Failure};
use crate::output::{Output, harmless_json, is_watched, talk};

/// Most bytes of one line that are kept; an event has at most a few MiB.
const LINE_BYTES: usize = 32 * 1024 * 1024;

/// What is to be fetched.
#[derive(Debug)]
pub(super) struct Download<'a> {
    pub(super) path: &'static str,
    pub(super) query: Vec<(String, String)>,
    pub(super) shape: Shape,
    /// What is counted in it, as the last line of JSON has it.
    pub(super) of: &'static str,
    pub(super) out: Option<&'a Path>,
}

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON, and a last line that says whether that was all.
    Ended,
    /// JSON, and nothing else.
    Json,
    Csv,
    Text,
}

/// A list of the API as a file.
pub(super) async fn list(
    path: &'static str,
    of: &'static str,
    arguments: ExportList,
    session: &mut Session<'_>,
) -> Ending {
    let mut query = arguments.filters;
    let own = [
        ("format", Some(arguments.format.as_str().to_owned())),
        ("limit", arguments.file.limit.map(|limit| limit.to_string())),
        ("cursor", arguments.file.cursor),
    ];
    let own = own.into_iter();
    query.extend(own.filter_map(|(key, value)| Some((key.to_owned(), value?))));
    let download = Download {
        path,
        query,
        shape: match arguments.format {
            ListFormat::Jsonl => Shape::Ended,
            ListFormat::Csv => Shape::Csv,
        },
        of,
        out: arguments.file.out.as_deref(),
    };
    run(&download, &arguments.server, session).await
}

pub(super) async fn run(
    wanted: &Download<'_>,
    server: &ServerFlags,
    session: &mut Session<'_>,
) -> Ending {
    let api = session.api(server)?;
    let mut download = api.download(wanted.path, &wanted.query).await?;
    let bar = bar(wanted.of);
    let mut sink = match wanted.out {
        Some(path) => Sink::File(
            File::create(path).map_err(|error| Failure::writing(path.display(), &error))?,
            path,
        ),
        None => Sink::Stdout(&mut session.out, wanted.shape),
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
    say_end(&lines, wanted)
}

fn bar(of: &str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let template = format!(
        "{{spinner}} {{bytes}} of {}, {{bytes_per_sec}}",
        of.replace('_', " ")
    );
    let style = ProgressStyle::with_template(&template);
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// Says what the last line told: how many there were, and where the rest is.
fn say_end(lines: &Lines, wanted: &Download<'_>) -> Ending {
    let last = String::from_utf8_lossy(&lines.last);
    if !lines.waiting.is_empty() {
        return Err(Failure::unavailable(
            "the export broke off in the middle of a line",
        ));
    }
    match wanted.shape {
        Shape::Ended => {
            let end: Value = serde_json::from_str(&last).unwrap_or_default();
            let end = &end["end"];
            let Some(count) = end[wanted.of].as_u64() else {
                return Err(Failure::unavailable(
                    "the export broke off: its last line is missing",
                ));
            };
            talk(format!("{count} {}", wanted.of.replace('_', " ")));
            match end["next"].as_str() {
                Some(next) => talk(format!("there are more: --cursor {next} goes on")),
                None if end["complete"] == false => talk("there are more than such a file holds"),
                None => {}
            }
        }
        Shape::Csv if last.starts_with("\"more: ") => {
            talk(last.trim_end().trim_matches('"'));
        }
        // Nothing but events stands in a file for a SIEM.
        Shape::Csv | Shape::Json | Shape::Text => {}
    }
    Ok(crate::exit::Code::Ok)
}

/// Where the lines go.
enum Sink<'a> {
    File(File, &'a Path),
    Stdout(&'a mut Output, Shape),
}

impl Sink<'_> {
    fn write(&mut self, line: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File(file, path) => file
                .write_all(line)
                .map_err(|error| Failure::writing(path.display(), &error)),
            Self::Stdout(out, Shape::Ended | Shape::Json) => {
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
