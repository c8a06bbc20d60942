//! `alertwire key create`: straight into the database of this machine, or through the API of a named server.

use domain::access::{Actor, ApiKey, Role, Scope};
use domain::{CompanyId, KeyId};
use serde_json::{Value, json};
use store::{Change, StoreError};

use super::{Session, text};
use crate::arguments::{KeyCommand, SettingFlags};
use crate::config::client::Client;
use crate::exit::{Code, Ending, Failure};
use crate::instance;
use crate::output::talk;

pub(super) async fn run(command: KeyCommand, session: &mut Session<'_>) -> Ending {
    let KeyCommand::Create {
        name,
        role,
        companies,
        server,
        settings,
    } = command;
    let role: Role = role.parse().map_err(Failure::usage)?;
    let companies: Vec<CompanyId> = companies
        .iter()
        .map(|id| id.parse().map_err(Failure::usage))
        .collect::<Result<_, _>>()?;
    let layers = session.layers(Vec::new())?;
    let made = match Client::is_named(&layers, server.url.as_deref()) {
        true => {
            let mut form = json!({"name": name, "role": role.as_str()});
            if !companies.is_empty() {
                form["companies"] = json!(companies);
            }
            session.api(&server)?.post("api/v1/keys", &form).await?
        }
        false => local(name, role, companies, *settings, session).await?,
    };
    if session.out.json {
        session.out.value(&made)?;
    } else {
        session.out.line(text(&made, "/key"))?;
        talk("the key is shown this once");
    }
    Ok(Code::Ok)
}

async fn local(
    name: String,
    role: Role,
    companies: Vec<CompanyId>,
    flags: SettingFlags,
    session: &Session<'_>,
) -> Result<Value, Failure> {
    let (store, wiring) = super::local(flags, session).await?;
    let key = instance::new_key()?;
    let scope = if companies.is_empty() {
        Scope::All
    } else {
        Scope::Companies(companies)
    };
    let now = wiring.clock.now();
    let id = wiring.dice.roll(|rng| KeyId::new(now, rng));
    let row = ApiKey {
        id,
        name: name.clone(),
        role,
        scope,
        digest: receive::key_digest(&store, &key),
        created_at: now,
        last_used_at: None,
    };
    let changed = store
        .change(Change::InsertKey(row), &Actor::Local, now)
        .await;
    store.close().await;
    changed.map_err(|error| match error {
        StoreError::NameTaken { .. } => Failure::data(error),
        StoreError::NoSuch { .. } => Failure::data(error).help("companies are given by id"),
        other => Failure::unavailable(other),
    })?;
    Ok(json!({"id": id.to_string(), "name": name, "role": role.as_str(), "key": key}))
}
