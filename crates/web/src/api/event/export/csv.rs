//! Events as rows: one for each record of an event, one for an event without records.

use serde_json::json;

use super::super::EventView;
use crate::api::Named;
use crate::api::csv::row;

const COLUMNS: [&str; 18] = [
    "id",
    "received_at",
    "occurred_at",
    "severity",
    "event",
    "category",
    "company",
    "source",
    "subject",
    "body",
    "match",
    "decode",
    "routing",
    "unrouted_reason",
    "count",
    "fingerprint",
    "journal_id",
    "record",
];

/// How rows are written.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Fields with a column of their own; none means one column with all as JSON.
    fields: Option<Vec<String>>,
    /// Cells stay as they are.
    raw: bool,
}

impl Sheet {
    pub(super) fn new(fields: Option<Vec<String>>, raw: bool) -> Self {
        Self { fields, raw }
    }

    pub(super) fn head(&self) -> Vec<u8> {
        let mut cells: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
        match &self.fields {
            Some(names) => cells.extend(names.iter().map(|name| format!("field.{name}"))),
            None => cells.push("fields".to_owned()),
        }
        self.row(&cells)
    }

    pub(super) fn write(&self, view: &EventView, into: &mut Vec<u8>) {
        let common = common(view);
        for number in 0..view.records.len().max(1) {
            let mut cells = common.clone();
            let record = view.records.get(number);
            cells.push(record.map_or_else(String::new, |_| (number + 1).to_string()));
            match &self.fields {
                Some(names) => cells.extend(names.iter().map(|name| {
                    let value = record.and_then(|record| record.get(name));
                    value.map_or_else(String::new, ToString::to_string)
                })),
                None => {
                    cells.push(record.map_or_else(String::new, |record| json!(record).to_string()))
                }
            }
            into.extend(self.row(&cells));
        }
    }

    /// A row whose first cell says something of the file.
    pub(super) fn note(&self, text: &str) -> Vec<u8> {
        self.row(&[text.to_owned()])
    }

    fn row(&self, cells: &[String]) -> Vec<u8> {
        row(cells, self.raw)
    }
}

/// The cells that all rows of an event share.
fn common(view: &EventView) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = |named: &Option<Named>| {
        named
            .as_ref()
            .map(|named| text(&named.name))
            .unwrap_or_default()
    };
    vec![
        view.id.clone(),
        view.received_at.to_string(),
        view.occurred_at
            .map_or_else(String::new, |at| at.to_string()),
        view.severity.to_owned(),
        text(&view.event),
        text(&view.category),
        name(&view.company),
        name(&view.source),
        view.subject.clone(),
        view.body.clone(),
        view.matched.to_owned(),
        view.decode.to_owned(),
        view.routing.to_owned(),
        view.unrouted_reason.unwrap_or_default().to_owned(),
        view.count.to_string(),
        view.fingerprint.clone(),
        view.journal_id.clone(),
    ]
}
