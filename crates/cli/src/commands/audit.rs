//! `alertwire audit list` and `export`.

use serde_json::Value;

use super::changed::{cell, fields_of};
use super::{Session, download, text};
use crate::arguments::{AuditCommand, AuditListArguments};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) async fn run(command: AuditCommand, session: &mut Session<'_>) -> Ending {
    let arguments = match command {
        AuditCommand::List(arguments) => arguments,
        AuditCommand::Export(arguments) => {
            return download::list("api/v1/audit/export", "audit_lines", arguments, session).await;
        }
    };
    let api = session.api(&arguments.server)?;
    let page = api.get("api/v1/audit", &query(arguments)).await?;
    list(&page, session)?;
    Ok(Code::Ok)
}

fn query(arguments: AuditListArguments) -> Vec<(String, String)> {
    let filters = [
        ("what", arguments.what),
        ("target", arguments.target),
        ("actor", arguments.actor),
        ("action", arguments.action),
        ("since", arguments.since),
        ("until", arguments.until),
        ("epoch", arguments.epoch.map(|epoch| epoch.to_string())),
        ("limit", Some(arguments.limit.to_string())),
    ];
    filters
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&[
        "AT", "EPOCH", "ACTOR", "ACTION", "WHAT", "NAME", "FIELD", "OLD", "NEW",
    ]);
    for line in page["items"].as_array().into_iter().flatten() {
        let name = Some(text(line, "/name")).filter(|name| !name.is_empty());
        let head = [
            text(line, "/at").to_owned(),
            line["epoch"].to_string(),
            actor(&line["actor"]).to_owned(),
            text(line, "/action").to_owned(),
            text(line, "/what").to_owned(),
            name.unwrap_or(text(line, "/target")).to_owned(),
        ];
        let changes = line["detail"]["changes"].as_object();
        let fields = changes.into_iter().flatten().map(|(pointer, sides)| {
            let side = |name: &str| cell(&sides[name]);
            [pointer.clone(), side("old"), side("new")]
        });
        fields_of(&mut table, &head, fields);
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}

/// The name of a key, or the word for who else it was.
fn actor(actor: &Value) -> &str {
    actor.as_str().unwrap_or_else(|| text(actor, "/key/name"))
}
