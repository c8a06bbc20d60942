use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use domain::EventId;
use domain::access::Scope;
use domain::filter::Filter;
use futures_util::Stream;
use http::HeaderMap;
use serde::Deserialize;
use store::Notice;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{Sender, channel};
use utoipa::IntoParams;

use super::list::search;
use super::{fitting, views};
use crate::App;
use crate::problem::Problem;
use crate::read::{Params, Query, Viewer};

/// Events that are read at once.
const AT_ONCE: u16 = 100;
/// Lines that wait for a reader that is slow; then the stream waits with it.
const WAITING: usize = 128;
/// How often a quiet stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only events that it lets through: `severity>=high company=Acme`.
    filter: Option<String>,
}

/// Events as they come in, as server-sent events whose `id` is the event's; `Last-Event-ID` goes on from there. An `id` without
/// an event says that what came up to there does not fit the filter.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let mut params = Params::default();
    let filter = params.with("filter", query.filter.as_deref(), search);
    params.finish()?;
    let permit = app.streams().clone().try_acquire_owned();
    let permit =
        permit.map_err(|_| Problem::try_later("too many live streams are open; close one"))?;
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
    let (sender, receiver) = channel(WAITING);
    let follower = Follower {
        app: app.0.clone(),
        scope: caller.scope().clone(),
        filter: filter.map(Arc::new),
        last,
        sender,
    };
    tokio::spawn(async move {
        let closing = follower.app.closing().clone();
        tokio::select! {
            () = follower.follow(notices, resumed) => {}
            () = closing.cancelled() => {}
        }
        drop(permit);
    });
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async {
        let line = receiver.recv().await?;
        Some((Ok(line), receiver))
    });
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    app: App,
    scope: Scope,
    filter: Option<Arc<Filter>>,
    last: Option<EventId>,
    sender: Sender<Line>,
}

impl Follower {
    /// Ends when the reader is gone, the store is closed or cannot be read.
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
                () = self.sender.closed() => return,
            };
        }
    }

    /// Passes on all that has been stored since; none when the stream is over.
    async fn pass_on(&mut self) -> Option<()> {
        loop {
            let events = self
                .app
                .store()
                .events_after(&self.scope, self.last, AT_ONCE)
                .await
                .ok()?;
            let (count, last) = (events.len(), events.last().map(|event| event.id));
            let configuration = self.app.store().configuration().await.ok()?;
            let events = fitting(events, self.filter.clone(), Arc::clone(&configuration));
            let events = events.await.ok()?;
            let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
            let told = ids.last().copied();
            for (id, view) in ids
                .into_iter()
                .zip(views(events, configuration).await.ok()?)
            {
                let line = Line::default().id(id.to_string()).json_data(view).ok()?;
                self.sender.send(line).await.ok()?;
            }
            if let Some(last) = last.filter(|last| told != Some(*last)) {
                // Whoever comes again need not be told of these either.
                let line = Line::default().id(last.to_string());
                self.sender.send(line).await.ok()?;
            }
            self.last = last.or(self.last);
            if count < usize::from(AT_ONCE) {
                return Some(());
            }
        }
    }
}
