//! `alertwire user`: the people who sign in, straight in the database of this machine.

use std::collections::HashMap;
use std::io::{self, BufRead as _, Read as _};
use std::path::Path;
use std::sync::Arc;

use domain::access::{Actor, Role, Scope};
use domain::company::parse_name;
use domain::user::{PASSWORD_BYTES, Password, User, is_last_admin};
use domain::{CompanyId, Secret, Timestamp, UserId};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::{Value, json};
use store::{Change, Store, StoreError};

use super::{Session, local};
use crate::arguments::{PasswordFlag, UserCommand, UserCreate};
use crate::clock;
use crate::config::files;
use crate::exit::{Code, Ending, Failure};
use crate::instance::Wiring;
use crate::output::{Table, talk};

/// Longest file or line with a password, in bytes.
const LONGEST: u64 = PASSWORD_BYTES as u64 + 2;

pub(super) async fn run(command: UserCommand, session: &mut Session<'_>) -> Ending {
    match command {
        UserCommand::Create(arguments) => create(*arguments, session).await,
        UserCommand::List { settings } => {
            let (store, _) = local(*settings, session).await?;
            let read = read_all(&store).await;
            store.close().await;
            let (users, sign_ins) = read.map_err(Failure::unavailable)?;
            list(&users, &sign_ins, session)
        }
        UserCommand::Remove { name, settings } => {
            let (store, wiring) = local(*settings, session).await?;
            let removed = remove(&store, &wiring, &name).await;
            store.close().await;
            removed.map(|()| Code::Ok)
        }
        UserCommand::Password {
            name,
            password,
            settings,
        } => {
            let password = chosen(&password, &name)?;
            let (store, wiring) = local(*settings, session).await?;
            let changed = change_password(&store, &wiring, &name, &password).await;
            store.close().await;
            changed.map(|()| Code::Ok)
        }
    }
}

async fn create(arguments: UserCreate, session: &mut Session<'_>) -> Ending {
    let name =
        parse_name(&arguments.name).map_err(|error| Failure::usage(format!("the name {error}")))?;
    let role: Role = arguments.role.parse().map_err(Failure::usage)?;
    let companies: Vec<CompanyId> = arguments
        .companies
        .iter()
        .map(|id| id.parse().map_err(Failure::usage))
        .collect::<Result<_, _>>()?;
    let password = chosen(&arguments.password, &name)?;
    let (store, wiring) = local(arguments.settings, session).await?;
    let user = User {
        id: wiring
            .dice
            .roll(|rng| UserId::new(wiring.clock.stamp(), rng)),
        name,
        role,
        scope: if companies.is_empty() {
            Scope::All
        } else {
            Scope::Companies(companies)
        },
        password: receive::hash_password(&password, clock::random()?),
        enabled: true,
        created_at: wiring.clock.stamp(),
    };
    let made = insert(&store, &wiring, &user).await;
    store.close().await;
    made?;
    if session.out.json {
        session.out.value(&view(&user, None))?;
    } else {
        talk(format!("{} can sign in now", user.name));
    }
    Ok(Code::Ok)
}

/// A company that is not there would be one that they never see anything of.
async fn insert(store: &Store, wiring: &Wiring, user: &User) -> Result<(), Failure> {
    if let Scope::Companies(ids) = &user.scope {
        let configuration = store.newest_configuration().await.map_err(failed)?;
        if let Some(id) = ids.iter().find(|id| configuration.company(**id).is_none()) {
            return Err(Failure::data(format!("there is no company {id}"))
                .help("companies are given by id"));
        }
    }
    change(store, wiring, Change::InsertUser(user.clone())).await
}

async fn remove(store: &Store, wiring: &Wiring, name: &str) -> Result<(), Failure> {
    let user = named(store, name).await?;
    let configuration = store.newest_configuration().await.map_err(failed)?;
    if is_last_admin(user.id, &configuration) {
        return Err(Failure::data(format!(
            "`{}` is the last user with the role admin for all companies",
            user.name
        ))
        .help("make another one first: alertwire user create NAME"));
    }
    change(store, wiring, Change::RemoveUser(user.id)).await
}

async fn change_password(
    store: &Store,
    wiring: &Wiring,
    name: &str,
    password: &Password,
) -> Result<(), Failure> {
    let mut user = (*named(store, name).await?).clone();
    user.password = receive::hash_password(password, clock::random()?);
    change(store, wiring, Change::UpdateUser(user)).await
}

async fn change(store: &Store, wiring: &Wiring, change: Change) -> Result<(), Failure> {
    let changed = store.change(change, &Actor::Local, wiring.clock.stamp());
    changed.await.map(drop).map_err(failed)
}

async fn named(store: &Store, name: &str) -> Result<Arc<User>, Failure> {
    let configuration = store.newest_configuration().await.map_err(failed)?;
    let found = configuration.user_named(name).cloned();
    found.ok_or_else(|| {
        Failure::data(format!("there is no user `{name}`")).help("alertwire user list shows all")
    })
}

fn failed(error: StoreError) -> Failure {
    match error {
        StoreError::NameTaken { .. } | StoreError::NotFound { .. } => Failure::data(error),
        other => Failure::unavailable(other),
    }
}

type Users = (Vec<Arc<User>>, HashMap<UserId, Timestamp>);

async fn read_all(store: &Store) -> Result<Users, StoreError> {
    let configuration = store.newest_configuration().await?;
    let mut users: Vec<_> = configuration.users().cloned().collect();
    users.sort_unstable_by_key(|user| user.id);
    Ok((users, store.sign_ins().await?))
}

fn list(
    users: &[Arc<User>],
    sign_ins: &HashMap<UserId, Timestamp>,
    session: &mut Session<'_>,
) -> Ending {
    let last = |user: &User| sign_ins.get(&user.id).copied();
    if session.out.json {
        for user in users {
            session.out.value(&view(user, last(user)))?;
        }
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&["NAME", "ROLE", "COMPANIES", "ENABLED", "LAST SIGN-IN"]);
    for user in users {
        let companies = match &user.scope {
            Scope::All => "all".to_owned(),
            Scope::Companies(ids) => ids.len().to_string(),
        };
        table.row([
            user.name.clone(),
            user.role.as_str().to_owned(),
            companies,
            if user.enabled { "yes" } else { "no" }.to_owned(),
            last(user).map_or_else(|| "never".to_owned(), |at| at.to_string()),
        ]);
    }
    session.out.table(&table)?;
    Ok(Code::Ok)
}

fn view(user: &User, last: Option<Timestamp>) -> Value {
    json!({
        "id": user.id.to_string(), "name": user.name, "role": user.role.as_str(), "enabled": user.enabled,
        "companies": match &user.scope {
            Scope::All => Value::Null,
            Scope::Companies(ids) => json!(ids),
        },
        "created_at": user.created_at, "last_signed_in_at": last,
    })
}

/// The password of the file, or the one that is typed.
fn chosen(flag: &PasswordFlag, name: &str) -> Result<Password, Failure> {
    let given = match &flag.password_file {
        Some(path) => of_file(path)?,
        None => asked(name)?,
    };
    Password::parse(given, name).map_err(|error| Failure::data(format!("the password {error}")))
}

fn of_file(path: &Path) -> Result<Secret<String>, Failure> {
    let text = Secret::new(files::text(path, LONGEST)?);
    let line = text.reveal().lines().next().unwrap_or_default();
    Ok(Secret::new(line.to_owned()))
}

/// Typed twice at a terminal, unseen; from a pipe one line is read.
fn asked(name: &str) -> Result<Secret<String>, Failure> {
    let broken = |error| Failure::new(Code::Io, format!("cannot read the password: {error}"));
    let stdin = io::stdin();
    let Ok(before) = tcgetattr(&stdin) else {
        return line().map_err(broken);
    };
    let mut unseen = before.clone();
    unseen.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &unseen).map_err(|error| broken(error.into()))?;
    talk(format!("password of {name}, not shown:"));
    let first = line();
    talk("the same again:");
    let again = line();
    tcsetattr(&stdin, OptionalActions::Now, &before).map_err(|error| broken(error.into()))?;
    let (first, again) = (first.map_err(broken)?, again.map_err(broken)?);
    if first == again {
        Ok(first)
    } else {
        Err(Failure::data("the two passwords are not the same"))
    }
}

fn line() -> io::Result<Secret<String>> {
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut text)?;
    let line = text.trim_end_matches(['\n', '\r']).to_owned();
    // What was read is wiped as well.
    drop(Secret::new(text));
    Ok(Secret::new(line))
}
