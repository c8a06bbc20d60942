//! One connection: TLS when it is asked for, HTTP/1.1 or HTTP/2, requests to the intake or to the router.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::body::{BodyPace, Deadlined};
use super::guests::{Guest, Wish};
use super::tls::{HTTP_2, Tls};
use crate::{App, Peer, intake};

/// Lines of a request's head: as many as the journal keeps.
const HEAD_LINES: usize = domain::message::HEADERS;
/// Requests of one HTTP/2 connection at once.
const STREAMS: u32 = 128;
/// Streams that a client may reset before we have looked at them.
const RESET_STREAMS: usize = 20;

/// What the requests of one connection share.
struct Host {
    app: App,
    router: Router,
    peer: SocketAddr,
    /// The same as an address that limits and allow-lists know.
    address: IpAddr,
    guest: Guest,
}

type Answer = Response<Either<Full<Bytes>, axum::body::Body>>;

pub(super) async fn run(
    app: App,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    guest: Guest,
) {
    let host = Arc::new(Host {
        app,
        router,
        peer,
        address: peer.ip().to_canonical(),
        guest,
    });
    let Some(tls) = tls else {
        return http_1(host, stream).await;
    };
    let handshake = timeout(host.app.settings().header_timeout, tls.accept(stream));
    let accepted = tokio::select! {
        accepted = handshake => accepted,
        _ = host.guest.seat.wish() => return,
    };
    // A handshake that fails or takes too long is the client's affair.
    let Ok(Ok(stream)) = accepted else { return };
    if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
        http_2(host, stream).await;
    } else {
        http_1(host, stream).await;
    }
}

async fn http_1(host: Arc<Host>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(host.app.settings().header_timeout)
        .max_headers(HEAD_LINES)
        .max_header_size(host.app.settings().head_bytes)
        .half_close(false);
    let serving = Arc::clone(&host);
    let service = service_fn(move |request| answer(Arc::clone(&serving), request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    converse(&host, connection, |connection| {
        connection.graceful_shutdown()
    })
    .await;
}

async fn http_2(host: Arc<Host>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let idle = host.app.settings().header_timeout;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_header_list_size(u32::try_from(host.app.settings().head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(idle)
        .keep_alive_timeout(idle);
    let serving = Arc::clone(&host);
    let service = service_fn(move |request| answer(Arc::clone(&serving), request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    converse(&host, connection, |connection| {
        connection.graceful_shutdown()
    })
    .await;
}

/// Drives a connection to its end, or to the one that is wished.
async fn converse<C: Future>(host: &Host, connection: C, finish: impl Fn(Pin<&mut C>)) {
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            biased;
            // How a connection broke is the client's affair; what was accepted is accepted.
            _ = &mut connection => return,
            wish = host.guest.seat.wish() => match wish {
                Wish::Finish => finish(connection.as_mut()),
                Wish::Leave => return,
            },
        }
    }
}

async fn answer(host: Arc<Host>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let settings = host.app.settings();
    let pace = match crate::router::takes_files(parts.uri.path()) {
        true => BodyPace::of_file(settings),
        false => BodyPace::of(settings),
    };
    let mut request = Request::from_parts(
        parts,
        Deadlined::new(body, pace, Arc::clone(&host.guest.seat)),
    );
    let answered = if request.uri().path().starts_with(intake::PREFIX) {
        intake::answer(&host.app, host.address, request)
            .await
            .map(Either::Left)
    } else {
        request.extensions_mut().insert(Peer(host.peer));
        // Boxed, so that the intake's future is not as large as this one.
        let routed = Box::pin(
            host.router
                .clone()
                .oneshot(request.map(axum::body::Body::new)),
        );
        let Ok(response) = routed.await;
        response.map(Either::Right)
    };
    host.guest.waits();
    Ok(answered)
}
