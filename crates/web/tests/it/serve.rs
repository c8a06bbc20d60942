use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use web::Settings;

use crate::support::{Server, id};

/// A server on a real socket.
struct Shell {
    server: Server,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn shell(set: impl FnOnce(&mut Settings)) -> Shell {
    let server = Server::start_with(set).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let task = tokio::spawn(web::serve(server.app.clone(), listener, None, shutdown));
    Shell {
        server,
        address,
        stop,
        task,
    }
}

#[expect(clippy::disallowed_methods, reason = "the test is the client")]
async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// All that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer's head and body, where the body is as long as it says.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut piece = [0; 4_096];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "closed after: {text}");
        bytes.extend_from_slice(&piece[..count]);
    }
}

#[tokio::test]
async fn the_intake_and_the_api_share_a_connection() {
    let shell = shell(|_| {}).await;
    let form = json!({"name": "Door", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&shell.server.source(form).await);
    let mut stream = connect(shell.address).await;
    let body =
        r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 10.0.0.1"}"#;
    let post = format!(
        "POST /intake/{source} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(post.as_bytes()).await.unwrap();
    let stored = answer(&mut stream).await;
    assert!(
        stored.starts_with("HTTP/1.1 202") && stored.contains("\"events\":[\""),
        "{stored}"
    );
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 421"));
}

#[tokio::test]
async fn too_many_or_too_long_header_lines_are_refused() {
    let shell = shell(|_| {}).await;
    let lines = |count: usize, length: usize| {
        (0..count)
            .map(|number| format!("x-{number}: {}\r\n", "v".repeat(length)))
            .collect::<String>()
    };
    for head in [lines(65, 1), lines(2, 9_000)] {
        let mut stream = connect(shell.address).await;
        stream
            .write_all(format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{head}\r\n").as_bytes())
            .await
            .unwrap();
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431"));
    }
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let shell = shell(|settings| settings.body_timeout = Duration::from_millis(50)).await;
    let form = json!({"name": "Door", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&shell.server.source(form).await);
    let mut stream = connect(shell.address).await;
    let head =
        format!("POST /intake/{source} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn a_whole_file_has_more_time_than_other_bodies_and_not_forever() {
    let file = "<nmaprun></nmaprun>";
    let head = |shell: &Shell| {
        let (key, length) = (&shell.server.admin, file.len());
        format!(
            "POST /api/v1/imports?format=nmap&company=Acme HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             connection: close\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let shell = shell(|settings| settings.body_timeout = Duration::ZERO).await;
    shell.server.company("Acme").await;
    let mut stream = connect(shell.address).await;
    stream.write_all(head(&shell).as_bytes()).await.unwrap();
    // The server waits for the file by now, which no other body would outlast.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    stream.write_all(file.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let shell = self::shell(|settings| settings.import_timeout = Duration::from_millis(50)).await;
    shell.server.company("Acme").await;
    let mut stream = connect(shell.address).await;
    stream.write_all(head(&shell).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let shell = shell(|settings| settings.header_timeout = Duration::from_millis(50)).await;
    let mut stream = connect(shell.address).await;
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();
    rest(&mut stream).await;
}

#[tokio::test]
async fn slow_clients_make_room_for_others() {
    let shell =
        shell(|settings| settings.connections_per_address = NonZeroUsize::new(4).unwrap()).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(shell.address).await;
        stream.write_all(b"POST /livez HTTP/1.1\r\n").await.unwrap();
        slow.push(stream);
    }
    let mut stream = connect(shell.address).await;
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut slow[0]).await, "");
}

#[tokio::test]
async fn a_shutdown_lets_what_is_begun_finish() {
    let shell = shell(|_| {}).await;
    let form = json!({"name": "Door", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&shell.server.source(form).await);
    let (mut idle, mut busy) = (connect(shell.address).await, connect(shell.address).await);
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    answer(&mut idle).await;
    let head = format!(
        "POST /intake/{source} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    assert!(answer(&mut busy).await.starts_with("HTTP/1.1 100"));
    shell.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    busy.write_all(b"{}").await.unwrap();
    assert!(rest(&mut busy).await.starts_with("HTTP/1.1 202"));
    shell.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_live_stream_ends_at_a_shutdown() {
    let shell = shell(|_| {}).await;
    let mut stream = connect(shell.address).await;
    let head = format!(
        "GET /api/v1/events/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        shell.server.admin
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.contains("text/event-stream"));
    shell.stop.send(()).unwrap();
    rest(&mut stream).await;
    shell.task.await.unwrap().unwrap();
}

/// A certificate for 127.0.0.1 that is its own root, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

async fn status_over_tls(address: SocketAddr, root: &str) -> Result<u16, String> {
    let settings = egress::Settings {
        allow: vec!["127.0.0.1".parse().unwrap()],
        ca_pem: Some(root.to_owned()),
        ..egress::Settings::default()
    };
    let egress = egress::Egress::new(settings).unwrap();
    let request = egress::Request {
        method: http::Method::GET,
        url: egress
            .target(&format!("https://{address}/livez"), &[])
            .unwrap(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: Duration::from_secs(10),
    };
    egress
        .http(request)
        .await
        .map(|exchange| exchange.status.as_u16())
        .map_err(|failure| failure.detail)
}

#[tokio::test]
async fn a_certificate_can_be_replaced_while_serving() {
    let server = Server::start().await;
    let (first, second) = (certificate(), certificate());
    let tls = web::Tls::from_pem(first.0.as_bytes(), first.1.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(web::serve(
        server.app.clone(),
        listener,
        Some(tls.clone()),
        std::future::pending(),
    ));
    assert_eq!(status_over_tls(address, &first.0).await, Ok(200));
    assert!(status_over_tls(address, &second.0).await.is_err());
    assert!(tls.reload(first.0.as_bytes(), second.1.as_bytes()).is_err());
    assert_eq!(status_over_tls(address, &first.0).await, Ok(200));
    tls.reload(second.0.as_bytes(), second.1.as_bytes())
        .unwrap();
    assert_eq!(status_over_tls(address, &second.0).await, Ok(200));
}

#[tokio::test]
async fn a_body_that_keeps_no_pace_is_given_up_before_its_deadline() {
    let shell = shell(|settings| {
        settings.body_timeout = Duration::from_secs(3_600);
        settings.body_window = Duration::from_millis(50);
        settings.body_rate = 1_000;
    })
    .await;
    let form = json!({"name": "Door", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&shell.server.source(form).await);
    let mut stream = connect(shell.address).await;
    let head = format!(
        "POST /intake/{source} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
}
