//! What live streams have in common: who reads is asked again while they last, and they end with the server.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Line, KeepAlive, KeepAliveStream, Sse};
use domain::access::Scope;
use futures_util::stream::{BoxStream, StreamExt as _, unfold};
use http::HeaderMap;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::App;
use crate::problem::Problem;
use crate::read::Caller;
use crate::read::session::unused;

/// Lines that wait for a reader that is slow; then the stream waits with it.
const WAITING: usize = 128;
/// How often a quiet stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Server-sent events.
pub(crate) type Live = Sse<KeepAliveStream<BoxStream<'static, Result<Line, Infallible>>>>;

/// Who reads a stream, and where it is written.
pub(crate) struct Reader {
    pub(crate) app: App,
    /// What they may see, as of when it was last asked.
    pub(crate) scope: Scope,
    /// What proved who reads: asked again while the stream lasts.
    proof: HeaderMap,
    pub(crate) sender: Sender<Line>,
    pub(crate) rechecks: Interval,
}

/// Begins a stream for whoever sent these headers; it lasts as long as this follows.
pub(crate) fn open<F>(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    follow: impl FnOnce(Reader) -> F,
) -> Result<Live, Problem>
where
    F: Future<Output = ()> + Send + 'static,
{
    let permit = app.streams().clone().try_acquire_owned();
    let permit =
        permit.map_err(|_| Problem::try_later("too many live streams are open; close one"))?;
    let (sender, receiver) = channel(WAITING);
    let following = follow(Reader {
        app: app.clone(),
        scope: caller.scope().clone(),
        proof: unused(headers),
        sender,
        rechecks: every(app.settings().stream_recheck),
    });
    let closing = app.closing().clone();
    tokio::spawn(async move {
        tokio::select! {
            () = following => {}
            () = closing.cancelled() => {}
        }
        drop(permit);
    });
    let lines = unfold(receiver, |mut receiver| async {
        let line = receiver.recv().await?;
        Some((Ok(line), receiver))
    });
    Ok(Sse::new(lines.boxed()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Ticks so often; the first time a whole while from now.
pub(crate) fn every(time: Duration) -> Interval {
    let mut ticks = interval(time);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

impl Reader {
    /// Who reads, as things are now: their companies may be others than before. None when they may not read any more, or when
    /// nobody can say.
    pub(crate) async fn ask_again(&mut self) -> Option<()> {
        let caller = Caller::proved(&self.proof, &self.app).await.ok()??;
        self.scope = caller.scope().clone();
        Some(())
    }

    /// The same when it is time to. A flood is no way around the question of who reads.
    pub(crate) async fn ask_when_due(&mut self) -> Option<()> {
        match futures_util::FutureExt::now_or_never(self.rechecks.tick()) {
            Some(_) => self.ask_again().await,
            None => Some(()),
        }
    }

    /// None when the reader has gone.
    pub(crate) async fn send(&self, line: Line) -> Option<()> {
        self.sender.send(line).await.ok()
    }
}
