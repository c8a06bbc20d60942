//! `alertwire events export`.

use super::super::Session;
use super::super::download::{self, Download, Shape};
use crate::arguments::{EventsFormat, ExportEvents};
use crate::exit::Ending;

pub(super) async fn run(arguments: ExportEvents, session: &mut Session<'_>) -> Ending {
    let download = Download {
        path: "api/v1/events/export",
        query: query(&arguments),
        shape: match arguments.format {
            EventsFormat::Jsonl => Shape::Ended,
            EventsFormat::Ocsf | EventsFormat::Ecs => Shape::Json,
            EventsFormat::Csv => Shape::Csv,
            EventsFormat::Cef | EventsFormat::Leef => Shape::Text,
        },
        of: "events",
        out: arguments.file.out.as_deref(),
    };
    download::run(&download, &arguments.server, session).await
}

fn query(arguments: &ExportEvents) -> Vec<(String, String)> {
    let told = [
        ("format", Some(arguments.format.as_str().to_owned())),
        ("filter", arguments.search.filter()),
        ("order", arguments.oldest_first.then(|| "oldest".to_owned())),
        ("fields", arguments.fields.clone()),
        ("raw", arguments.raw.then(|| "true".to_owned())),
        ("limit", arguments.file.limit.map(|limit| limit.to_string())),
        ("cursor", arguments.file.cursor.clone()),
    ];
    let told = told.into_iter();
    told.filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}
