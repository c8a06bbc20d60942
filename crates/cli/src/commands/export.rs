//! `alertwire export`: the configuration of a server as a file.

use serde_json::Value;

use super::Session;
use crate::arguments::ExportArguments;
use crate::exit::{Code, Ending, Failure};
use crate::output::{document, talk};

/// Nothing in it changes from one export to the next, so that a file under version control shows what was changed alone.
const HEAD: &str = "\
The configuration of an Alertwire server, by names, as `alertwire export` writes it.
`alertwire apply FILE --dry-run` says what it would change; `alertwire apply FILE` changes it.
Secrets are not in here. Set the variables that are named (or write { file = PATH }) where the file is applied;
where one is not set, what the server has stored stays.
";

pub(super) async fn run(arguments: ExportArguments, session: &mut Session<'_>) -> Ending {
    let answer = session
        .api(&arguments.server)?
        .get("api/v1/configuration", &[])
        .await?;
    let text = if session.out.json {
        format!("{answer}\n")
    } else {
        let Value::Object(sections) = &answer else {
            return Err(Failure::unavailable("the server answered no configuration"));
        };
        document::toml(HEAD, sections)
    };
    match &arguments.out {
        None => session.out.raw(text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::writing(path.display(), &error))?;
            talk(format!("wrote {}", path.display()));
        }
    }
    Ok(Code::Ok)
}
