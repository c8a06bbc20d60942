//! `alertwire companies list` and `export`.

use serde_json::Value;

use super::{Session, download, text};
use crate::arguments::CompaniesCommand;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) async fn run(command: CompaniesCommand, session: &mut Session<'_>) -> Ending {
    let (unmapped, limit, server) = match command {
        CompaniesCommand::List {
            unmapped,
            limit,
            server,
        } => (unmapped, limit, server),
        CompaniesCommand::Export(arguments) => {
            let path = "api/v1/companies/export";
            return download::list(path, "companies", arguments, session).await;
        }
    };
    let mut query = vec![("limit".to_owned(), limit.to_string())];
    if unmapped {
        query.push(("mapped".to_owned(), "false".to_owned()));
    }
    let page = session
        .api(&server)?
        .get("api/v1/companies", &query)
        .await?;
    list(&page, session)?;
    Ok(Code::Ok)
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&["ID", "NAME", "MAPPED", "DOMAIN", "EXTERNAL ID"]);
    for company in page["items"].as_array().into_iter().flatten() {
        let cell = |pointer| text(company, pointer);
        table.row([
            cell("/id"),
            cell("/name"),
            if company["mapped"] == true {
                "yes"
            } else {
                "NO"
            },
            cell("/domain"),
            cell("/external_id"),
        ]);
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}
