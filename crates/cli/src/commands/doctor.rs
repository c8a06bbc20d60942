//! `alertwire doctor`: what is wrong with this installation, and what to do about it.

use alertwire_catalogue::Catalogue;
use http::Method;
use serde_json::{Value, json};
use store::Database;

use super::{Session, good_if, kinds};
use crate::api::Api;
use crate::arguments::SettingFlags;
use crate::config::client::Client;
use crate::config::{Layers, Settings, folder};
use crate::exit::{Ending, Failure};
use crate::instance::{self, Wiring};
use crate::output::Table;

/// One thing that was looked at.
struct Finding {
    name: &'static str,
    ok: bool,
    detail: String,
}

pub(super) async fn run(flags: SettingFlags, session: &mut Session<'_>) -> Ending {
    let mut findings = Vec::new();
    match session.layers(flags.flags()) {
        Ok(layers) => examine(&layers, &mut findings).await,
        Err(failure) => note(&mut findings, "configuration", Err(failure)),
    }
    let good = findings.iter().all(|finding| finding.ok);
    if session.out.json {
        let rows: Vec<Value> = findings
            .iter()
            .map(
                |finding| json!({"name": finding.name, "ok": finding.ok, "detail": finding.detail}),
            )
            .collect();
        session.out.value(&rows)?;
        return Ok(good_if(good));
    }
    let mut table = Table::new(&["LOOKED AT", "OK", "DETAIL"]);
    for finding in &findings {
        table.row([
            finding.name,
            if finding.ok { "yes" } else { "NO" },
            &finding.detail,
        ]);
    }
    session.out.table(&table)?;
    Ok(good_if(good))
}

fn note(findings: &mut Vec<Finding>, name: &'static str, found: Result<String, Failure>) {
    let ok = found.is_ok();
    let detail = found.unwrap_or_else(|failure| failure.to_string().replace('\n', " "));
    findings.push(Finding {
        name,
        ok,
        detail: detail.trim_start_matches("error: ").to_owned(),
    });
}

async fn examine(layers: &Layers, findings: &mut Vec<Finding>) {
    let settings = match Settings::read(layers) {
        Ok(settings) => settings,
        Err(failure) => return note(findings, "configuration", Err(failure)),
    };
    let file = layers.file.as_ref().map_or_else(
        || "no file; defaults, environment and flags".to_owned(),
        |file| file.display().to_string(),
    );
    note(findings, "configuration", Ok(file));
    note(findings, "state folder", owned(&settings.state_folder));
    note(findings, "key file", owned(&settings.key_file));
    note(
        findings,
        "catalogue",
        kinds::of_folder(settings.catalogue_folder.as_deref())
            .map(|all| format!("{} kinds", all.kinds().len())),
    );
    note(
        findings,
        "certificate",
        instance::check_tls(&settings).map(|()| match &settings.tls {
            Some(files) => files.certificate.display().to_string(),
            None => "none; plain http".to_owned(),
        }),
    );
    note(findings, "database", database(&settings).await);
    note(findings, "server", server(layers).await);
    note(
        findings,
        "outgoing",
        instance::door(&settings).map(|_| match settings.egress.allow.len() {
            0 => "public addresses alone".to_owned(),
            more => format!("public addresses and {more} allowed places"),
        }),
    );
}

/// A file or folder that is there, and is nobody else's.
fn owned(path: &std::path::Path) -> Result<String, Failure> {
    match folder::is_open_to_others(path) {
        Ok(false) => Ok(path.display().to_string()),
        Ok(true) => Err(
            Failure::config(format!("others can reach {}", path.display()))
                .help(format!("chmod go= {}", path.display())),
        ),
        Err(error) => Err(Failure::reading(path.display(), &error)
            .help("`alertwire serve` makes it at the first start")),
    }
}

/// Opens the database with the key that is there; nothing is made.
async fn database(settings: &Settings) -> Result<String, Failure> {
    if let Database::Sqlite(path) = &settings.database
        && !path.is_file()
    {
        return Err(Failure::config(format!("{} is not there", path.display()))
            .help("`alertwire serve` makes it at the first start"));
    }
    let key = folder::read_key(&settings.key_file)?;
    let wiring = Wiring::real()?;
    let store = instance::open_store(settings, Catalogue::builtin(), key, &wiring).await?;
    let health = store.health(wiring.clock.now()).await;
    store.close().await;
    match health.writable {
        Ok(()) => Ok(format!(
            "{:?} is writable, {} deliveries pending",
            settings.database, health.pending
        )),
        Err(why) => Err(Failure::unavailable(format!(
            "{:?} cannot be written: {why}",
            settings.database
        ))
        .help("is the disk full?")),
    }
}

/// Whether the server that the configuration describes is up and ready.
async fn server(layers: &Layers) -> Result<String, Failure> {
    let client = Client::read(layers, None)?;
    let answer = Api::new(&client)?
        .exchange(Method::GET, "readyz", None, &[])
        .await?;
    if answer.status.is_success() {
        return Ok(format!("{} is ready", client.url));
    }
    Err(Failure::unavailable(format!(
        "{} is not ready: {} {}",
        client.url, answer.status, answer.body
    )))
}
