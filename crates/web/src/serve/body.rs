//! A request's body with a deadline.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use super::guests::Seat;

/// The body did not arrive in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(crate) struct TooSlow;

/// A body that has to arrive in time. Most are here when they are asked for, so the timer is only made when one is not.
pub(super) struct Deadlined {
    body: Incoming,
    most: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    seat: Arc<Seat>,
}

impl Deadlined {
    pub(super) fn new(body: Incoming, most: Duration, seat: Arc<Seat>) -> Self {
        if body.is_end_stream() {
            seat.works();
        } else {
            seat.reads();
        }
        Self {
            body,
            most,
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
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.seat.works();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let most = this.most;
                let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(most)));
                timer
                    .as_mut()
                    .poll(context)
                    .map(|()| Some(Err(TooSlow.into())))
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
