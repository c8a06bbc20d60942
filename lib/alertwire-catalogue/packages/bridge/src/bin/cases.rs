//! Prints what the Rust crate says of many inputs, a JSON object a line, for the packages to be compared with.
//!
//! `cases FOLDER…`: the payloads of these folders (`*.payload`), every example of the catalogue, damaged ones made from
//! a seed, renderings that go well and renderings that fail.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use alertwire_catalogue::{Catalogue, Kind, Limits, Record, RenderError, Rendered, answer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

/// Damaged payloads, and bytes at random.
const DAMAGED: usize = 4_000;
const RANDOM: usize = 1_000;
const SEED: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let catalogue = Catalogue::builtin();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut payloads = Vec::new();
    for folder in std::env::args().skip(1) {
        payloads.extend(files(Path::new(&folder))?);
    }
    payloads.extend(examples(&catalogue));
    let mut dice = Dice(SEED);
    let whole = payloads.len();
    for _ in 0..DAMAGED {
        let payload = payloads[dice.below(whole)].clone();
        payloads.push(damaged(payload, &mut dice));
    }
    for _ in 0..RANDOM {
        payloads.push((0..dice.below(200)).map(|_| dice.byte()).collect());
    }
    for payload in &payloads {
        let reading = catalogue.read(payload, &Limits::default());
        let answer = answer(&catalogue, &reading, true);
        writeln!(
            out,
            "{}",
            json!({"read": STANDARD.encode(payload), "answer": answer})
        )?;
    }
    for kind in catalogue.kinds() {
        for (records, company) in renderings(kind) {
            let said = catalogue.render(&kind.code, &named(kind, &records, company));
            writeln!(
                out,
                "{}",
                rendering(
                    &kind.code,
                    &records,
                    company,
                    &said,
                    contradicts(kind, &records, company)
                )
            )?;
        }
    }
    let unknown = catalogue.render("system.aset_added", &[]);
    writeln!(
        out,
        "{}",
        rendering("system.aset_added", &[], None, &unknown, false)
    )?;
    Ok(out.flush()?)
}

fn files(folder: &Path) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "payload"))
        .collect();
    paths.sort();
    let read = paths.iter().map(std::fs::read);
    Ok(read.collect::<Result<_, _>>()?)
}

fn examples(catalogue: &Catalogue) -> impl Iterator<Item = Vec<u8>> {
    catalogue.kinds().iter().flat_map(|kind| {
        kind.examples.iter().map(|example| {
            json!({"subject": kind.subject, "body": example.body})
                .to_string()
                .into_bytes()
        })
    })
}

/// The records of each example, as they are, for a company, with a hostile value, with a field that is unknown, and none.
fn renderings(kind: &Kind) -> Vec<(Vec<Record>, Option<&'static str>)> {
    let mut renderings = vec![(Vec::new(), None), (Vec::new(), Some("Müller & Co"))];
    for example in &kind.examples {
        let with = |name: &str, value: &str| {
            let mut records = example.records.clone();
            records.iter_mut().for_each(|record| {
                record.insert(name, value);
            });
            records
        };
        renderings.push((example.records.clone(), None));
        renderings.push((example.records.clone(), Some("Acme Corporation")));
        renderings.push((with("colour", "blue"), None));
        for field in kind.fields() {
            renderings.push((
                with(&field.name, "a\u{1b}[31m\\ Product x. Hostname ] y"),
                None,
            ));
        }
    }
    renderings
}

/// The records with the company that the packages are to write into them.
fn named(kind: &Kind, records: &[Record], company: Option<&str>) -> Vec<Record> {
    let mut records = records.to_vec();
    if let Some(company) = company.filter(|_| kind.has_field("company")) {
        if records.is_empty() {
            records.push(Record::new());
        }
        for record in &mut records {
            record.insert("company", company);
        }
    }
    records
}

/// Whether a record names another company, which the packages refuse in words of their own.
fn contradicts(kind: &Kind, records: &[Record], company: Option<&str>) -> bool {
    let other = |record: &Record| {
        record
            .text("company")
            .is_some_and(|other| Some(other) != company)
    };
    company.is_some() && kind.has_field("company") && records.iter().any(other)
}

fn rendering(
    code: &str,
    records: &[Record],
    company: Option<&str>,
    said: &Result<Rendered, RenderError>,
    contradicts: bool,
) -> Json {
    let (answer, error) = match said {
        Ok(rendered) => (
            json!({
                "subject": rendered.subject, "body": rendered.body, "records": rendered.records,
                "fields_header": rendered.fields_header,
            }),
            None,
        ),
        Err(error) => (Json::Null, Some(error.to_string())),
    };
    json!({
        "render": code, "records": records, "company": company,
        "answer": answer, "error": error, "contradicts": contradicts,
    })
}

fn damaged(mut payload: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(4) {
        let at = dice.below(payload.len() + 1);
        let end = (at + dice.below(12)).min(payload.len());
        match dice.below(4) {
            0 => payload.insert(at, dice.byte()),
            1 => drop(payload.drain(at..end)),
            2 => payload.extend_from_within(at..end),
            _ => payload.truncate(end.max(1)),
        }
    }
    payload
}

/// SplitMix64: the same inputs for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }
}
