//! One file a command.

mod apply;
mod audit;
mod catalog;
mod changed;
mod companies;
mod completions;
mod config;
mod connect;
mod deliveries;
mod demo;
mod doctor;
mod download;
mod entry;
mod events;
mod export;
mod fields;
mod follow;
mod healthcheck;
mod import;
mod integrations;
mod journal;
mod key;
pub(crate) mod kinds;
mod lesson;
mod man;
mod openapi;
mod parse;
mod projection;
mod render;
mod replay;
mod reread;
mod rollback;
mod send;
mod serve;
mod silences;
mod sources;
mod user;
mod what_if;

use std::future::Future;
use std::path::Path;

use alertwire_catalogue::Catalogue;
use store::Store;

use crate::api::Api;
use crate::arguments::{Arguments, Command, ServerFlags, SettingFlags};
use crate::config::client::Client;
use crate::config::{Layers, Settings, folder};
use crate::exit::{Code, Ending, Failure};
use crate::instance::{self, Wiring};
use crate::output::Output;

/// What all commands share: the file that `--config` names, and the standard streams.
#[derive(Debug)]
struct Session<'a> {
    config: Option<&'a Path>,
    out: Output,
}

/// Does what was asked.
pub(crate) fn run(arguments: Arguments) -> Ending {
    let mut session = Session {
        config: arguments.config.as_deref(),
        out: Output::new(arguments.json),
    };
    let ended = dispatch(arguments.command, &mut session);
    session.out.flush()?;
    ended
}

fn dispatch(command: Command, session: &mut Session<'_>) -> Ending {
    match command {
        Command::Serve(flags) => serve::run(flags, session),
        Command::Demo(arguments) => demo::run(&arguments, session),
        Command::Parse(arguments) => parse::run(arguments, session),
        Command::Render(arguments) => render::run(arguments, session),
        Command::Catalog(command) => catalog::run(command, session),
        Command::Import(command) => wait(import::run(command, session)),
        Command::Send(arguments) => wait(send::run(arguments, session)),
        Command::Events(command) => wait(events::run(command, session)),
        Command::Deliveries(command) => wait(deliveries::run(command, session)),
        Command::Integrations(command) => wait(integrations::run(command, session)),
        Command::Replay(command) => wait(replay::run(command, session)),
        Command::Reread(arguments) => wait(reread::run(arguments, session)),
        Command::Journal(command) => wait(journal::run(command, session)),
        Command::Companies(command) => wait(companies::run(command, session)),
        Command::Sources(command) => wait(sources::run(command, session)),
        Command::Export(arguments) => wait(export::run(arguments, session)),
        Command::Apply(arguments) => wait(apply::run(arguments, session)),
        Command::Connect(arguments) => wait(connect::run(arguments, session)),
        Command::Silences(command) => wait(silences::run(command, session)),
        Command::WhatIf(arguments) => wait(what_if::run(arguments, session)),
        Command::Key(command) => wait(key::run(command, session)),
        Command::User(command) => wait(user::run(command, session)),
        Command::Audit(command) => wait(audit::run(command, session)),
        Command::Rollback(arguments) => wait(rollback::run(arguments, session)),
        Command::Config(command) => config::run(command, session),
        Command::Doctor(flags) => wait(doctor::run(flags, session)),
        Command::Healthcheck(flags) => wait(healthcheck::run(&flags, session)),
        Command::Openapi => openapi::run(session),
        Command::Completions { shell } => completions::run(shell, session),
        Command::Man { out } => man::run(out.as_deref(), session),
    }
}

impl Session<'_> {
    fn layers(&self, flags: crate::config::layers::Flags) -> Result<Layers, Failure> {
        Layers::gather(self.config, flags)
    }

    /// The server that the flags, the environment or the configuration name.
    fn api(&self, flags: &ServerFlags) -> Result<Api, Failure> {
        Api::new(&Client::read(
            &self.layers(Vec::new())?,
            flags.url.as_deref(),
        )?)
    }
}

/// The store of this machine, made if need be: what a command does there needs no server.
async fn local(flags: SettingFlags, session: &Session<'_>) -> Result<(Store, Wiring), Failure> {
    let settings = Settings::read(&session.layers(flags.flags())?)?;
    let wiring = Wiring::real()?;
    folder::prepare(&settings.state_folder)?;
    let (key, _) = folder::sealing_key(&settings.key_file)?;
    let store = instance::open_store(&settings, Catalogue::builtin(), key, &wiring).await?;
    Ok((store, wiring))
}

/// Runs a command that speaks with a server; one thread is plenty for that.
fn wait(command: impl Future<Output = Ending>) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(Failure::software)?.block_on(command)
}

/// A text of an answer's object, or nothing.
fn text<'a>(value: &'a serde_json::Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(serde_json::Value::as_str)
        .unwrap_or("")
}

/// An id in a path: anything else than its own characters would name another path.
fn segment(id: &str) -> Result<&str, Failure> {
    let fits = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    fits.then_some(id).ok_or_else(|| {
        Failure::usage(format!(
            "`{id}` is not an id; ids look like the lists print them"
        ))
    })
}

/// An ending by a finding.
fn good_if(good: bool) -> Code {
    if good { Code::Ok } else { Code::Bad }
}
