//! One HTTP/1.1 connection, driven by the task that uses it: no task of its own, no hand-over between threads.

use std::error::Error as _;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::failure::{Cause, Fault};
use crate::stream::Stream;
use crate::tls;

type Message = Request<Full<Bytes>>;

pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    /// The driver has ended and must not be polled again.
    ended: bool,
    pub(crate) peer: std::net::SocketAddr,
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// No byte of the request has gone out: it can go by another connection.
    Unsent(Box<Message>, Fault),
    Failed(Fault),
}

impl Connection {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where outgoing HTTP begins"
    )]
    pub(crate) async fn open(stream: Stream, header_bytes: usize) -> Result<Self, Fault> {
        let peer = stream.peer();
        let (sender, driver) = http1::Builder::new()
            .max_header_size(header_bytes)
            .max_buf_size(header_bytes.max(8 * 1_024))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| explain(&error))?;
        Ok(Self {
            sender,
            driver,
            ended: false,
            peer,
        })
    }

    /// Whether the peer has kept the connection open while it was idle. One look, no waiting.
    pub(crate) async fn is_alive(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            if !self.ended && Pin::new(&mut self.driver).poll(cx).is_ready() {
                self.ended = true;
            }
            Poll::Ready(!self.ended && self.sender.is_ready())
        })
        .await
    }

    /// Sends the request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        message: Message,
    ) -> Result<Response<Incoming>, Unanswered> {
        let answer = self.sender.try_send_request(message);
        drive(&mut self.driver, &mut self.ended, answer)
            .await
            .map_err(|mut error| {
                let message = error.take_message();
                let fault = explain(error.error());
                match message {
                    Some(message) => Unanswered::Unsent(Box::new(message), fault),
                    None => Unanswered::Failed(fault),
                }
            })
    }

    /// Reads the body up to `cap` bytes; true when there was more, or when it broke off. In both cases the connection is spent.
    pub(crate) async fn body(&mut self, mut body: Incoming, cap: usize) -> (Bytes, bool) {
        let mut whole = Whole::Nothing;
        while !body.is_end_stream() {
            match drive(&mut self.driver, &mut self.ended, body.frame()).await {
                None => break,
                Some(Err(_)) => return (whole.take(cap), true),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    whole.push(data);
                    if whole.len() > cap {
                        return (whole.take(cap), true);
                    }
                }
            }
        }
        (whole.take(cap), false)
    }
}

/// A body that is mostly one piece, and then not copied.
enum Whole {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn push(&mut self, data: Bytes) {
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(data),
            Self::One(first) => {
                let mut many = BytesMut::from(first);
                many.extend_from_slice(&data);
                Self::Many(many)
            }
            Self::Many(mut many) => {
                many.extend_from_slice(&data);
                Self::Many(many)
            }
        };
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(data) => data.len(),
            Self::Many(data) => data.len(),
        }
    }

    fn take(self, cap: usize) -> Bytes {
        let mut whole = match self {
            Self::Nothing => Bytes::new(),
            Self::One(data) => data,
            Self::Many(data) => data.freeze(),
        };
        whole.truncate(cap);
        whole
    }
}

/// Polls the connection beside the work that waits for it.
async fn drive<W: Future>(
    driver: &mut http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    ended: &mut bool,
    work: W,
) -> W::Output {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // Its error reaches the work too.
        if !*ended && Pin::new(&mut *driver).poll(cx).is_ready() {
            *ended = true;
        }
        work.as_mut().poll(cx)
    })
    .await
}

fn explain(error: &hyper::Error) -> Fault {
    if error.is_parse_too_large() {
        return Fault::new(Cause::TooLarge, "the answer has more headers than we read");
    }
    if error.is_parse() {
        return Fault::new(Cause::Protocol, "the answer is not HTTP/1.1");
    }
    if let Some(fault) = broken_by(error).and_then(tls::late_fault) {
        return fault;
    }
    Fault::new(Cause::Reset, "the connection broke before the answer")
}

/// What the connection broke by, however deep it lies.
fn broken_by(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        source = error.source();
    }
    None
}
