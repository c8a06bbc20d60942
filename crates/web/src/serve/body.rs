//! A request's body with a deadline, and with a pace to keep until then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::guests::Seat;
use crate::Settings;

/// The body did not arrive in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(crate) struct TooSlow;

/// How fast a body has to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyPace {
    /// The whole of it.
    most: Duration,
    /// So often it is looked at how much has come since.
    window: Duration,
    /// Fewest bytes that have to come within each window.
    least: usize,
}

impl BodyPace {
    pub(super) fn of(settings: &Settings) -> Self {
        Self::within(settings.body_timeout, settings)
    }

    /// Of a whole file.
    pub(super) fn of_file(settings: &Settings) -> Self {
        Self::within(settings.import_timeout, settings)
    }

    fn within(most: Duration, settings: &Settings) -> Self {
        let window = settings.body_window.min(most);
        let least = u128::from(settings.body_rate) * window.as_millis() / 1_000;
        Self {
            most,
            window,
            least: usize::try_from(least).unwrap_or(usize::MAX),
        }
    }
}

/// A body that has to arrive in time. Most are here when they are asked for, so the timer is only made when one is not.
pub(super) struct Deadlined {
    body: Incoming,
    pace: BodyPace,
    timer: Option<Timer>,
    seat: Arc<Seat>,
}

struct Timer {
    /// Of the window.
    sleep: Pin<Box<Sleep>>,
    /// When the whole has to be here.
    end: Instant,
    /// Bytes of this window.
    come: usize,
}

impl Timer {
    fn start(pace: BodyPace) -> Self {
        let sleep = Box::pin(sleep(pace.window));
        let end = sleep.deadline() + (pace.most - pace.window);
        Self {
            sleep,
            end,
            come: 0,
        }
    }

    /// Ready when the sender was too slow.
    fn poll(&mut self, pace: BodyPace, context: &mut Context<'_>) -> Poll<()> {
        while self.sleep.as_mut().poll(context).is_ready() {
            // Later than the window's end when nobody asked for the body meanwhile, which is no fault of who sends it.
            let now = Instant::now();
            if now >= self.end || self.come < pace.least {
                return Poll::Ready(());
            }
            self.come = 0;
            let next = (now + pace.window).min(self.end);
            self.sleep.as_mut().reset(next);
        }
        Poll::Pending
    }
}

impl Deadlined {
    pub(super) fn new(body: Incoming, pace: BodyPace, seat: Arc<Seat>) -> Self {
        if body.is_end_stream() {
            seat.works();
        } else {
            seat.reads();
        }
        Self {
            body,
            pace,
            timer: None,
            seat,
        }
    }
}

impl Body for Deadlined {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if this.body.is_end_stream() {
                    this.seat.works();
                }
                if let Some(timer) = &mut this.timer {
                    timer.come += frame.data_ref().map_or(0, Bytes::len);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.seat.works();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let pace = this.pace;
                let timer = this.timer.get_or_insert_with(|| Timer::start(pace));
                let late = timer.poll(pace, context);
                late.map(|()| Some(Err(TooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
