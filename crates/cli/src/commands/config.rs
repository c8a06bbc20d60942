//! `alertwire config show`, `check` and `init`.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use domain::integration::{DeliveryForm, DeliverySettings};
use serde_json::{Map, json};

use super::Session;
use crate::arguments::{ConfigCommand, SettingFlags};
use crate::config::key::{KEYS, Key, Sort};
use crate::config::{Layers, Settings, sample};
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) fn run(command: ConfigCommand, session: &mut Session<'_>) -> Ending {
    match command {
        ConfigCommand::Show(flags) => show(flags, session),
        ConfigCommand::Check(flags) => check(flags, session),
        ConfigCommand::Init { file } => init(file.as_deref(), session),
    }
}

/// One line of `config show`.
struct Row {
    name: String,
    value: String,
    origin: String,
}

fn show(flags: SettingFlags, session: &mut Session<'_>) -> Ending {
    let layers = session.layers(flags.flags())?;
    let settings = Settings::read(&layers)?;
    let rows: Vec<Row> = KEYS
        .iter()
        .map(|key| row(key, &layers, &settings))
        .chain(delivery_rows())
        .collect();
    if session.out.json {
        let rows: Map<_, _> = rows
            .into_iter()
            .map(|row| (row.name, json!({"value": row.value, "origin": row.origin})))
            .collect();
        session.out.value(&rows)?;
        return Ok(Code::Ok);
    }
    let mut table = Table::new(&["KEY", "VALUE", "SET BY"]);
    for row in &rows {
        table.row([&row.name, &row.value, &row.origin]);
    }
    session.out.table(&table)?;
    Ok(Code::Ok)
}

/// What holds for a key; where nothing is set, what that comes to.
fn row(key: &Key, layers: &Layers, settings: &Settings) -> Row {
    let (text, origin) = layers.get(key.name);
    let value = match key.name {
        "state_dir" => settings.state_folder.display().to_string(),
        "database" => format!("{:?}", settings.database),
        "key_file" => settings.key_file.display().to_string(),
        _ if key.sort == Sort::Secret && !text.is_empty() => "[hidden]".to_owned(),
        _ => text.to_owned(),
    };
    Row {
        name: key.name.to_owned(),
        value,
        origin: origin.to_string(),
    }
}

/// What an integration that sets nothing in its `delivery` object gets.
fn delivery_rows() -> Vec<Row> {
    let form = DeliveryForm::from(&DeliverySettings::default());
    let row = |name: &str, value: String| Row {
        name: format!("delivery.{name}"),
        value,
        origin: "default, set per integration".to_owned(),
    };
    vec![
        row("schedule", form.schedule.unwrap_or_default().join(",")),
        row("jitter", "±20 %".to_owned()),
        row("timeout", form.timeout.unwrap_or_default()),
        row(
            "concurrency",
            form.concurrency.unwrap_or_default().to_string(),
        ),
        row(
            "rate_per_second",
            form.rate_per_second
                .map_or_else(|| "off".to_owned(), |rate| rate.to_string()),
        ),
        row("group_window", form.group_window.unwrap_or_default()),
    ]
}

fn check(flags: SettingFlags, session: &mut Session<'_>) -> Ending {
    let layers = session.layers(flags.flags())?;
    let settings = Settings::read(&layers)?;
    super::kinds::of_folder(settings.catalogue_folder.as_deref())?;
    crate::instance::door(&settings)?;
    crate::instance::check_tls(&settings)?;
    for variable in &layers.ignored {
        talk(format!("note: {variable} is no setting and is ignored"));
    }
    let file = layers
        .file
        .as_deref()
        .map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    if session.out.json {
        session
            .out
            .value(&json!({"ok": true, "file": layers.file}))?;
    } else {
        session
            .out
            .line(format!("the configuration is good ({file})"))?;
    }
    Ok(Code::Ok)
}

fn init(file: Option<&Path>, session: &mut Session<'_>) -> Ending {
    let Some(path) = file else {
        session.out.block(&sample::file())?;
        return Ok(Code::Ok);
    };
    // The file may come to hold secrets, so nobody else reads it.
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let written = opened.and_then(|mut opened| opened.write_all(sample::file().as_bytes()));
    written.map_err(|error| Failure::writing(path.display(), &error))?;
    talk(format!("wrote {}", path.display()));
    Ok(Code::Ok)
}
