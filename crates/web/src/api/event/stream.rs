use std::sync::Arc;

use alertwire_catalogue::Limits;
use axum::extract::State;
use axum::response::sse::Event as Line;
use domain::EventId;
use domain::configuration::Configuration;
use domain::event::Event;
use domain::filter::Filter;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Notice;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::IntoParams;

use super::list::search;
use super::{EventView, fitting};
use crate::App;
use crate::api::live::{self, Live, Reader};
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Caller, Params, Query, Viewer};

/// Events that are read at once.
const AT_ONCE: u16 = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only events that it lets through: `severity>=high company=Acme`.
    filter: Option<String>,
}

/// Events as they come in, as server-sent events whose `id` is the event's; `Last-Event-ID` goes on from there. An `id` without
/// an event says that what came up to there does not fit the filter. It ends with the key or session that it was asked under.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Live, Problem> {
    let mut params = Params::default();
    let filter = params.with("filter", query.filter.as_deref(), search);
    params.finish()?;
    let tell = |event, configuration: &Configuration| {
        json!(EventView::new(event, configuration, &Limits::default()))
    };
    follow(&app, &caller, filter, &headers, tell).await
}

/// What a stream says of an event.
pub(crate) type Tell = fn(Event, &Configuration) -> Value;

/// Follows what comes in for whoever sent these headers.
pub(crate) async fn follow(
    app: &App,
    caller: &Caller,
    filter: Option<Filter>,
    headers: &HeaderMap,
    tell: Tell,
) -> Result<Live, Problem> {
    // Listen first, then look: what comes in between is told twice rather than never.
    let notices = app.store().notices();
    let last = match headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse::<EventId>().ok())
    {
        Some(id) => Some(id),
        None => app
            .store()
            .events_after(caller.scope(), None, 1)
            .await?
            .last()
            .map(|event| event.id),
    };
    let resumed = headers.contains_key("last-event-id");
    let begin = |reader| {
        let follower = Follower {
            reader,
            filter: filter.map(Arc::new),
            tell,
            last,
        };
        follower.follow(notices, resumed)
    };
    live::open(app, caller, headers, begin)
}

struct Follower {
    reader: Reader,
    filter: Option<Arc<Filter>>,
    tell: Tell,
    last: Option<EventId>,
}

impl Follower {
    /// Ends when the reader is gone or may not read any more, the store is closed or cannot be read.
    async fn follow(mut self, mut notices: Receiver<Notice>, mut look: bool) {
        loop {
            if look && self.pass_on().await.is_none() {
                return;
            }
            look = tokio::select! {
                notice = notices.recv() => match notice {
                    Ok(Notice::Events | Notice::Missed) | Err(RecvError::Lagged(_)) => true,
                    Ok(Notice::Configuration(_)) => false,
                    Err(RecvError::Closed) => return,
                },
                _ = self.reader.rechecks.tick() => {
                    if self.reader.ask_again().await.is_none() {
                        return;
                    }
                    false
                }
                () = self.reader.sender.closed() => return,
            };
        }
    }

    /// Passes on all that has been stored since; none when the stream is over.
    async fn pass_on(&mut self) -> Option<()> {
        loop {
            self.reader.ask_when_due().await?;
            let store = self.reader.app.store();
            let events = store.events_after(&self.reader.scope, self.last, AT_ONCE);
            let events = events.await.ok()?;
            let (count, last) = (events.len(), events.last().map(|event| event.id));
            let configuration = store.configuration().await.ok()?;
            let events = fitting(events, self.filter.clone(), Arc::clone(&configuration));
            let events = events.await.ok()?;
            let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
            let told = ids.last().copied();
            let tell = self.tell;
            let views = move || -> Vec<Value> {
                let tell = |event| tell(event, &configuration);
                events.into_iter().map(tell).collect()
            };
            for (id, view) in ids.into_iter().zip(blocking(views).await.ok()?) {
                let line = Line::default().id(id.to_string()).json_data(view).ok()?;
                self.reader.send(line).await?;
            }
            if let Some(last) = last.filter(|last| told != Some(*last)) {
                // Whoever comes again need not be told of these either.
                let line = Line::default().id(last.to_string());
                self.reader.send(line).await?;
            }
            self.last = last.or(self.last);
            if count < usize::from(AT_ONCE) {
                return Some(());
            }
        }
    }
}
