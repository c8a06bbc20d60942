use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use alertwire_catalogue::Limits;
use axum::extract::State;
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use domain::EventId;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::event::Event;
use domain::filter::Filter;
use futures_util::Stream;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Notice;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::IntoParams;

use super::list::search;
use super::{EventView, fitting};
use crate::App;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::session::unused;
use crate::read::{Caller, Params, Query, Viewer};

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
/// an event says that what came up to there does not fit the filter. It ends with the key or session that it was asked under.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "events", params(StreamQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>> + use<>>, Problem> {
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
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>> + use<>>, Problem> {
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
        app: app.clone(),
        proof: unused(headers),
        scope: caller.scope().clone(),
        filter: filter.map(Arc::new),
        tell,
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
    /// What proved who reads: asked again while the stream lasts.
    proof: HeaderMap,
    scope: Scope,
    filter: Option<Arc<Filter>>,
    tell: Tell,
    last: Option<EventId>,
    sender: Sender<Line>,
}

impl Follower {
    /// Ends when the reader is gone or may not read any more, the store is closed or cannot be read.
    async fn follow(mut self, mut notices: Receiver<Notice>, mut look: bool) {
        let mut rechecks = rechecks(&self.app);
        loop {
            if look && self.pass_on(&mut rechecks).await.is_none() {
                return;
            }
            look = tokio::select! {
                notice = notices.recv() => match notice {
                    Ok(Notice::Events | Notice::Missed) | Err(RecvError::Lagged(_)) => true,
                    Ok(Notice::Configuration(_)) => false,
                    Err(RecvError::Closed) => return,
                },
                _ = rechecks.tick() => {
                    if self.ask_again().await.is_none() {
                        return;
                    }
                    false
                }
                () = self.sender.closed() => return,
            };
        }
    }

    /// Who reads, as things are now: their companies may be others than before. None when they may not read any more, or when
    /// nobody can say.
    async fn ask_again(&mut self) -> Option<()> {
        let caller = Caller::proved(&self.proof, &self.app).await.ok()??;
        self.scope = caller.scope().clone();
        Some(())
    }

    /// Passes on all that has been stored since; none when the stream is over. A flood is no way around the question of who reads.
    async fn pass_on(&mut self, rechecks: &mut Interval) -> Option<()> {
        loop {
            let due = futures_util::FutureExt::now_or_never(rechecks.tick());
            if due.is_some() {
                self.ask_again().await?;
            }
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
            let tell = self.tell;
            let views = move || -> Vec<Value> {
                let tell = |event| tell(event, &configuration);
                events.into_iter().map(tell).collect()
            };
            for (id, view) in ids.into_iter().zip(blocking(views).await.ok()?) {
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

/// Ticks when it is time to ask again who reads; the first time a whole interval from now.
fn rechecks(app: &App) -> Interval {
    let mut rechecks = interval(app.settings().stream_recheck);
    rechecks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rechecks.reset();
    rechecks
}
