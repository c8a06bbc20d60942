//! All that an event was ever read as.

use domain::configuration::Configuration;
use domain::{EventId, Timestamp};
use store::{PageAt, PastReading};

use super::list::Read;
use crate::App;
use crate::api::Named;
use crate::console::text::visible;
use crate::problem::Problem;
use crate::read::Caller;

/// Most readings that a page shows, the newest ones; the API has all.
const READINGS: u16 = 20;

#[derive(Debug)]
pub(super) struct ReadingRow {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) epoch: u64,
    pub(super) code: Option<String>,
    pub(super) reading: Read,
    pub(super) fields: usize,
    pub(super) company: Option<String>,
}

/// The newest first.
pub(super) async fn readings(
    app: &App,
    caller: &Caller,
    id: EventId,
) -> Result<Vec<ReadingRow>, Problem> {
    let at = PageAt::new(Some(READINGS), None);
    let page = app.store().readings(caller.scope(), id, &at).await?;
    let page = page.ok_or_else(|| Problem::not_found("event"))?;
    let rows = page.items.into_iter();
    Ok(rows
        .map(|past| ReadingRow::new(past, caller, &caller.configuration))
        .collect())
}

impl ReadingRow {
    fn new(past: PastReading, caller: &Caller, configuration: &Configuration) -> Self {
        let company = past.company.filter(|id| caller.sees(*id));
        let fields = past.reading.records.iter();
        Self {
            number: past.number,
            at: past.at,
            epoch: past.epoch,
            code: past.kind.as_deref().map(visible),
            reading: Read::of(&past.reading),
            fields: fields.map(|record| record.iter().count()).sum(),
            company: company.map(|id| Named::company(id, configuration).shown()),
        }
    }

    #[cfg(test)]
    pub(super) fn sample(number: u64) -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        Self {
            number,
            at: Timestamp::from_micros(1),
            epoch: 7,
            code: Some(visible(hostile)),
            reading: Read {
                class: "good",
                glyph: "✓",
                word: "full".to_owned(),
            },
            fields: 3,
            company: Some(visible(hostile)),
        }
    }
}
