//! How many exchanges a second go through the door: `throughput [seconds] [in flight] [plain|tls]`.
//!
//! Target and door share the machine, as the figures of the performance notes do. Loopback only; bounded by its seconds.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alertwire_egress::{Egress, Request, Settings};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use testkit::{Authority, Certificate};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (seconds, in_flight) = (number(0, 3).min(60), number(1, 64).min(1_000));
    let authority = (arguments.get(2).map(String::as_str) == Some("tls")).then(Authority::new);

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    let acceptor = authority
        .as_ref()
        .map(|authority| TlsAcceptor::from(authority.server(Certificate::Good)));
    tokio::spawn(serve(listener, acceptor));

    let allow = vec!["127.0.0.1".parse().expect("an address is an entry")];
    let ca_pem = authority.as_ref().map(Authority::pem);
    let door = Egress::new(Settings {
        allow,
        ca_pem,
        ..Settings::default()
    })
    .expect("these settings are good");
    let scheme = if authority.is_some() { "https" } else { "http" };
    let target = door
        .target(&format!("{scheme}://{address}/hook"), &[])
        .expect("the list has it");

    let done = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (door, target, done) = (door.clone(), target.clone(), Arc::clone(&done));
        senders.spawn(async move {
            while Instant::now() < end {
                let mut headers = HeaderMap::with_capacity(8);
                headers.insert("content-type", HeaderValue::from_static("application/json"));
                headers.insert(
                    "webhook-id",
                    HeaderValue::from_static("0193a5e0-0000-7000-8000-000000000000"),
                );
                let request = Request {
                    method: Method::POST,
                    url: target.clone(),
                    headers,
                    body: Bytes::from_static(&[b'x'; 250]),
                    timeout: Duration::from_secs(15),
                };
                let exchange = door.http(request).await.expect("the target answers");
                assert_eq!(exchange.status, 200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while senders.join_next().await.is_some() {}
    let rate = done.load(Ordering::Relaxed) / seconds.max(1);
    writeln!(
        std::io::stdout(),
        "{scheme}, {in_flight} in flight: {rate} exchanges/s"
    )
    .expect("stdout is open");
}

/// A target that reads each request whole and answers 200.
async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A failure costs latency alone, and a broken connection is the client's to notice.
            let _ = stream.set_nodelay(true);
            match acceptor {
                None => answer(TokioIo::new(stream)).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(TokioIo::new(stream)).await;
                    }
                }
            }
        });
    }
}

async fn answer<I: hyper::rt::Read + hyper::rt::Write + Unpin>(io: I) {
    let service = service_fn(async |request: http::Request<hyper::body::Incoming>| {
        let _ = request.into_body().collect().await;
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
            b"{\"ok\":true}",
        ))))
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(io, service)
        .await;
}
