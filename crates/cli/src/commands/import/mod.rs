//! `alertwire import nmap` and `import trivy`: what a scanner found becomes events, for what the company is not known to have.
//!
//! A reader (`nmap.rs`, `trivy.rs`) turns a file into findings, [`sending`] takes them to the server in batches. What is new is
//! decided there, in the transaction that stores it; nothing is remembered here.

mod finding;
mod input;
mod nmap;
mod sending;
mod trivy;

use std::path::Path;

use alertwire_catalogue::Catalogue;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::Session;
use crate::arguments::{ImportArguments, ImportCommand};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, is_watched, talk};
use finding::{Finding, Sort};
use input::Input;
use sending::{Sender, Tally};
use trivy::Named;

pub(super) async fn run(command: ImportCommand, session: &mut Session<'_>) -> Ending {
    match command {
        ImportCommand::Nmap { external, import } => nmap(&import, external, session).await,
        ImportCommand::Trivy {
            hostname,
            ip,
            import,
        } => trivy(&import, &Named { hostname, ip }, session).await,
    }
}

/// What a file came to.
struct Imported {
    tally: Tally,
    /// What was found and has no event kind, with how often.
    passed_over: Vec<(&'static str, u64)>,
    /// Why the file ends before its end.
    broken: Option<String>,
}

async fn nmap(import: &ImportArguments, external: bool, session: &mut Session<'_>) -> Ending {
    let mut sender = sender(import, session)?;
    let input = Input::open(&import.file)?;
    let bar = bar(input.length);
    let mut scan = nmap::Scan::new(input.reader);
    let catalogue = Catalogue::builtin();
    while let Some(host) = scan.next_host()? {
        for finding in host.findings(&catalogue, external) {
            sender.add(finding).await?;
        }
        bar.set_position(scan.position());
    }
    let tally = sender.finish().await?;
    bar.finish_and_clear();
    let imported = Imported {
        tally,
        passed_over: scan.passed_over(),
        broken: scan.broken(),
    };
    told(&imported, import, session)
}

async fn trivy(import: &ImportArguments, named: &Named, session: &mut Session<'_>) -> Ending {
    let mut sender = sender(import, session)?;
    let report = trivy::read(Input::open(&import.file)?.reader)?;
    let catalogue = Catalogue::builtin();
    let findings = report.findings(&catalogue, named)?;
    let bar = bar(Some(findings.len() as u64));
    for finding in findings {
        sender.add(finding).await?;
        bar.inc(1);
    }
    let tally = sender.finish().await?;
    bar.finish_and_clear();
    let imported = Imported {
        tally,
        passed_over: report.passed_over(),
        broken: None,
    };
    told(&imported, import, session)
}

fn sender(import: &ImportArguments, session: &Session<'_>) -> Result<Sender, Failure> {
    Sender::new(
        session.api(&import.server)?,
        import.company.clone(),
        import.dry_run,
    )
}

fn bar(length: Option<u64>) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    if !is_watched() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let (Some(_), Ok(style)) = (
        length,
        ProgressStyle::with_template("{bar:40} {percent}% {eta}"),
    ) {
        bar.set_style(style);
    }
    bar
}

/// A finding that could not be raised, or a file that is not whole, is told by the exit code too.
fn told(imported: &Imported, import: &ImportArguments, session: &mut Session<'_>) -> Ending {
    if session.out.json {
        session.out.value(&as_json(imported, import.dry_run))?;
    } else {
        session.out.table(&as_table(imported))?;
    }
    for (what, count) in &imported.passed_over {
        talk(format!(
            "{count} {what} passed over: no event kind has a place for them"
        ));
    }
    if import.dry_run {
        talk("nothing was raised: this was a dry run");
    }
    if let Some(why) = &imported.broken {
        let name = name(&import.file);
        talk(format!(
            "{name} is not whole: {why}; the hosts before that were imported"
        ));
    }
    let bad = imported.broken.is_some() || imported.tally.failed() > 0;
    Ok(if bad { Code::Data } else { Code::Ok })
}

fn name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

fn as_table(imported: &Imported) -> Table {
    let mut table = Table::new(&["FOUND", "NEW", "SEEN", "FAILED"]);
    for sort in Sort::ALL {
        let count = imported.tally.of(sort);
        let cells = [count.new, count.seen, count.failed].map(|number| number.to_string());
        table.row(std::iter::once(sort.as_str().to_owned()).chain(cells));
    }
    table
}

fn as_json(imported: &Imported, dry_run: bool) -> Value {
    let mut value = json!({});
    for sort in Sort::ALL {
        let count = imported.tally.of(sort);
        value[sort.as_str()] =
            json!({"new": count.new, "seen": count.seen, "failed": count.failed});
    }
    let passed_over = imported.passed_over.iter();
    value["passed_over"] = passed_over
        .map(|(what, count)| ((*what).to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    value["whole"] = json!(imported.broken.is_none());
    value["dry_run"] = json!(dry_run);
    value
}

#[cfg(test)]
mod tests;
