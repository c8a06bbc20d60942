//! `alertwire connect ID`: checks an integration, step by step.

use serde_json::{Value, json};

use super::{Session, good_if, segment, text};
use crate::arguments::ConnectArguments;
use crate::exit::Ending;
use crate::output::Table;

pub(super) async fn run(arguments: ConnectArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    let answer = api
        .post(
            &format!("api/v1/integrations/{}/check", segment(&arguments.id)?),
            &json!({}),
        )
        .await?;
    let check = if answer["check"].is_object() {
        &answer["check"]
    } else {
        &answer
    };
    let steps: &[Value] = check["steps"].as_array().map_or(&[], Vec::as_slice);
    let good = !steps.is_empty() && steps.iter().all(|step| step["ok"] == true);
    if session.out.json {
        session.out.value(&answer)?;
        return Ok(good_if(good));
    }
    let mut table = Table::new(&["STEP", "OK", "TIME", "DETAIL"]);
    for step in steps {
        let millis = step["millis"]
            .as_f64()
            .map_or_else(String::new, |millis| format!("{millis:.1} ms"));
        table.row([
            text(step, "/name"),
            if step["ok"] == true { "yes" } else { "NO" },
            &millis,
            text(step, "/detail"),
        ]);
    }
    session.out.table(&table)?;
    Ok(good_if(good))
}
