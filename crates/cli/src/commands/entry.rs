//! `alertwire catalog added`, `add` and `remove`: what a server's catalogue is extended by.

use std::path::Path;

use serde_json::{Value, json};

use super::{Session, text};
use crate::arguments::ServerFlags;
use crate::config::files;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

const KINDS: &str = "api/v1/catalog/kinds";
/// Most entries that are listed: as many as there can be.
const ENTRIES: usize = domain::event_kind::ENTRIES;
/// Longest file, in bytes.
const LONGEST: u64 = domain::event_kind::ENTRY_BYTES as u64;

pub(super) async fn added(server: &ServerFlags, session: &mut Session<'_>) -> Ending {
    let query = [("limit".to_owned(), ENTRIES.to_string())];
    let page = session.api(server)?.get(KINDS, &query).await?;
    if session.out.json {
        session.out.value(&page)?;
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&["CODE", "ADDS", "SINCE", "NOT IN FORCE"]);
    for entry in page["items"].as_array().into_iter().flatten() {
        let faults: Vec<&str> = entry["faults"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let faults = faults.join("; ");
        table.row([
            text(entry, "/code"),
            text(entry, "/adds"),
            text(entry, "/created_at"),
            &faults,
        ]);
    }
    session.out.table(&table)?;
    Ok(Code::Ok)
}

pub(super) async fn add(
    file: &Path,
    dry_run: bool,
    server: &ServerFlags,
    session: &mut Session<'_>,
) -> Ending {
    let form = json!({"file": files::text(file, LONGEST)?});
    let path = match dry_run {
        true => format!("{KINDS}?dry_run=true"),
        false => KINDS.to_owned(),
    };
    let entry = session.api(server)?.post(&path, &form).await?;
    if session.out.json {
        session.out.value(&entry)?;
        return Ok(Code::Ok);
    }
    let (code, adds) = (text(&entry, "/code"), text(&entry, "/adds"));
    talk(match dry_run {
        true => format!("{} is good: {adds} of `{code}`", file.display()),
        false => format!("added the {adds} of `{code}`; new alerts are read by it"),
    });
    Ok(Code::Ok)
}

pub(super) async fn remove(name: &str, server: &ServerFlags, session: &mut Session<'_>) -> Ending {
    let fits = |char: char| char.is_ascii_alphanumeric() || "._- ".contains(char);
    if name.is_empty() || !name.chars().all(fits) {
        let failure = Failure::usage(format!("`{name}` names no event kind"));
        return Err(failure.help("`alertwire catalog added` lists them"));
    }
    let path = format!("{KINDS}/{}", name.replace(' ', "%20"));
    session.api(server)?.delete(&path).await?;
    talk(format!(
        "removed `{name}`; stored events keep what they were read as"
    ));
    Ok(Code::Ok)
}
