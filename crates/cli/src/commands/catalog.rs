//! `alertwire catalog list`, `check` and `test`.

use std::path::PathBuf;

use alertwire_catalogue::{Catalogue, Example, Kind, Limits, Match, check};
use serde_json::{Value, json};

use super::kinds::{self, Sources};
use super::{Session, entry, good_if, lesson, wait};
use crate::arguments::{CatalogCommand, CatalogueFlags};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) fn run(command: CatalogCommand, session: &mut Session<'_>) -> Ending {
    match command {
        CatalogCommand::List(flags) => list(flags, session),
        CatalogCommand::Check { files, catalogue } => check_files(&files, catalogue, session),
        CatalogCommand::Test { files, catalogue } => test(&files, catalogue, session),
        CatalogCommand::Added { server } => wait(entry::added(&server, session)),
        CatalogCommand::Add {
            file,
            dry_run,
            server,
        } => wait(entry::add(&file, dry_run, &server, session)),
        CatalogCommand::Remove { name, server } => wait(entry::remove(&name, &server, session)),
        CatalogCommand::Unknown(arguments) => wait(lesson::unknown(&arguments, session)),
        CatalogCommand::Learn(arguments) => wait(lesson::learn(&arguments, session)),
        CatalogCommand::Drift(arguments) => wait(lesson::drift(&arguments, session)),
    }
}

fn list(flags: CatalogueFlags, session: &mut Session<'_>) -> Ending {
    let catalogue = kinds::configured(&session.layers(flags.flags())?)?;
    if session.out.json {
        let kinds: Vec<Value> = catalogue.kinds().iter().map(described).collect();
        session.out.value(&kinds)?;
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&[
        "CATEGORY", "CODE", "SUBJECT", "SEVERITY", "WORDING", "FIELDS",
    ]);
    for kind in catalogue.kinds() {
        let fields: Vec<String> = kind
            .fields()
            .into_iter()
            .map(|field| {
                if field.optional {
                    format!("[{}]", field.name)
                } else {
                    field.name
                }
            })
            .collect();
        let fields = fields.join(" ");
        table.row([
            &kind.category,
            &kind.code,
            &kind.subject,
            kind.severity.as_str(),
            kind.wording.as_str(),
            &fields,
        ]);
    }
    session.out.table(&table)?;
    Ok(Code::Ok)
}

fn described(kind: &Kind) -> Value {
    let fields: Vec<Value> = kind
        .fields()
        .into_iter()
        .map(|field| json!({"name": field.name, "type": field.type_name, "optional": field.optional}))
        .collect();
    json!({
        "event": kind.code, "category": kind.category, "name": kind.name, "subject": kind.subject, "aliases": kind.aliases,
        "severity": kind.severity.as_str(), "wording": kind.wording.as_str(), "class": kind.class, "action": kind.action, "fields": fields, "body": kind.body,
    })
}

/// The named files; none means the configured folder.
fn sources(
    files: &[PathBuf],
    flags: CatalogueFlags,
    session: &Session<'_>,
) -> Result<Sources, Failure> {
    if !files.is_empty() {
        return Sources::read(files);
    }
    let layers = session.layers(flags.flags())?;
    match layers.get("catalogue_dir").0 {
        "" => Ok(Sources::default()),
        folder => Sources::read(&[PathBuf::from(folder)]),
    }
}

fn check_files(files: &[PathBuf], flags: CatalogueFlags, session: &mut Session<'_>) -> Ending {
    let sources = sources(files, flags, session)?;
    let findings = check(&sources.pairs());
    if session.out.json {
        let findings: Vec<Value> = findings
            .iter()
            .map(|finding| {
                json!({
                    "file": finding.file, "line": finding.line, "column": finding.column,
                    "start": finding.span.start, "end": finding.span.end, "message": finding.message, "help": finding.help,
                })
            })
            .collect();
        session.out.value(&findings)?;
    } else {
        for finding in &findings {
            session.out.block(&sources.caret(finding))?;
        }
    }
    let read = sources.pairs().len();
    talk(format!(
        "{} beside the built-in ones, {}",
        count(read, "file"),
        count(findings.len(), "error")
    ));
    Ok(if findings.is_empty() {
        Code::Ok
    } else {
        Code::Data
    })
}

fn test(files: &[PathBuf], flags: CatalogueFlags, session: &mut Session<'_>) -> Ending {
    let sources = sources(files, flags, session)?;
    let catalogue = Catalogue::with_files(&sources.pairs()).map_err(|findings| {
        let carets: Vec<String> = findings
            .iter()
            .map(|finding| sources.caret(finding))
            .collect();
        Failure::data(format!("the files have errors\n{}", carets.join("\n")))
    })?;
    let (mut tried, mut failed) = (0, 0);
    for kind in catalogue.kinds() {
        for (index, example) in kind.examples.iter().enumerate() {
            let fault = fault(&catalogue, kind, example);
            tried += 1;
            failed += usize::from(fault.is_some());
            if session.out.json {
                session.out.value(&json!({"event": kind.code, "example": index + 1, "ok": fault.is_none(), "fault": fault}))?;
            } else if let Some(fault) = fault {
                session
                    .out
                    .line(format!("{} example {}: {fault}", kind.code, index + 1))?;
            }
        }
    }
    talk(format!(
        "{} of {} tried, {failed} failed",
        count(tried, "example"),
        count(catalogue.kinds().len(), "kind")
    ));
    Ok(good_if(failed == 0))
}

/// What is wrong with an example: its body has to read as its records, and its records have to come back when rendered.
fn fault(catalogue: &Catalogue, kind: &Kind, example: &Example) -> Option<String> {
    let read = |body: &str| {
        let reading = catalogue.read_alert(&kind.subject, body, &Limits::default());
        let codes: Vec<&str> = reading
            .kind
            .iter()
            .chain(&reading.alternatives)
            .map(|kind| kind.code.as_str())
            .collect();
        match reading {
            _ if !codes.contains(&kind.code.as_str()) => Err(format!("reads as {codes:?}")),
            reading if reading.matched == Match::None => Err("is not recognised".to_owned()),
            reading if !reading.ambiguous.is_empty() => Err(format!(
                "reads two ways in `{}`",
                reading.ambiguous[0].field
            )),
            reading if reading.records != example.records => {
                Err(format!("reads as {}", json!(reading.records)))
            }
            _ => Ok(()),
        }
    };
    if let Err(fault) = read(&example.body) {
        return Some(format!("the body {fault}"));
    }
    match catalogue.render(&kind.code, &example.records) {
        Ok(rendered) => read(&rendered.body)
            .err()
            .map(|fault| format!("the rendered body {fault}")),
        // A variant may read what the rendered wording cannot say; it is never rendered.
        Err(_) if !kind.variants.is_empty() => None,
        Err(error) => Some(error.to_string()),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
