//! `alertwire rollback`.

use serde_json::{Value, json};

use super::changed::{cell, fields_of};
use super::{Session, text};
use crate::arguments::RollbackArguments;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) async fn run(arguments: RollbackArguments, session: &mut Session<'_>) -> Ending {
    let form = json!({"epoch": arguments.epoch, "dry_run": arguments.dry_run});
    let rollback = session
        .api(&arguments.server)?
        .post("api/v1/configuration/rollback", &form)
        .await?;
    show(&rollback, session)?;
    let (total, epoch) = (rollback["total"].as_u64().unwrap_or(0), &rollback["epoch"]);
    match (total, arguments.dry_run) {
        (0, _) => talk("nothing differs, so there is nothing to do"),
        (_, true) => talk("nothing was changed; without --dry-run it would be"),
        (_, false) => talk(format!(
            "the configuration is that of epoch {} again, as epoch {epoch}",
            arguments.epoch
        )),
    }
    Ok(Code::Ok)
}

fn show(rollback: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(rollback)?);
    }
    let changes = rollback["changes"].as_array();
    let changes: Vec<&Value> = changes.into_iter().flatten().collect();
    let mut table = Table::new(&["", "WHAT", "NAME", "FIELD", "NOW", "THEN"]);
    for change in &changes {
        let mark = match text(change, "/action") {
            "insert" => "+",
            "remove" => "-",
            _ => "~",
        };
        let head = [mark, text(change, "/what"), text(change, "/name")].map(str::to_owned);
        let fields = change["fields"].as_array();
        let fields = fields.into_iter().flatten().map(|field| {
            let pointer = text(field, "/pointer").to_owned();
            [pointer, cell(&field["old"]), cell(&field["new"])]
        });
        fields_of(&mut table, &head, fields);
    }
    session.out.table(&table)?;
    for change in &changes {
        for warning in change["warnings"].as_array().into_iter().flatten() {
            let (what, name) = (text(change, "/what"), text(change, "/name"));
            let warning = warning.as_str().unwrap_or_default();
            talk(format!("{what} `{name}`: {warning}"));
        }
    }
    let total = rollback["total"].as_u64().unwrap_or(0);
    let unlisted = total.saturating_sub(changes.len() as u64);
    if unlisted > 0 {
        talk(format!("and {unlisted} more things"));
    }
    Ok(())
}
