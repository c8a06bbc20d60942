//! `alertwire sources list`, `export`, `show`, `sender-settings`, `create` and `rotate`.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Secret;
use domain::time::format_duration;
use serde_json::{Value, json};

use super::integrations::countdown;
use super::{Session, download, events, segment, text};
use crate::api::Api;
use crate::arguments::{ServerFlags, SourceArguments, SourcesCommand, Way};
use crate::clock;
use crate::config::files;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

/// Longest secret that is read, in bytes.
const SECRET_BYTES: u64 = 4 * 1_024;
/// The ways that have a secret.
const WAYS: [Way; 4] = [Way::Header, Way::Basic, Way::Login, Way::Signature];

pub(super) async fn run(command: SourcesCommand, session: &mut Session<'_>) -> Ending {
    match command {
        SourcesCommand::List { limit, server } => {
            let query = [("limit".to_owned(), limit.to_string())];
            let page = session.api(&server)?.get("api/v1/sources", &query).await?;
            list(&page, session)?;
        }
        SourcesCommand::Export(arguments) => {
            return download::list("api/v1/sources/export", "sources", arguments, session).await;
        }
        SourcesCommand::Show { id, server } => {
            let path = format!("api/v1/sources/{}", segment(&id)?);
            let source = session.api(&server)?.get(&path, &[]).await?;
            if !session.out.json {
                for line in rotating(&source["authentication"]) {
                    session.out.line(line)?;
                }
            }
            events::show(&source, session)?;
        }
        SourcesCommand::SenderSettings { id, server } => {
            let settings = sender_settings(&session.api(&server)?, &id).await?;
            match session.out.json {
                true => session.out.value(&settings)?,
                false => print(&settings, None, session)?,
            }
        }
        SourcesCommand::Create(arguments) => create(&arguments, session).await?,
        SourcesCommand::Rotate {
            id,
            way,
            secret_file,
            overlap,
            end,
            server,
        } => {
            let turn = match end {
                true => json!({"end": true}),
                false => turn(secret_file.as_deref(), overlap)?,
            };
            rotate(&id, way, turn, &server, session).await?;
        }
    }
    Ok(Code::Ok)
}

fn list(page: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&["ID", "NAME", "COMPANY", "ACCEPTED", "REFUSED", "LAST SEEN"]);
    for source in page["items"].as_array().into_iter().flatten() {
        let cell = |pointer| text(source, pointer).to_owned();
        let count = |name: &str| source["activity"][name].as_u64().unwrap_or(0);
        table.row([
            cell("/id"),
            cell("/name"),
            cell("/company/name"),
            (count("accepted") + count("duplicates")).to_string(),
            count("refused").to_string(),
            cell("/activity/last_seen_at"),
        ]);
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}

/// Of each way whose secret is being rotated out, how long the former one is still good.
fn rotating(authentication: &Value) -> Vec<String> {
    let former = |way: Way| {
        let previous = &authentication[way.as_str()]["previous"];
        previous
            .is_object()
            .then(|| match previous["seconds_left"].as_u64() {
                Some(left) => format!(
                    "the former secret of {} is good for {} more",
                    way.as_str(),
                    countdown(Duration::from_secs(left))
                ),
                None => format!(
                    "the former secret of {} is good until a person ends it",
                    way.as_str()
                ),
            })
    };
    WAYS.into_iter().filter_map(former).collect()
}

async fn sender_settings(api: &Api, id: &str) -> Result<Value, Failure> {
    let path = format!("api/v1/sources/{}/sender-settings", segment(id)?);
    api.get(&path, &[]).await
}

/// Each field with what to type; a secret that was made just now stands in the place of its description.
fn print(settings: &Value, secret: Option<&str>, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&["FIELD", "VALUE"]);
    for setting in settings["settings"].as_array().into_iter().flatten() {
        let value = match (secret, setting["secret"] == true, text(setting, "/value")) {
            (Some(secret), true, _) => secret,
            (_, _, "") => "(leave empty)",
            (_, _, value) => value,
        };
        table.row([text(setting, "/label"), value]);
    }
    session.out.table(&table)?;
    for note in settings["notes"].as_array().into_iter().flatten() {
        session.out.line(note.as_str().unwrap_or_default())?;
    }
    Ok(())
}

async fn create(arguments: &SourceArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let given = arguments
        .secret_file
        .as_deref()
        .map(read_secret)
        .transpose()?;
    let made = match given {
        Some(_) => None,
        None => Some(random_secret(arguments.signature)?),
    };
    let secret = given
        .as_ref()
        .or(made.as_ref())
        .map(|secret| secret.reveal().as_str());
    let mut authentication = json!({"addresses": arguments.addresses});
    let account = |username: &String| json!({"username": username, "password": secret});
    if let Some(key) = &arguments.header {
        authentication["header"] = json!({"key": key, "value": secret});
    } else if let Some(username) = &arguments.basic {
        authentication["basic"] = account(username);
    } else if let Some(username) = &arguments.login {
        authentication["login"] = account(username);
    } else {
        authentication["signature"] = json!({"secret": secret});
    }
    let form = json!({
        "name": arguments.name,
        "company": arguments.company,
        "companies": arguments.companies,
        "authentication": authentication,
        "dedup_window": arguments.dedup_window.map(format_duration),
    });
    let api = session.api(&arguments.server)?;
    let mut source = api.post("api/v1/sources", &form).await?;
    let made = made.as_ref().map(|secret| secret.reveal().as_str());
    if session.out.json {
        if let Some(made) = made {
            source["secret"] = json!(made);
        }
        return Ok(session.out.value(&source)?);
    }
    let settings = sender_settings(&api, text(&source, "/id")).await?;
    session.out.line(text(&source, "/id"))?;
    print(&settings, made, session)?;
    if let Some(made) = made {
        if arguments.signature {
            session.out.line(format!("signing secret: {made}"))?;
        }
        talk("the secret is shown this once");
    }
    Ok(())
}

fn turn(secret_file: Option<&Path>, overlap: Option<Duration>) -> Result<Value, Failure> {
    let mut turn = match secret_file.map(read_secret).transpose()? {
        Some(secret) => json!({"secret": secret.reveal()}),
        None => json!({"generate": true}),
    };
    if let Some(overlap) = overlap {
        turn["overlap"] = format_duration(overlap).into();
    }
    Ok(turn)
}

async fn rotate(
    id: &str,
    way: Way,
    turn: Value,
    server: &ServerFlags,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let path = format!("api/v1/sources/{}/rotate", segment(id)?);
    let form = json!({way.as_str(): turn});
    let rotated = session.api(server)?.post(&path, &form).await?;
    if session.out.json {
        return Ok(session.out.value(&rotated)?);
    }
    for line in rotating(&rotated["authentication"]) {
        talk(line);
    }
    if let Some(made) = rotated["generated"][way.as_str()].as_str() {
        session.out.line(made)?;
        talk("the secret is shown this once");
    }
    Ok(())
}

/// A secret is never an argument: everybody on the machine can read those.
fn read_secret(path: &Path) -> Result<Secret<String>, Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin()
            .take(SECRET_BYTES)
            .read_to_string(&mut text);
        read.map_err(|error| Failure::reading("standard input", &error))?;
        text
    } else {
        files::text(path, SECRET_BYTES)?
    };
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    match secret.reveal().is_empty() {
        true => Err(Failure::data("the secret is empty")),
        false => Ok(secret),
    }
}

fn random_secret(signing: bool) -> Result<Secret<String>, Failure> {
    let bytes = clock::random::<32>()?;
    Ok(Secret::new(match signing {
        true => format!("whsec_{}", STANDARD.encode(bytes)),
        false => URL_SAFE_NO_PAD.encode(bytes),
    }))
}
