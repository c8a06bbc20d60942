use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::Event as Line;
use domain::access::Scope;
use domain::{DeliveryId, Timestamp};
use futures_util::future::{BoxFuture, FutureExt as _};
use http::HeaderMap;
use serde_json::{Value, json};
use store::{DeliveryQuery, DeliveryRow, PageAt, UpTo};

use super::list::{self, DeliveriesQuery};
use crate::App;
use crate::api::live::{self, Live, Reader};
use crate::problem::Problem;
use crate::read::{Caller, Query, Viewer};

/// Deliveries that are read at once.
const AT_ONCE: u16 = 100;
/// Deliveries that a stream knows to have told of last, and looks at again: what switches an integration off, or cancels a
/// delivery, is no attempt.
const KNOWN: usize = 200;
/// How much further back whoever comes again is told from: clocks of nodes differ, and an attempt is written after it ended.
const OVERLAP: Duration = Duration::from_secs(10);

/// Deliveries as they are made and as they change, as server-sent events. One that fits is told when its event comes in and
/// after each attempt; and while it is among the last 200 that were told, whatever changes it, also when it fits no more.
/// What has changed is told within some seconds, the same may be told twice. The `id` is the time of telling and the delivery's id;
/// `Last-Event-ID` goes on from there, over 10,000 events and attempts at most. It ends with the key or session that it was
/// asked under.
#[utoipa::path(get, path = "/api/v1/deliveries/stream", tag = "deliveries", params(DeliveriesQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    app: State<App>,
    Viewer(caller): Viewer,
    Query(query): Query<DeliveriesQuery>,
    headers: HeaderMap,
) -> Result<Live, Problem> {
    let query = query.whole(&caller)?;
    follow(&app, &caller, query, &headers, views).await
}

/// What a stream says of deliveries.
pub(crate) type Tell =
    fn(App, Scope, Vec<DeliveryRow>) -> BoxFuture<'static, Result<Vec<Value>, Problem>>;

fn views(
    app: App,
    scope: Scope,
    rows: Vec<DeliveryRow>,
) -> BoxFuture<'static, Result<Vec<Value>, Problem>> {
    async move {
        let configuration = app.store().configuration().await?;
        let views = list::views(&app, &scope, rows, &configuration).await?;
        Ok(views.iter().map(|view| json!(view)).collect())
    }
    .boxed()
}

/// The `id` by which a stream goes on from a time.
pub(crate) fn mark(at: Timestamp) -> String {
    at.unix_millis().to_string()
}

/// The time that an `id` names.
fn marked(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("last-event-id")?.to_str().ok()?;
    let millis: i64 = text.split('.').next()?.parse().ok()?;
    Some(Timestamp::from_micros(millis.checked_mul(1_000)?))
}

/// Follows what happens to deliveries for whoever sent these headers.
pub(crate) async fn follow(
    app: &App,
    caller: &Caller,
    query: DeliveryQuery,
    headers: &HeaderMap,
    tell: Tell,
) -> Result<Live, Problem> {
    let since = marked(headers).map(|at| at.before(OVERLAP));
    let begun = app.now();
    let up_to = app.store().up_to(since).await?;
    let begin = |reader| {
        let follower = Follower {
            reader,
            query,
            tell,
            up_to,
            known: Known::default(),
        };
        follower.follow(begun)
    };
    live::open(app, caller, headers, begin)
}

struct Follower {
    reader: Reader,
    query: DeliveryQuery,
    tell: Tell,
    up_to: UpTo,
    known: Known,
}

/// What was told last, the oldest first.
#[derive(Debug, Default)]
struct Known {
    rows: HashMap<DeliveryId, DeliveryRow>,
    order: VecDeque<DeliveryId>,
}

impl Follower {
    /// Ends when the reader is gone or may not read any more, the store is closed or cannot be read.
    async fn follow(mut self, begun: Timestamp) {
        let mut looks = live::every(self.reader.app.settings().stream_look);
        // Whoever is cut off before anything was told goes on from here.
        let line = Line::default().id(mark(begun));
        if self.reader.send(line).await.is_none() {
            return;
        }
        loop {
            if self.pass_on().await.is_none() {
                return;
            }
            tokio::select! {
                _ = looks.tick() => {}
                _ = self.reader.rechecks.tick() => {
                    if self.reader.ask_again().await.is_none() {
                        return;
                    }
                }
                () = self.reader.sender.closed() => return,
            }
        }
    }

    /// Passes on all that has happened since, and what has become of that which was told last; none when the stream is over.
    async fn pass_on(&mut self) -> Option<()> {
        let told: Vec<DeliveryId> = self.known.order.iter().copied().collect();
        self.tell_of(&told, &DeliveryQuery::default()).await?;
        let query = self.query.clone();
        loop {
            let followed = self.reader.app.store().followed(self.up_to).await.ok()?;
            self.tell_of(&followed.deliveries, &query).await?;
            self.up_to = followed.up_to;
            if !followed.is_more {
                return Some(());
            }
        }
    }

    /// Tells of those that fit and are not known to be as they are, in this order.
    async fn tell_of(&mut self, ids: &[DeliveryId], query: &DeliveryQuery) -> Option<()> {
        for some in ids.chunks(usize::from(AT_ONCE)) {
            self.reader.ask_when_due().await?;
            let (app, scope) = (self.reader.app.clone(), self.reader.scope.clone());
            let own = &query.ids;
            let asked = some.iter().filter(|id| own.is_empty() || own.contains(id));
            let query = DeliveryQuery {
                ids: asked.copied().collect(),
                ..query.clone()
            };
            if query.ids.is_empty() {
                continue;
            }
            let at = PageAt::new(Some(AT_ONCE), None);
            let page = app.store().deliveries(&scope, &query, &at).await.ok()?;
            let mut rows = page.items;
            rows.retain(|row| self.known.rows.get(&row.id) != Some(row));
            rows.sort_by_key(|row| some.iter().position(|id| *id == row.id));
            let now = app.now();
            let views = (self.tell)(app, scope, rows.clone()).await.ok()?;
            for (row, view) in rows.into_iter().zip(views) {
                let id = format!("{}.{}", mark(now), row.id);
                let line = Line::default().id(id).json_data(view).ok()?;
                self.reader.send(line).await?;
                self.known.keep(row);
            }
        }
        Some(())
    }
}

impl Known {
    fn keep(&mut self, row: DeliveryRow) {
        let id = row.id;
        if self.rows.insert(id, row).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.rows.remove(&oldest);
        }
    }
}
