//! What a re-reading would do, told beforehand.

use std::sync::Arc;

use alertwire_catalogue::{Limits, Record};
use delivery::planning::verdict_of_today;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::{Event, Routing};
use domain::reread::{Difference, Reread, Rereader, Revised};
use domain::{EventId, Timestamp};
use rand::rngs::StdRng;
use serde::Serialize;
use store::{Item, Listed, Stored, ToReadAgain};
use utoipa::ToSchema;

use crate::App;
use crate::api::Named;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::Caller;

/// Most events that a dry run reads; of more it says how many it looked at.
const LOOKED_AT: usize = 10_000;
/// How many of them between two breaths, and how much raw text.
const BREATH: usize = 100;
const BREATH_BYTES: usize = 4 * 1024 * 1024;
/// Most events that are shown before and after.
const SAMPLES: usize = 100;
/// When to come again while others ask.
const RETRY_SECONDS: u64 = 5;

/// What would be read differently.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct RereadPreview {
    /// Events that fit.
    pub(crate) count: u64,
    /// How many of them were read again: the 10,000 oldest.
    pub(crate) looked_at: u64,
    pub(crate) unchanged: u64,
    /// Not understood before, and understood now.
    pub(crate) newly_understood: u64,
    pub(crate) kind_changed: u64,
    pub(crate) fields_changed: u64,
    /// The present reading tells more, so it stays.
    pub(crate) worse: u64,
    /// Came as fields, by the API: there is nothing to read.
    pub(crate) raised: u64,
    /// Pruned meanwhile.
    pub(crate) gone: u64,
    /// Whose stored row cannot be read.
    pub(crate) unreadable: u64,
    /// Alerts that messages turn out to hold beyond the events that they have.
    pub(crate) further: u64,
    /// Of those newly understood: how many went nowhere before, and today's rules send somewhere. They go with `route` alone.
    pub(crate) routable: u64,
    /// More fits than one re-reading takes.
    pub(crate) truncated: bool,
    /// Up to 100 events that would be read differently.
    pub(crate) samples: Vec<Sample>,
}

/// An event before and after.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sample {
    pub(crate) id: String,
    /// `newly_understood`, `kind_changed`, `fields_changed` or `worse`.
    #[schema(value_type = String)]
    pub(crate) difference: &'static str,
    pub(crate) before: Side,
    /// What it would be. Of a worse one: what it stays.
    pub(crate) after: Side,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Side {
    pub(crate) event: Option<String>,
    pub(crate) subject: String,
    #[schema(value_type = String)]
    pub(crate) severity: &'static str,
    pub(crate) company: Option<Named>,
    #[schema(value_type = String)]
    pub(crate) decode: &'static str,
    #[serde(rename = "match")]
    #[schema(value_type = String)]
    pub(crate) matched: &'static str,
    #[schema(value_type = Vec<Object>)]
    pub(crate) records: Vec<Record>,
}

/// All that reading takes, so that it can go to a thread that may be busy.
struct Again {
    configuration: Arc<Configuration>,
    scope: Scope,
    rng: StdRng,
    now: Timestamp,
    preview: RereadPreview,
}

pub(super) async fn preview(
    app: &App,
    caller: &Caller,
    listed: &Listed,
) -> Result<RereadPreview, Problem> {
    let _permit = app.what_ifs().try_acquire().map_err(|_| {
        let detail = "as many questions over stored events are being worked at as may be; ask again in a moment";
        Problem::too_many(detail, RETRY_SECONDS)
    })?;
    let begun = app.clock().now();
    let mut again = Again {
        configuration: Arc::clone(&caller.configuration),
        scope: caller.scope().clone(),
        rng: app.dice().fork(),
        now: app.now(),
        preview: RereadPreview {
            count: listed.total(),
            truncated: listed.truncated,
            ..RereadPreview::default()
        },
    };
    let ids: Vec<EventId> = listed.items.iter().map(Item::event).collect();
    let mut left = &ids[..ids.len().min(LOOKED_AT)];
    while !left.is_empty() {
        let some = &left[..left.len().min(BREATH)];
        let found = app
            .store()
            .to_read_again(caller.scope(), some, BREATH_BYTES)
            .await?;
        left = &left[found.taken.min(left.len())..];
        again = blocking(move || again.with(found)).await?;
        let is_late = app.clock().now().since(begun) >= app.settings().what_if_time;
        if is_late || app.closing().is_cancelled() {
            break;
        }
    }
    Ok(again.preview)
}

impl Again {
    fn with(mut self, found: ToReadAgain) -> Self {
        self.preview.looked_at += found.taken as u64;
        self.preview.gone += found.gone;
        self.preview.raised += found.raised;
        self.preview.unreadable += found.corrupt;
        for stored in found.stored {
            self.count(stored);
        }
        self
    }

    fn count(&mut self, stored: Stored) {
        let limits = Limits::default();
        let rereader = Rereader {
            configuration: &self.configuration,
            limits: &limits,
            scope: &self.scope,
        };
        let Reread {
            revised, further, ..
        } = rereader.read(
            &stored.message,
            &stored.listed,
            stored.events,
            &mut self.rng,
        );
        self.preview.further += further.len() as u64;
        for each in revised {
            let place = match each.difference {
                Difference::Unchanged => &mut self.preview.unchanged,
                Difference::Understood => &mut self.preview.newly_understood,
                Difference::Kind => &mut self.preview.kind_changed,
                Difference::Fields => &mut self.preview.fields_changed,
                Difference::Worse => &mut self.preview.worse,
            };
            *place += 1;
            if self.would_go(&each) {
                self.preview.routable += 1;
            }
            if each.difference != Difference::Unchanged && self.preview.samples.len() < SAMPLES {
                let sample = Sample::new(each, &self.configuration);
                self.preview.samples.push(sample);
            }
        }
    }

    fn would_go(&self, revised: &Revised) -> bool {
        revised.difference == Difference::Understood
            && revised.before.routing != Routing::Routed
            && verdict_of_today(&revised.after, &self.configuration, self.now).routing
                == Routing::Routed
    }
}

impl Sample {
    fn new(revised: Revised, configuration: &Configuration) -> Self {
        Self {
            id: revised.before.id.to_string(),
            difference: revised.difference.as_str(),
            before: Side::new(revised.before, configuration),
            after: Side::new(revised.after, configuration),
        }
    }
}

impl Side {
    fn new(event: Event, configuration: &Configuration) -> Self {
        Self {
            event: event.kind,
            subject: event.subject,
            severity: event.severity.as_str(),
            company: event.company.map(|id| Named::company(id, configuration)),
            decode: event.reading.decode.as_str(),
            matched: event.reading.matched.as_str(),
            records: event.reading.records,
        }
    }
}
