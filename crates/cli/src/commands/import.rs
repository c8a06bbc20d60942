//! `alertwire import nmap` and `import trivy`: takes a scanner's file to the server, which reads it and raises events for what
//! the company is not known to have; then follows the import to its end.

use std::path::Path;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::replay::{number, watched};
use super::{Session, text};
use crate::api::{Answer, Api, Upload};
use crate::arguments::{ImportArguments, ImportCommand};
use crate::clock::random_hex;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

const IMPORTS: &str = "api/v1/imports";
/// What is said when nobody watches any more.
const ENDS: &str = "the import goes on; the console's page Jobs shows it";
/// How often a file is sent when the server is busy, and the longest wait in between.
const TRIES: u32 = 8;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What findings are counted by.
const SORTS: [&str; 3] = ["hosts", "ports", "vulnerabilities"];

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) async fn run(command: ImportCommand, session: &mut Session<'_>) -> Ending {
    let (format, import, further) = match command {
        ImportCommand::Nmap { external, import } => {
            let further = external.then(|| ("external".to_owned(), "true".to_owned()));
            ("nmap", import, Vec::from_iter(further))
        }
        ImportCommand::Trivy {
            hostname,
            ip,
            import,
        } => {
            let hostname = hostname.map(|name| ("hostname".to_owned(), name));
            let ip = ("ip".to_owned(), ip.to_string());
            ("trivy", import, hostname.into_iter().chain([ip]).collect())
        }
    };
    let api = session.api(&import.server)?;
    let upload = Upload::open(&import.file)?;
    let mut query = vec![
        ("format".to_owned(), format.to_owned()),
        ("company".to_owned(), import.company.clone()),
        ("dry_run".to_owned(), import.dry_run.to_string()),
    ];
    query.extend(further);
    let job = sent(&api, upload, &query).await?.good()?;
    if import.no_wait {
        return begun(&job, session);
    }
    let job = watched(job, IMPORTS, ENDS, &api).await?;
    told(&job, &import, session)
}

/// The answer of a server that has time; a busy one is asked again when it says. The key makes one import of it, whether the
/// server took the file before its answer was lost or not.
async fn sent(api: &Api, upload: Upload, query: &[(String, String)]) -> Result<Answer, Failure> {
    let key = format!("import-{}", random_hex::<16>()?);
    let key = HeaderValue::try_from(key).map_err(Failure::software)?;
    let headers = [
        (IDEMPOTENCY_KEY, key),
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
    ];
    let mut wait = Duration::from_secs(1);
    for _ in 1..TRIES {
        let answer = api.upload(IMPORTS, query, &upload, &headers).await?;
        if !matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            return Ok(answer);
        }
        tokio::time::sleep(answer.retry_after.unwrap_or(wait).min(LONGEST_WAIT)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    api.upload(IMPORTS, query, &upload, &headers).await
}

/// Nobody waits for its end.
fn begun(job: &Value, session: &mut Session<'_>) -> Ending {
    if session.out.json {
        session.out.value(job)?;
    } else {
        session.out.line(text(job, "/id"))?;
    }
    Ok(Code::Ok)
}

/// A finding that could not be raised, or a file that is not whole, is told by the exit code too; so is an import that did
/// not come to its end.
fn told(job: &Value, import: &ImportArguments, session: &mut Session<'_>) -> Ending {
    if session.out.json {
        session.out.value(&as_json(job))?;
    } else {
        session.out.table(&as_table(job))?;
    }
    for why in job["left_out"].as_array().into_iter().flatten() {
        talk(format!("left out: {}", why.as_str().unwrap_or_default()));
    }
    for (what, count) in job["passed_over"].as_object().into_iter().flatten() {
        talk(format!(
            "{count} {what} passed over: no event kind has a place for them"
        ));
    }
    if import.dry_run {
        talk("nothing was raised: this was a dry run");
    }
    let broken = text(job, "/broken");
    if !broken.is_empty() {
        let name = name(&import.file);
        talk(format!(
            "{name} is not whole: {broken}; the hosts before that were imported"
        ));
    }
    let state = text(job, "/state");
    if state != "done" {
        let why = text(job, "/error");
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        let id = text(job, "/id");
        talk(format!(
            "the import {id} is {state}{why}; what was raised stays"
        ));
        return Ok(Code::Bad);
    }
    let bad = !broken.is_empty() || number(job, "/failed") > 0;
    Ok(if bad { Code::Data } else { Code::Ok })
}

fn name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

fn as_table(job: &Value) -> Table {
    let mut table = Table::new(&["FOUND", "NEW", "SEEN", "FAILED"]);
    for sort in SORTS {
        let count = |what| number(job, &format!("/{sort}/{what}")).to_string();
        let cells = ["new", "seen", "failed"].map(count);
        table.row(std::iter::once(sort.to_owned()).chain(cells));
    }
    table
}

fn as_json(job: &Value) -> Value {
    let mut value = json!({});
    for sort in SORTS {
        value[sort] = job[sort].clone();
    }
    for key in ["passed_over", "whole", "dry_run", "id", "state"] {
        value[key] = job[key].clone();
    }
    value
}
