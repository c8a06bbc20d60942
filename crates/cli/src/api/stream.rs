//! Server-sent events: a stream that lasts, so it has a connection of its own.

use bytes::{Buf as _, Bytes};
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::{Answer, Api, with_query};
use crate::exit::Failure;

/// Longest single event, in bytes.
const EVENT_BYTES: usize = 32 * 1024 * 1024;
/// Longest answer of a server that refuses, in bytes.
const REFUSAL_BYTES: usize = 64 * 1024;

/// What is accepted as a stream of events.
const EVENTS: &str = "text/event-stream";

/// An answer as it comes.
#[derive(Debug)]
pub(crate) struct Download {
    body: Incoming,
}

/// Events as a server tells them.
#[derive(Debug)]
pub(crate) struct Events {
    body: Incoming,
    lines: Lines,
}

impl Api {
    /// Opens a stream of server-sent events.
    pub(crate) async fn events(&self, path: &str) -> Result<Events, Failure> {
        let body = self.open(Method::GET, path, EVENTS).await?;
        Ok(Events::new(body))
    }

    /// Asks for something to be done, and to be told of it as it goes.
    pub(crate) async fn events_of_post(&self, path: &str) -> Result<Events, Failure> {
        let body = self.open(Method::POST, path, EVENTS).await?;
        Ok(Events::new(body))
    }

    /// Opens an answer that may be as long as it likes.
    pub(crate) async fn download(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> Result<Download, Failure> {
        let path = with_query(path, query);
        let body = self.open(Method::GET, &path, "*/*").await?;
        Ok(Download { body })
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        accept: &'static str,
    ) -> Result<Incoming, Failure> {
        let answer = self.send(method, path, Empty::<Bytes>::new(), |headers| {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        });
        let answer = answer.await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = http_body_util::Limited::new(answer.into_body(), REFUSAL_BYTES)
            .collect()
            .await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Err(Answer {
            status,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            retry_after: None,
        }
        .refused())
    }

    /// Sends a request over a connection of its own; the answer has begun.
    #[expect(
        clippy::disallowed_methods,
        reason = "the stream that it speaks over came out of `egress`"
    )]
    pub(super) async fn send<B>(
        &self,
        method: Method,
        path: &str,
        body: B,
        further: impl FnOnce(&mut HeaderMap),
    ) -> Result<Response<Incoming>, Failure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let target = self.target(path).map_err(Failure::usage)?;
        let (host, port) = (target.host().to_string(), target.port());
        let opened = match target.is_plain() {
            true => self.egress.tcp(&host, port).await,
            false => self.egress.tls(&host, port).await,
        };
        let stream = opened.map_err(|failure| self.unreachable(&failure))?;
        let broken = |error: hyper::Error| {
            Failure::unavailable(format!("the connection to {} broke: {error}", self.base))
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        tokio::spawn(connection);
        let url = target.url();
        let path = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{host}:{port}"))
            .header(USER_AGENT, egress::USER_AGENT)
            .body(body)
            .map_err(Failure::software)?;
        request.headers_mut().extend(self.headers());
        further(request.headers_mut());
        sender.send_request(request).await.map_err(broken)
    }
}

impl Download {
    /// The next bytes; none when that was all.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| {
                Failure::unavailable(format!("the answer of the server broke off: {error}"))
            })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl Events {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            lines: Lines::default(),
        }
    }

    /// The data of the next event; `None` when the server has ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        Ok(self.named().await?.map(|(_, value)| value))
    }

    /// The same with the event's name, which is empty when it has none.
    pub(crate) async fn named(&mut self) -> Result<Option<(String, Value)>, Failure> {
        loop {
            if let Some((name, data)) = self.lines.event() {
                match serde_json::from_str(&data) {
                    Ok(value) => return Ok(Some((name, value))),
                    Err(_) => continue,
                }
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame
                .map_err(|error| Failure::unavailable(format!("the stream broke: {error}")))?;
            if let Ok(mut data) = frame.into_data() {
                self.lines.push(&data.copy_to_bytes(data.remaining()))?;
            }
        }
    }
}

/// Bytes on their way to events: lines of `field: value`, an empty line ends an event.
#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<u8>,
    name: String,
    data: Option<String>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.waiting.len() + bytes.len() > EVENT_BYTES {
            return Err(Failure::unavailable(format!(
                "an event of the stream is longer than {EVENT_BYTES} bytes"
            )));
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Name and data of the next whole event.
    fn event(&mut self) -> Option<(String, String)> {
        while let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.waiting.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                match self.data.take() {
                    Some(data) => return Some((name, data)),
                    None => continue,
                }
            }
            if let Some(name) = line.strip_prefix("event:") {
                name.trim_start().clone_into(&mut self.name);
            }
            if let Some(text) = line.strip_prefix("data:") {
                let text = text.strip_prefix(' ').unwrap_or(text);
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(text);
                    }
                    None => self.data = Some(text.to_owned()),
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let wire =
            b": hello\n\nevent: event\nid: 1\ndata: {\"a\":1}\n\ndata: [\r\ndata: 2]\r\n\r\n";
        for cut in 1..wire.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in wire.chunks(cut) {
                lines.push(part).unwrap();
                found.extend(std::iter::from_fn(|| lines.event()));
            }
            let expected = [("event", "{\"a\":1}"), ("", "[\n2]")];
            let expected = expected.map(|(name, data)| (name.to_owned(), data.to_owned()));
            assert_eq!(found, expected, "{cut}");
        }
    }
}
