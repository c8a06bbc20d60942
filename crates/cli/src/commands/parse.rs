//! `alertwire parse`: payloads in, one JSON line out for each; with `--as` a line for each record.

use std::io::{self, BufRead, Read as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use alertwire_catalogue::{Catalogue, Decode, Limits, Reading, answer};
use domain::Clock;
use domain::projection::{Format, Origin, Unstored, project_alert};

use super::projection::printed;
use super::{Session, kinds};
use crate::arguments::ParseArguments;
use crate::clock;
use crate::config::files;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Output, harmless_json, talk};

/// Longest payload, in bytes.
const LONGEST: usize = Limits::MOST_BYTES;
/// Lines that are read ahead, and so the most that are parsed together.
const AHEAD: usize = 1_024;
/// Bytes of lines that are parsed together.
const AHEAD_BYTES: usize = 4 * 1024 * 1024;
/// Fewer lines are parsed faster than threads are started.
const WORTH_THREADS: usize = 64;

/// How payloads are read and answered.
struct Reader<'a> {
    catalogue: &'a Catalogue,
    limits: Limits,
    spans: bool,
    projected: Option<Projected>,
}

/// A format of others, and what is said in it beside the reading.
struct Projected {
    format: Format,
    company: Option<String>,
    clock: Clock,
}

/// The JSON line of one payload, and whether it could be decoded.
struct Answered {
    line: String,
    decoded: bool,
}

pub(super) fn run(arguments: ParseArguments, session: &mut Session<'_>) -> Ending {
    let catalogue = kinds::configured(&session.layers(arguments.catalogue.flags())?)?;
    let limits = Limits {
        payload_bytes: LONGEST,
        ..Limits::default()
    };
    let reader = Reader {
        catalogue: &catalogue,
        limits,
        spans: arguments.spans,
        projected: arguments.projection.format.map(|format| Projected {
            format,
            company: arguments.company,
            clock: clock::real(),
        }),
    };
    let mut decoded = true;
    let standard_input = [std::path::PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &standard_input[..]
    } else {
        &arguments.files
    };
    for file in files {
        decoded &= match arguments.lines {
            true => reader.lines(file, &mut session.out)?,
            false => reader.whole(file, &mut session.out)?,
        };
    }
    Ok(if decoded { Code::Ok } else { Code::Data })
}

impl Reader<'_> {
    fn answer(&self, payload: &[u8]) -> Answered {
        let reading = self.catalogue.read(payload, &self.limits);
        let line = answer(self.catalogue, &reading, self.spans).to_string();
        Answered {
            line: harmless_json(&line).into_owned(),
            decoded: reading.decode != Decode::Failed,
        }
    }

    /// One payload a file.
    fn whole(&self, file: &Path, out: &mut Output) -> Result<bool, Failure> {
        let payload = match is_standard_input(file) {
            true => standard_input()?,
            false => files::bytes(file, LONGEST as u64)?,
        };
        self.tell(&[payload], out)
    }

    /// What payloads say, in the words that were asked for; whether all could be decoded.
    fn tell(&self, payloads: &[Vec<u8>], out: &mut Output) -> Result<bool, Failure> {
        let mut decoded = true;
        if let Some(projected) = &self.projected {
            for payload in payloads {
                let reading = self.catalogue.read(payload, &self.limits);
                projected.write(&reading, payload, out)?;
                decoded &= reading.decode != Decode::Failed;
            }
            return Ok(decoded);
        }
        for answered in self.batch(payloads) {
            out.raw(answered.line.as_bytes())?;
            out.raw(b"\n")?;
            decoded &= answered.decoded;
        }
        Ok(decoded)
    }

    /// One payload a line: a thread reads ahead, several parse, and what comes out keeps the order of what came in.
    fn lines(&self, file: &Path, out: &mut Output) -> Result<bool, Failure> {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let mut source: Box<dyn BufRead + Send> = match is_standard_input(file) {
            true => Box::new(io::BufReader::new(io::stdin())),
            false => {
                let opened = std::fs::File::open(file)
                    .map_err(|error| Failure::reading(file.display(), &error))?;
                Box::new(io::BufReader::new(opened))
            }
        };
        // Not scoped: when the output is closed, nobody waits for a standard input that may never end.
        thread::spawn(move || {
            while let Some(line) = next_line(&mut *source).transpose() {
                let last = line.is_err();
                if sender.send(line).is_err() || last {
                    return;
                }
            }
        });
        let mut decoded = true;
        while let Ok(first) = receiver.recv() {
            let mut batch = vec![first.map_err(|error| Failure::reading(file.display(), &error))?];
            let mut bytes = batch[0].len();
            let mut broken = None;
            while batch.len() < AHEAD && bytes < AHEAD_BYTES {
                match receiver.try_recv() {
                    Ok(Ok(line)) => {
                        bytes += line.len();
                        batch.push(line);
                    }
                    Ok(Err(error)) => {
                        broken = Some(error);
                        break;
                    }
                    Err(_) => break,
                }
            }
            decoded &= self.tell(&batch, out)?;
            // Whoever feeds lines by hand sees the answer before the next one.
            out.flush()?;
            if let Some(error) = broken {
                return Err(Failure::reading(file.display(), &error));
            }
        }
        Ok(decoded)
    }

    fn batch(&self, lines: &[Vec<u8>]) -> Vec<Answered> {
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if lines.len() < WORTH_THREADS || threads == 1 {
            return lines.iter().map(|line| self.answer(line)).collect();
        }
        let share = lines.len().div_ceil(threads);
        thread::scope(|scope| {
            let parts: Vec<_> = lines
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|line| self.answer(line))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            parts
                .into_iter()
                .flat_map(|part| {
                    part.join()
                        .expect("reading never panics, whatever it reads")
                })
                .collect()
        })
    }
}

impl Projected {
    /// The documents of all records of all alerts, a line each, written as they are made: they can be far longer together than
    /// the payload.
    fn write(
        &self,
        reading: &Reading<'_>,
        payload: &[u8],
        out: &mut Output,
    ) -> Result<(), Failure> {
        let unstored = Unstored {
            decode: reading.decode,
            company: self.company.as_deref(),
            read_at: self.clock.stamp(),
            version: env!("CARGO_PKG_VERSION"),
            origin: Some(Origin::of_payload(payload, reading.is_array)),
        };
        for alert in &reading.alerts {
            for document in project_alert(self.format, alert, &unstored) {
                out.raw(printed(&document).as_bytes())?;
                out.raw(b"\n")?;
            }
        }
        Ok(())
    }
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut payload = Vec::new();
    let read = io::stdin()
        .lock()
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut payload);
    read.map_err(|error| Failure::reading("standard input", &error))?;
    if payload.len() > LONGEST {
        return Err(
            Failure::data(format!("standard input holds more than {LONGEST} bytes"))
                .help("one payload a line? add --lines"),
        );
    }
    Ok(payload)
}

/// The next line that is not blank, without its line break.
fn next_line(source: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        if source
            .take(LONGEST as u64 + 1)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(None);
        }
        if line.len() > LONGEST {
            talk(format!("a line is longer than {LONGEST} bytes"));
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is too long",
            ));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            return Ok(Some(line));
        }
    }
}
