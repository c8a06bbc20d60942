//! Reads stored events page by page and shows them to the comparison, within its bounds.

use std::sync::Arc;

use domain::configuration::Configuration;
use domain::event::Event;
use domain::filter::Filter;
use domain::silence::Window;
use domain::what_if::{Tally, WhatIf};
use store::{EventQuery, PageAt};

use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::Caller;

/// Events of one read: few enough that their bodies fit in memory several times.
const PAGE: u16 = 250;
/// When to come again while others ask.
const RETRY_SECONDS: u64 = 5;

/// Which events are matched again, and on what.
#[derive(Debug)]
pub(in crate::api) struct Question {
    pub(in crate::api) after: Arc<Configuration>,
    pub(in crate::api) over: Window,
    pub(in crate::api) filter: Option<Filter>,
}

#[derive(Debug)]
pub(in crate::api) struct Answered {
    pub(in crate::api) tally: Tally,
    /// No bound was reached before all events had been read.
    pub(in crate::api) complete: bool,
}

impl Question {
    /// The newest events first, so that what a bound leaves out is the oldest.
    pub(in crate::api) async fn ask(self, app: &App, caller: &Caller) -> Result<Answered, Problem> {
        let _permit = app.what_ifs().try_acquire().map_err(|_| {
            Problem::too_many(
                "as many questions over stored events are being worked at as may be; ask again in a moment",
                RETRY_SECONDS,
            )
        })?;
        let (begun, settings) = (app.clock().now(), app.settings());
        let query = EventQuery {
            since: Some(self.over.from),
            until: Some(self.over.until),
            ..EventQuery::default()
        };
        let before = Arc::clone(&caller.configuration);
        let mut what_if = WhatIf::new(before, self.after, self.filter);
        let mut cursor = None;
        loop {
            let left = settings.what_if_events - what_if.tally().read;
            let limit = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
            let at = PageAt::new(Some(limit), cursor);
            let page = app.store().events(caller.scope(), &query, &at).await?;
            what_if = compare(what_if, page.items).await?;
            cursor = page.next;
            let bounded = what_if.tally().read >= settings.what_if_events
                || app.clock().now().since(begun) >= settings.what_if_time
                || app.closing().is_cancelled();
            if cursor.is_none() || bounded {
                break;
            }
        }
        Ok(Answered {
            tally: what_if.into_tally(),
            complete: cursor.is_none(),
        })
    }
}

/// Matching a page is work for a thread that may be busy.
async fn compare(mut what_if: WhatIf, events: Vec<Event>) -> Result<WhatIf, Problem> {
    blocking(move || {
        events.iter().for_each(|event| what_if.see(event));
        what_if
    })
    .await
}
