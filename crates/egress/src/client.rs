//! [`Egress`]: what the rest of the program sees of the door.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT as USER_AGENT_HEADER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::Full;
use rustls::RootCertStore;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use url::Host;

use crate::allow::AllowEntry;
use crate::connection::{Connection, Unanswered};
use crate::dial::{Dialler, Place, Trace};
use crate::failure::{Cause, Failure, Fault, Step, Timings};
use crate::identity::{Identity, IdentityError};
use crate::pool::Pool;
use crate::settings::{EgressError, Settings};
use crate::stream::Stream;
use crate::target::{Target, TargetError, server_name};
use crate::tls;

/// What every request says of its sender.
pub const USER_AGENT: &str = concat!("alertwire/", env!("CARGO_PKG_VERSION"));

/// The door. Clones share one pool and one policy.
#[derive(Clone)]
pub struct Egress(Arc<Door>);

struct Door {
    dialler: Dialler,
    /// Whom every connection trusts; an identity adds to them.
    roots: RootCertStore,
    pool: Arc<Pool>,
    response_bytes: usize,
    header_bytes: usize,
}

/// One request. `host`, `user-agent` and `content-length` are added here and cannot be set by the caller.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub url: Target,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Over the whole exchange, from the wait for a free connection to the last byte that is read.
    pub timeout: Duration,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Up to the limit; as it came, for nothing is unpacked.
    pub body: Bytes,
    /// The body went on beyond the limit, or broke off.
    pub truncated: bool,
    pub peer: Option<SocketAddr>,
    pub timings: Timings,
}

impl Egress {
    pub fn new(settings: Settings) -> Result<Self, EgressError> {
        if settings.header_bytes < 8 * 1_024 {
            return Err(EgressError::TooSmall("header_bytes", 8 * 1_024));
        }
        if settings.connections == 0 {
            return Err(EgressError::TooSmall("connections", 1));
        }
        let roots = tls::roots(settings.ca_pem.as_deref())?;
        let tls = TlsConnector::from(Arc::new(tls::config(roots.clone())));
        Ok(Self(Arc::new(Door {
            dialler: Dialler::new(
                settings.allow,
                settings.resolver,
                settings.connect_timeout,
                tls,
            ),
            roots,
            pool: Arc::new(Pool::new(
                settings.connections,
                settings.idle_per_host,
                settings.idle_timeout,
            )),
            response_bytes: settings.response_bytes,
            header_bytes: settings.header_bytes,
        })))
    }

    /// The operator's allow list, for showing.
    #[must_use]
    pub fn allow(&self) -> &[AllowEntry] {
        &self.0.dialler.allow
    }

    /// Parses a URL against this door's list; `ports` are the standard ports of the connector.
    pub fn target(&self, text: &str, ports: &[u16]) -> Result<Target, TargetError> {
        Target::parse(text, self.allow(), ports)
    }

    /// The TLS side of one integration, for [`Target::with_identity`]: `ca` is trusted beside this door's roots, `client` is the
    /// certificate chain that is shown and its key. All are PEM. There is no way to trust less, or to skip a check.
    pub fn identity(
        &self,
        ca: Option<&str>,
        client: Option<(&str, &str)>,
    ) -> Result<Identity, IdentityError> {
        Identity::new(self.0.roots.clone(), ca, client)
    }

    /// One whole exchange. Redirects are answers like others.
    pub async fn http(&self, request: Request) -> Result<Exchange, Failure> {
        let mut trace = Trace::begin();
        let timeout = request.timeout;
        let deadline = trace.deadline(timeout);
        match tokio::time::timeout_at(deadline, self.0.exchange(request, &mut trace)).await {
            Ok(Ok(exchange)) => Ok(Exchange {
                timings: trace.finish(),
                ..exchange
            }),
            Ok(Err(fault)) => Err(trace.fail(fault)),
            Err(_) => {
                let fault = Fault::new(
                    Cause::Timeout,
                    format!("not done within {timeout:?} ({})", trace.doing),
                );
                Err(trace.fail(fault))
            }
        }
    }

    /// A plain stream to a host, for protocols other than HTTP.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<Stream, Failure> {
        self.stream(host, port, false).await
    }

    /// A TLS stream to a host, for protocols other than HTTP.
    pub async fn tls(&self, host: &str, port: u16) -> Result<Stream, Failure> {
        self.stream(host, port, true).await
    }

    /// A judged address of a host, for datagrams.
    pub async fn address(&self, host: &str, port: u16) -> Result<SocketAddr, Failure> {
        let mut trace = Trace::begin();
        match self.0.address(host, port, &mut trace).await {
            Ok(address) => Ok(address),
            Err(fault) => Err(trace.fail(fault)),
        }
    }

    /// Connects, tells of each step (`dns`, `policy`, `tcp`, `tls`) as it ends, and hangs up. Ends with the first step that is
    /// not good.
    pub async fn probe(&self, target: &Target, told: &mut (dyn FnMut(&Step) + Send)) -> Vec<Step> {
        let mut trace = Trace::telling(told);
        let Ok(_turn) = tokio::time::timeout(self.0.dialler.step_timeout, self.0.pool.turn()).await
        else {
            let millis = trace.finish().total.as_secs_f64() * 1_000.0;
            trace.note(Step {
                name: "tcp",
                ok: false,
                detail: "too many connections are open; try again".to_owned(),
                millis,
                cause: Some(Cause::Connect),
            });
            return trace.steps;
        };
        self.0.pool.make_room();
        // Whatever came of it is in the steps.
        let _ = self.0.dialler.dial(&place(target), &mut trace).await;
        trace.steps
    }

    async fn stream(&self, host: &str, port: u16, secure: bool) -> Result<Stream, Failure> {
        let mut trace = Trace::begin();
        match self.0.stream(host, port, secure, &mut trace).await {
            Ok(stream) => Ok(stream),
            Err(fault) => Err(trace.fail(fault)),
        }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("allow", &self.allow())
            .finish_non_exhaustive()
    }
}

impl Door {
    async fn exchange(&self, request: Request, trace: &mut Trace<'_>) -> Result<Exchange, Fault> {
        let _turn = self.pool.turn().await;
        let target = request.url.clone();
        let mut message = message(request);
        // Each round but the last uses up an idle connection, so there are at most `idle_per_host` of them.
        let (mut connection, answer) = loop {
            let (mut connection, fresh) = self.connection(&target, trace).await?;
            trace.doing = "waiting for the answer";
            let begun = tokio::time::Instant::now();
            match connection.send(message).await {
                Ok(answer) => {
                    trace.timings.first_byte = Some(begun.elapsed());
                    break (connection, answer);
                }
                Err(Unanswered::Unsent(unsent, _)) if !fresh => message = *unsent,
                Err(Unanswered::Unsent(_, fault) | Unanswered::Failed(fault)) => return Err(fault),
            }
        };
        trace.doing = "reading the answer";
        let (head, body) = answer.into_parts();
        let (body, truncated) = connection.body(body, self.response_bytes).await;
        let peer = Some(connection.peer);
        if !truncated && connection.is_alive().await {
            self.pool.put(target.shelf(), connection);
        }
        Ok(Exchange {
            status: head.status,
            headers: head.headers,
            body,
            truncated,
            peer,
            timings: Timings::default(),
        })
    }

    /// An open connection; true when it is a new one.
    async fn connection(
        &self,
        target: &Target,
        trace: &mut Trace<'_>,
    ) -> Result<(Box<Connection>, bool), Fault> {
        while let Some(mut idle) = self.pool.take(target.shelf()) {
            if idle.is_alive().await {
                trace.peer = Some(idle.peer);
                return Ok((idle, false));
            }
        }
        self.pool.make_room();
        let stream = self.dialler.dial(&place(target), trace).await?;
        Ok((
            Box::new(Connection::open(stream, self.header_bytes).await?),
            true,
        ))
    }

    async fn stream(
        &self,
        host: &str,
        port: u16,
        secure: bool,
        trace: &mut Trace<'_>,
    ) -> Result<Stream, Fault> {
        let host = named(host)?;
        let name = if secure {
            Some(certificate_name(&host)?)
        } else {
            None
        };
        let turn = tokio::time::timeout(self.dialler.step_timeout, self.pool.owned_turn()).await;
        let turn = turn.map_err(|_| Fault::new(Cause::Timeout, "too many connections are open"))?;
        self.pool.make_room();
        let place = Place {
            host: &host,
            port,
            plain_http: false,
            server_name: name.as_ref(),
            identity: None,
        };
        let stream = self.dialler.dial(&place, trace).await?;
        Ok(Stream {
            turn: Some(turn),
            ..stream
        })
    }

    async fn address(
        &self,
        host: &str,
        port: u16,
        trace: &mut Trace<'_>,
    ) -> Result<SocketAddr, Fault> {
        let host = named(host)?;
        let place = Place {
            host: &host,
            port,
            plain_http: false,
            server_name: None,
            identity: None,
        };
        let addresses = self.dialler.locate(&place, trace).await?;
        addresses
            .first()
            .copied()
            .ok_or_else(|| Fault::new(Cause::Dns, "the host name has no address (DNS)"))
    }
}

fn place(target: &Target) -> Place<'_> {
    Place {
        host: target.host(),
        port: target.port(),
        plain_http: target.is_plain(),
        server_name: target.server_name(),
        identity: target.identity(),
    }
}

fn named(host: &str) -> Result<Host<String>, Fault> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    match bare.parse::<std::net::Ipv6Addr>() {
        Ok(address) => Ok(Host::Ipv6(address)),
        Err(_) => Host::parse(host).map_err(|_| Fault::new(Cause::Dns, "this is no host name")),
    }
}

fn certificate_name(host: &Host<String>) -> Result<ServerName<'static>, Fault> {
    server_name(host).ok_or_else(|| {
        Fault::new(
            Cause::Tls,
            "the host is no name that a certificate could hold",
        )
    })
}

fn message(request: Request) -> http::Request<Full<Bytes>> {
    let mut message = http::Request::new(Full::new(request.body));
    *message.method_mut() = request.method;
    *message.uri_mut() = request.url.path();
    let headers = message.headers_mut();
    *headers = request.headers;
    headers.insert(HOST, request.url.host_header());
    headers.insert(USER_AGENT_HEADER, HeaderValue::from_static(USER_AGENT));
    message
}
