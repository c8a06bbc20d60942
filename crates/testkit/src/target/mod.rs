//! A scripted target on 127.0.0.1: it records what comes and answers as it was told.
//!
//! It runs on the test's own runtime. Requests are recorded before they are answered, so a test that has an answer in
//! hand finds its request in [`Target::received`].

mod answer;
mod tls;
mod wire;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use answer::{Answer, gzip_bomb};
pub use tls::{Authority, Certificate, ClientFiles};

use crate::watched::Watched;
use answer::Manner;
use wire::Wire;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    /// Path and query, as on the request line.
    pub path: String,
    /// In the order and spelling of the wire.
    pub headers: Vec<(String, String)>,
    /// Request line and headers, byte for byte.
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Which connection it came by, counted from 1.
    pub connection: usize,
}

impl Received {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; empty when it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    fn of_head(head: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.trim_end().split("\r\n");
        let mut line = lines
            .next()
            .unwrap_or_default()
            .split(' ')
            .map(str::to_owned);
        let (method, path) = (
            line.next().unwrap_or_default(),
            line.next().unwrap_or_default(),
        );
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            method,
            path,
            headers,
            head,
            body: Vec::new(),
            connection: 0,
        }
    }
}

/// What the target remembers.
#[derive(Default)]
struct Record {
    received: Vec<Received>,
    connections: usize,
    queue: VecDeque<Answer>,
    by_path: Vec<(String, Answer)>,
    default: Option<Answer>,
    /// Raised by `let_go`: answers that hang go out.
    released: u64,
}

impl Record {
    /// The queue first, then the answer of the path, then the default.
    fn answer_to(&mut self, path: &str) -> Answer {
        let path = path.split('?').next().unwrap_or_default();
        self.queue
            .pop_front()
            .or_else(|| {
                self.by_path
                    .iter()
                    .rev()
                    .find(|(other, _)| other == path)
                    .map(|(_, answer)| answer.clone())
            })
            .or_else(|| self.default.clone())
            .unwrap_or_else(Answer::ok)
    }

    /// The next answer, when it acts before a request is read.
    fn early_answer(&mut self) -> Option<Answer> {
        match (self.queue.front(), &self.default) {
            (Some(first), _) if first.is_early() => self.queue.pop_front(),
            (None, Some(default)) if default.is_early() => Some(default.clone()),
            _ => None,
        }
    }
}

/// See the module. Dropping it closes the listener and its connections.
#[derive(Debug)]
pub struct Target {
    address: SocketAddr,
    record: Watched<Record>,
    authority_pem: Option<String>,
    task: JoinHandle<()>,
}

impl Target {
    /// A plain HTTP target that answers 200 until told otherwise.
    pub async fn start() -> Self {
        Self::start_on(
            "127.0.0.1:0".parse().expect("this is an address"),
            None,
            None,
        )
        .await
    }

    /// A target on an address of the test's choice, for instance the one of a target that was dropped.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::start_on(address, None, None).await
    }

    /// An HTTPS target whose root is [`Target::ca_pem`].
    pub async fn start_tls(certificate: Certificate) -> Self {
        Self::start_tls_with(&Authority::new(), certificate).await
    }

    /// An HTTPS target with a certificate of `authority`.
    pub async fn start_tls_with(authority: &Authority, certificate: Certificate) -> Self {
        let address = "127.0.0.1:0".parse().expect("this is an address");
        Self::start_on(
            address,
            Some(authority.server(certificate)),
            Some(authority.pem()),
        )
        .await
    }

    /// HTTPS for clients that show a certificate of this authority.
    pub async fn start_mutual(clients: &Authority) -> Self {
        Self::start_mutual_by(clients, rustls::DEFAULT_VERSIONS).await
    }

    /// The same by TLS 1.2, which judges the client's certificate within the handshake.
    pub async fn start_mutual_by_tls12(clients: &Authority) -> Self {
        Self::start_mutual_by(clients, &[&rustls::version::TLS12]).await
    }

    async fn start_mutual_by(
        clients: &Authority,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let authority = Authority::new();
        let address = "127.0.0.1:0".parse().expect("this is an address");
        Self::start_on(
            address,
            Some(authority.server_for(Certificate::Good, Some(clients), versions)),
            Some(authority.pem()),
        )
        .await
    }

    async fn start_on(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        authority_pem: Option<String>,
    ) -> Self {
        let listener = TcpListener::bind(address)
            .await
            .expect("a free port of 127.0.0.1");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let record = Watched::new(Record::default());
        let task = tokio::spawn(listen(listener, tls.map(TlsAcceptor::from), record.clone()));
        Self {
            address,
            record,
            authority_pem,
            task,
        }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http(s)://127.0.0.1:PORT` and `path`, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.authority_pem.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The root that signed the certificate; empty for a plain target.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.authority_pem.as_deref().unwrap_or_default()
    }

    /// The answer to all requests for which nothing else was said.
    pub fn answer(&self, answer: Answer) {
        self.record.change(|record| record.default = Some(answer));
    }

    /// The answer to the next request for which nothing was said yet; may be called many times.
    pub fn then(&self, answer: Answer) {
        self.record.change(|record| record.queue.push_back(answer));
    }

    /// The answer to requests of this path (without query).
    pub fn on_path(&self, path: &str, answer: Answer) {
        self.record
            .change(|record| record.by_path.push((path.to_owned(), answer)));
    }

    /// Lets answers that hang, now and later, go out.
    pub fn let_go(&self) {
        self.record.change(|record| record.released += 1);
    }

    /// All requests so far, in the order in which they were read.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.record.see(|record| record.received.clone())
    }

    /// Connections so far, those without any request included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.record.see(|record| record.connections)
    }

    /// Waits until `count` requests have come, and gives all there are then.
    pub async fn requests(&self, count: usize) -> Vec<Received> {
        self.record
            .until(|record| (record.received.len() >= count).then(|| record.received.clone()))
            .await
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, record: Watched<Record>) {
    // Connections live in this set, so that dropping the target ends them too.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = record.change(|record| {
            record.connections += 1;
            record.connections
        });
        connections.spawn(connection(stream, tls.clone(), record.clone(), number));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    record: Watched<Record>,
    number: usize,
) {
    let _ = stream.set_nodelay(true);
    let wire = match tls {
        None => Wire::Plain(stream),
        Some(acceptor) => match acceptor.accept(stream).into_fallible().await {
            Ok(stream) => Wire::Tls(Box::new(stream)),
            // One end refused the certificate of the other, which is what such a test is about.
            Err((_, stream)) => return hear_out(stream).await,
        },
    };
    // A broken connection is the client's to notice.
    let _ = converse(wire, &record, number).await;
}

/// Reads what the client still writes: to close with something unread would be a reset, which may overtake the TLS alert.
async fn hear_out(mut stream: TcpStream) {
    let mut rest = [0; 1_024];
    let _ = stream.shutdown().await;
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

async fn converse(mut wire: Wire, record: &Watched<Record>, number: usize) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        if buffer.is_empty() && !wire::more(&mut wire, &mut buffer).await? {
            return Ok(());
        }
        if let Some(answer) = record.change(Record::early_answer) {
            return early(wire, answer).await;
        }
        let Some(mut received) = wire::request(&mut wire, &mut buffer).await? else {
            return Ok(());
        };
        received.connection = number;
        let mut answer = record.change(|record| {
            record.received.push(received.clone());
            record.answer_to(&received.path)
        });
        while let Manner::Decided(decide) = &answer.manner {
            answer = decide(&received);
        }
        match write(wire, &answer, record).await? {
            Some(kept) => wire = kept,
            None => return Ok(()),
        }
    }
}

async fn early(mut wire: Wire, answer: Answer) -> io::Result<()> {
    if let Manner::Greeting(bytes) = &answer.manner {
        wire.write_all(bytes).await?;
        return wire.shutdown().await;
    }
    wire.reset();
    Ok(())
}

/// Writes the answer; gives the connection back when it can carry another request.
async fn write(
    mut wire: Wire,
    answer: &Answer,
    record: &Watched<Record>,
) -> io::Result<Option<Wire>> {
    match &answer.manner {
        Manner::Plain | Manner::Decided(_) => {}
        Manner::Hanging => {
            record
                .until(|record| (record.released > 0).then_some(()))
                .await
        }
        Manner::Dripping(interval) => {
            wire.write_all(&answer.head()).await?;
            loop {
                tokio::time::sleep(*interval).await;
                wire.write_all(b".").await?;
                wire.flush().await?;
            }
        }
        Manner::Endless => {
            wire.write_all(&answer.head()).await?;
            loop {
                wire.write_all(&[b'.'; 16 * 1024]).await?;
            }
        }
        Manner::Cut => {
            wire.write_all(&answer.head()).await?;
            wire.write_all(&answer.body[..answer.body.len() / 2])
                .await?;
            wire.shutdown().await?;
            return Ok(None);
        }
        Manner::Raw(bytes) => {
            wire.write_all(bytes).await?;
            wire.shutdown().await?;
            return Ok(None);
        }
        Manner::ResetBeforeReading | Manner::ResetAfterReading | Manner::Greeting(_) => {
            wire.reset();
            return Ok(None);
        }
    }
    let mut bytes = answer.head();
    bytes.extend_from_slice(&answer.body);
    wire.write_all(&bytes).await?;
    wire.flush().await?;
    Ok(Some(wire))
}
