//! What others send that is wrong.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::server::Answer;
use crate::support::{Api, Place, Server};

const SECRET: &str = "the secret of the sender";

async fn intake(api: &Api) -> String {
    let form = json!({"name": "Sender", "authentication": {"header": {"key": "X-API-Key", "value": SECRET}}});
    let answer = api.call("POST", "api/v1/sources", Some(form)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["intake_url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let place = Place::new()
        .with("ALERTWIRE_LIMITS__INTAKE_BODY", "64KiB")
        .with("ALERTWIRE_LIMITS__EVENTS_BODY", "128KiB");
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let headers = [("x-api-key", SECRET), ("content-type", "application/json")];
    let body = |bytes: usize| {
        json!({"subject": "a", "body": "x".repeat(bytes)})
            .to_string()
            .into_bytes()
    };
    assert_eq!(
        api.send("POST", &intake, body(64 * 1024), &headers)
            .await
            .unwrap()
            .status,
        413
    );
    assert_eq!(
        api.send("POST", &intake, body(1024), &headers)
            .await
            .unwrap()
            .status,
        202
    );
    let events = |bytes: usize| {
        json!({"event": "x", "company": "x".repeat(bytes)})
            .to_string()
            .into_bytes()
    };
    let answer = api
        .send("POST", "api/v1/events", events(128 * 1024), &headers[1..])
        .await
        .unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_wrong_field_is_422_and_named() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    api.made("api/v1/companies", json!({"name": "Acme Corporation"}))
        .await;
    for (event, pointer, near) in [
        (
            json!({"event": "system.aset_added", "company": "Acme Corporation", "fields": {"ip": "10.0.0.1"}}),
            "/event",
            "system.asset_added",
        ),
        (
            json!({"event": "system.asset_added", "company": "Acme Corporatoin", "fields": {"ip": "10.0.0.1"}}),
            "/company",
            "Acme Corporation",
        ),
        (
            json!({"event": "system.asset_added", "company": "Acme Corporation", "fields": {"ip": "10.0.0.1", "hostnme": "a"}}),
            "/fields",
            "hostname",
        ),
    ] {
        let answer = api.call("POST", "api/v1/events", Some(event)).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        let errors = answer.body["errors"].as_array().unwrap();
        assert!(
            errors
                .iter()
                .any(|error| error["pointer"].as_str().unwrap().contains(pointer)),
            "{pointer}: {}",
            answer.body
        );
        assert!(
            answer.body.to_string().contains(near),
            "{near}: {}",
            answer.body
        );
    }
    let stored = api.get("api/v1/events").await;
    assert_eq!(
        stored["items"],
        json!([]),
        "nothing of a bad request is stored"
    );
}

#[tokio::test]
async fn a_broken_alert_is_kept_and_acked() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let answer = api
        .send(
            "POST",
            &intake,
            b"\xff\xfe not JSON".to_vec(),
            &[("x-api-key", SECRET)],
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
    let event = answer.body["events"][0].as_str().unwrap();
    assert_eq!(
        api.get(&format!("api/v1/events/{event}")).await["decode"],
        "failed"
    );
    let raw = api
        .send(
            "GET",
            &format!("api/v1/journal/{}/raw", answer.body["id"].as_str().unwrap()),
            Vec::new(),
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        (raw.status, raw.body),
        (200, Value::Null),
        "the bytes are no JSON"
    );
    assert_eq!(raw.headers["content-length"], "11");
}

#[tokio::test]
async fn wrong_credentials_are_401_and_nothing_is_stored() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    for headers in [&[][..], &[("x-api-key", "wrong")]] {
        assert_eq!(
            api.send("POST", &intake, b"{}".to_vec(), headers)
                .await
                .unwrap()
                .status,
            401
        );
    }
    assert_eq!(api.get("api/v1/events").await["items"], json!([]));
}

/// How much more memory a server may take for whatever a client does, over what it had before.
const MOST_MEMORY: usize = 16 * MIB;
const MIB: usize = 1024 * 1024;
const SAMPLE: &str = r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;

/// The memory that a server holds.
#[derive(Debug)]
struct Memory {
    folder: PathBuf,
    before: usize,
}

impl Memory {
    /// Of now on.
    fn of(server: &Server) -> Self {
        let folder = PathBuf::from(format!("/proc/{}", server.id()));
        // The peak is from now on that of what follows.
        std::fs::write(folder.join("clear_refs"), "5").unwrap();
        let mut memory = Self { folder, before: 0 };
        memory.before = memory.read("VmRSS:");
        memory
    }

    /// Bytes; on Linux the kernel counts them.
    fn read(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(self.folder.join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<usize>().unwrap() * 1024
    }

    #[track_caller]
    fn stayed_below(&self, most: usize) {
        let grown = self.read("VmHWM:").saturating_sub(self.before);
        assert!(grown <= most, "{grown} bytes more than before");
    }
}

#[expect(clippy::disallowed_methods, reason = "the test is the client")]
async fn connect(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Writes what is to be written, or as much as the server takes, and reads the answer's status.
async fn status(stream: &mut TcpStream, request: &[u8]) -> String {
    // A server that has seen enough may close its side; its answer is there all the same.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// The head of a post to the source, for whoever writes HTTP by hand.
fn head(intake: &str, more: &str) -> String {
    let path = intake.rsplit_once("/intake/").unwrap().1;
    format!(
        "POST /intake/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-api-key: {SECRET}\r\n{more}\r\n"
    )
}

async fn post(api: &Api, intake: &str, body: Vec<u8>, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("x-api-key", SECRET)], more].concat();
    api.send("POST", intake, body, &headers).await.unwrap()
}

/// Whatever came before, an alert is taken, and all that was acked is there.
async fn works_on(api: &Api, intake: &str, acked: usize) {
    assert_eq!(post(api, intake, SAMPLE.into(), &[]).await.status, 202);
    let events = api.get("api/v1/events?limit=1000").await;
    assert_eq!(events["items"].as_array().unwrap().len(), acked + 1);
}

#[tokio::test]
async fn json_of_any_depth_is_kept_in_quarantine() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let memory = Memory::of(&server);
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    for body in [
        format!(r#"{{"subject": "Asset Ports", "body": "x", "more": {open}1{close}}}"#),
        format!("{open}{close}"),
        open.clone(),
        r#"{"a":"#.repeat(100_000),
    ] {
        let answer = post(&api, &intake, body.clone().into_bytes(), &[]).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let path = format!(
            "api/v1/events/{}",
            answer.body["events"][0].as_str().unwrap()
        );
        assert_eq!(api.get(&path).await["decode"], "failed");
    }
    memory.stayed_below(MOST_MEMORY);
    works_on(&api, &intake, 4).await;
}

#[tokio::test]
async fn ten_megabytes_that_unpack_to_ten_gigabytes_are_413() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0; 10 * MIB]).unwrap();
    let bomb = encoder.finish().unwrap().repeat(1_040);
    assert!(bomb.len() > 10 * MIB);
    let memory = Memory::of(&server);
    let gzip = [("content-encoding", "gzip")];
    let answer = post(&api, &intake, bomb.clone(), &gzip).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    let mut chunked = head(
        &intake,
        "content-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
    )
    .into_bytes();
    for chunk in bomb.chunks(100_000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status(&mut connect(&server).await, &chunked).await, "413");
    memory.stayed_below(MOST_MEMORY);
    works_on(&api, &intake, 0).await;
}

#[tokio::test]
async fn a_body_of_five_megabytes_is_413_and_a_subject_of_one_is_kept() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let memory = Memory::of(&server);
    let large = vec![b'x'; 5 * MIB];
    assert_eq!(post(&api, &intake, large, &[]).await.status, 413);
    memory.stayed_below(MOST_MEMORY);
    let subject = "x".repeat(1_000_000);
    let body = json!({"subject": subject, "body": "b"}).to_string();
    let answer = post(&api, &intake, body.into_bytes(), &[]).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let path = format!(
        "api/v1/events/{}",
        answer.body["events"][0].as_str().unwrap()
    );
    let event = api.get(&path).await;
    assert_eq!(
        (&event["decode"], &event["event"]),
        (&json!("ok"), &Value::Null)
    );
    assert_eq!(event["subject"].as_str().unwrap().len(), subject.len());
    memory.stayed_below(2 * MOST_MEMORY);
    works_on(&api, &intake, 1).await;
}

#[tokio::test]
async fn too_many_or_too_long_header_lines_are_431() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let lines = |count: usize, length: usize| -> String {
        let line = |number| format!("x-{number}: {}\r\n", "v".repeat(length));
        (0..count).map(line).collect()
    };
    for more in [lines(65, 1), lines(2, 10_000), lines(1_000, 1_000)] {
        let request = head(&intake, &more);
        let status = status(&mut connect(&server).await, request.as_bytes()).await;
        assert_eq!(status, "431");
    }
    works_on(&api, &intake, 0).await;
}

#[tokio::test]
async fn a_body_that_drips_in_chunks_is_408() {
    let place = Place::new().with("ALERTWIRE_LIMITS__BODY_TIMEOUT", "1s");
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let request = head(&intake, "transfer-encoding: chunked\r\n");
    let dripping = format!("{request}1\r\n{{\r\n1\r\n}}\r\n");
    let status = status(&mut connect(&server).await, dripping.as_bytes()).await;
    assert_eq!(status, "408");
    works_on(&api, &intake, 0).await;
}

/// How many clients say half of something and then nothing, from how many addresses.
const SLOW: u16 = 2_000;
const SLOW_ADDRESSES: u16 = 10;

/// Slow clients of several addresses: some never end their head, some never end their body.
async fn slow_clients(server: &Server, intake: &str) -> Vec<TcpStream> {
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let begun = head(intake, "content-length: 100\r\n");
    let mut slow = Vec::new();
    for number in 0..SLOW {
        let socket = TcpSocket::new_v4().unwrap();
        let [_, own] = (2 + number % SLOW_ADDRESSES).to_be_bytes();
        socket
            .bind(SocketAddr::from(([127, 0, 0, own], 0)))
            .unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let said = match number % 2 {
            0 => "POST /intake/",
            _ => &begun,
        };
        stream.write_all(said.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    slow
}

#[tokio::test]
async fn two_thousand_slow_clients_keep_nobody_out() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let intake = intake(&api).await;
    let memory = Memory::of(&server);
    let mut slow = slow_clients(&server, &intake).await;
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (api, intake) = (api.clone(), intake.clone());
        load.spawn(async move {
            for _ in 0..100 {
                assert_eq!(post(&api, &intake, SAMPLE.into(), &[]).await.status, 202);
            }
        });
    }
    // Meanwhile more of them come than one address may have: these make room among themselves.
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    for _ in 0..300 {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 0, 200], 0)))
            .unwrap();
        slow.push(socket.connect(address).await.unwrap());
    }
    load.join_all().await;
    memory.stayed_below(8 * MOST_MEMORY);
    works_on(&api, &intake, 400).await;
    drop(slow);
}
