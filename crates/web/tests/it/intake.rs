use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Answer, Server, id, request};

const SAMPLE: &str = r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;

/// The path of a source that takes the header `X-Key: sesame`.
async fn door(server: &Server, more: Value) -> String {
    let mut form =
        json!({"name": "Door", "authentication": {"header": {"key": "X-Key", "value": "sesame"}}});
    form.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    format!("/intake/{}", id(&server.source(form).await))
}

async fn post(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = request(Method::POST, path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn an_alert_is_stored_and_acknowledged() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let path = door(&server, json!({"company": "Acme"})).await;
    let receipt = post(&server, &path, &[("x-key", "sesame")], SAMPLE)
        .await
        .expect(202)
        .json();
    assert_eq!(
        receipt["sha256"],
        "b9d2ec4579d6ac1b75f78da414521287762caeabd20c20ed39d8ddb230935e5b"
    );
    let event = receipt["events"][0].as_str().unwrap();
    let event = server
        .get(&format!("/api/v1/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (event["event"].as_str(), event["match"].as_str()),
        (Some("system.port_open_probe"), Some("full"))
    );
    assert_eq!(event["company"]["id"], routed.company);
    assert_eq!(event["records"][0]["port"], 443);
    assert_eq!(event["entities"]["ip"], json!(["192.168.1.100"]));
    assert_eq!(event["spans"][0]["ip"]["start"], 35, "{event}");
    assert_eq!(event["routing"], "routed");
    let message = server
        .get(&format!("/api/v1/journal/{}", id(&receipt)))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (message["events"].clone(), message["sha256"].clone()),
        (receipt["events"].clone(), receipt["sha256"].clone())
    );
    assert_eq!(message["headers"]["x-key"], "[hidden]");
    let raw = server
        .get(&format!("/api/v1/journal/{}/raw", id(&receipt)))
        .await
        .expect(200);
    assert_eq!(
        (raw.text().as_str(), raw.header("content-type")),
        (SAMPLE, "application/octet-stream")
    );
}

#[tokio::test]
async fn the_same_message_is_stored_once() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let headers = [("x-key", "sesame"), ("webhook-id", "msg_1")];
    let first = post(&server, &path, &headers, SAMPLE)
        .await
        .expect(202)
        .json();
    let again = post(&server, &path, &headers, SAMPLE)
        .await
        .expect(202)
        .json();
    assert_eq!(first, again);
    assert_eq!(
        server.get("/api/v1/events").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_message_that_is_no_json_is_kept_and_acknowledged() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let body = b"\xff\x00 not json".as_slice();
    let receipt = post(&server, &path, &[("x-key", "sesame")], body)
        .await
        .expect(202)
        .json();
    let event = server
        .get(&format!(
            "/api/v1/events/{}",
            receipt["events"][0].as_str().unwrap()
        ))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (event["decode"].as_str(), event["event"].is_null()),
        (Some("failed"), true)
    );
    assert_eq!(
        server
            .get(&format!("/api/v1/journal/{}/raw", id(&receipt)))
            .await
            .expect(200)
            .raw,
        body
    );
}

#[tokio::test]
async fn wrong_credentials_store_nothing() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    for headers in [
        &[][..],
        &[("x-key", "sesam")],
        &[("authorization", "Bearer sesame")],
    ] {
        post(&server, &path, headers, SAMPLE).await.problem(401);
    }
    post(
        &server,
        "/intake/0190b7a0-0000-7000-8000-000000000000",
        &[("x-key", "sesame")],
        SAMPLE,
    )
    .await
    .problem(404);
    post(&server, "/intake/nonsense", &[("x-key", "sesame")], SAMPLE)
        .await
        .problem(404);
    assert_eq!(
        server.get("/api/v1/events").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let server = Server::start_with(|settings| settings.intake_bytes = 200).await;
    let path = door(&server, json!({})).await;
    post(&server, &path, &[("x-key", "sesame")], " ".repeat(201))
        .await
        .problem(413);
    post(&server, &path, &[("x-key", "sesame")], " ".repeat(200))
        .await
        .expect(202);
    post(&server, &path, &[], " ".repeat(201))
        .await
        .problem(401);
}

#[tokio::test]
async fn only_post_is_taken() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let answer = server
        .send(request(Method::GET, &path).body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.header("allow"), "POST");
    answer.problem(405);
}

#[tokio::test]
async fn a_login_gives_a_token_that_opens_the_door() {
    let server = Server::start().await;
    let form = json!({"name": "Door", "authentication": {"login": {"username": "me", "password": "pass-word"}}});
    let source = server.source(form).await;
    let path = format!("/intake/{}", id(&source));
    let token = format!("{path}/token");
    let bodies = [
        (
            r#"{"username":"me","password":"pass-word"}"#,
            "application/json",
        ),
        (
            "grant_type=client_credentials&client_id=me&client_secret=pass-word",
            "application/x-www-form-urlencoded",
        ),
    ];
    for (body, media_type) in bodies {
        let request = request(Method::POST, &token).header("content-type", media_type);
        let answer = server
            .send(request.body(Body::from(body)).unwrap())
            .await
            .expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let answer = answer.json();
        assert_eq!(answer["token_type"], "Bearer");
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        post(&server, &path, &[("authorization", &bearer)], SAMPLE)
            .await
            .expect(202);
        server.clock.advance(std::time::Duration::from_secs(
            answer["expires_in"].as_u64().unwrap() + 1,
        ));
        post(&server, &path, &[("authorization", &bearer)], SAMPLE)
            .await
            .problem(401);
    }
    post(
        &server,
        &token,
        &[],
        r#"{"username":"me","password":"wrong"}"#,
    )
    .await
    .problem(401);
    post(&server, &token, &[], "{}").await.problem(400);
}

#[tokio::test]
async fn an_address_list_knows_whom_the_proxy_speaks_for() {
    let server = Server::start_with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]
    })
    .await;
    let form = json!({"name": "Door", "authentication": {"addresses": ["203.0.113.0/24"]}});
    let path = format!("/intake/{}", id(&server.source(form).await));
    post(
        &server,
        &path,
        &[("x-forwarded-for", "203.0.113.9")],
        SAMPLE,
    )
    .await
    .expect(202);
    post(
        &server,
        &path,
        &[("x-forwarded-for", "203.0.113.9, 198.51.100.1")],
        SAMPLE,
    )
    .await
    .problem(401);
    post(&server, &path, &[], SAMPLE).await.problem(401);
}

#[tokio::test]
async fn the_intake_answers_for_every_host() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let request = http::Request::post(&path)
        .header("host", "elsewhere.example")
        .header("x-key", "sesame");
    server
        .send(request.body(Body::from(SAMPLE)).unwrap())
        .await
        .expect(202);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let best = flate2::Compression::best();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), best);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_packed_alert_is_the_same_as_a_plain_one() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let headers = [("x-key", "sesame"), ("webhook-id", "msg_1")];
    let plain = post(&server, &path, &headers, SAMPLE).await.expect(202);
    let mut headers = headers.to_vec();
    headers.push(("content-encoding", "gzip"));
    let packed = post(&server, &path, &headers, gzip(SAMPLE.as_bytes())).await;
    assert_eq!(
        packed.expect(202).json(),
        plain.json(),
        "known again by id and body"
    );
    headers[1].1 = "msg_2";
    let receipt = post(&server, &path, &headers, gzip(SAMPLE.as_bytes())).await;
    let receipt = receipt.expect(202).json();
    assert_eq!(receipt["sha256"], plain.json()["sha256"]);
    let raw = server
        .get(&format!("/api/v1/journal/{}/raw", id(&receipt)))
        .await;
    assert_eq!(raw.expect(200).text(), SAMPLE);
}

#[tokio::test]
async fn a_packed_alert_is_signed_as_it_was_before_it_was_packed() {
    let server = Server::start().await;
    let whsec = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let form = json!({"name": "Door", "authentication": {"signature": {"secret": whsec}}});
    let path = format!("/intake/{}", id(&server.source(form).await));
    let now = server.clock.now().unix_seconds();
    let secret = receive::parse_signing_secret(whsec).unwrap();
    let signature = receive::sign(secret.reveal(), "msg_1", now, SAMPLE.as_bytes());
    let timestamp = now.to_string();
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-encoding", "gzip"),
    ];
    let packed = gzip(SAMPLE.as_bytes());
    post(&server, &path, &headers, packed.clone())
        .await
        .expect(202);
    post(&server, &path, &headers[1..], packed)
        .await
        .problem(401);
}

#[tokio::test]
async fn bombs_other_codings_and_broken_gzip_are_told_apart() {
    let server = Server::start().await;
    let path = door(&server, json!({})).await;
    let send = async |coding: &str, body: Vec<u8>| {
        let headers = [("x-key", "sesame"), ("content-encoding", coding)];
        post(&server, &path, &headers, body).await
    };
    let bomb = gzip(&vec![b' '; 900_000]);
    assert!(bomb.len() < 10_000);
    let problem = send("gzip", bomb).await.problem(413);
    assert_eq!(problem["type"], "urn:alertwire:problem:too-dense");
    send("gzip", gzip(&vec![b' '; 30 << 20])).await.problem(413);
    for coding in ["br", "deflate", "gzip, gzip", "identity, gzip", ""] {
        let refused = send(coding, b"x".to_vec()).await;
        assert_eq!(refused.header("accept-encoding"), "gzip, identity");
        refused.problem(415);
    }
    send("gzip", SAMPLE.into()).await.problem(400);
    send("gzip", gzip(SAMPLE.as_bytes())[..60].to_vec())
        .await
        .problem(400);
    send("GZIP", gzip(b"not json")).await.expect(202);
    let stored = server.get("/api/v1/events").await.json();
    assert_eq!(stored["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_source_has_limits_of_its_own() {
    let server = Server::start().await;
    let limits = json!({"body_bytes": 300, "messages_per_second": 1, "burst": 2});
    let path = door(&server, json!({"limits": limits})).await;
    let headers = [("x-key", "sesame")];
    post(&server, &path, &headers, " ".repeat(301))
        .await
        .problem(413);
    let taken = post(&server, &path, &headers, SAMPLE).await.expect(202);
    assert_eq!(taken.header("ratelimit-policy"), "\"source\";q=2;w=2");
    assert_eq!(taken.header("ratelimit"), "\"source\";r=0;t=2");
    let refused = post(&server, &path, &headers, SAMPLE).await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"source\";r=0;t=2");
    refused.problem(429);
    server.clock.advance(std::time::Duration::from_secs(1));
    post(&server, &path, &headers, SAMPLE).await.expect(202);
    let free =
        json!({"name": "Free", "authentication": {"header": {"key": "X-Key", "value": "sesame"}}});
    let free = format!("/intake/{}", id(&server.source(free).await));
    let taken = post(&server, &free, &headers, SAMPLE).await.expect(202);
    assert_eq!(
        taken.header("ratelimit"),
        "",
        "nobody is told of a limit that is not there"
    );
}

#[tokio::test]
async fn a_chain_of_proxies_is_believed_from_its_end_up_to_the_first_stranger() {
    let server = Server::start_with(|settings| {
        settings.trusted_proxies = vec![
            "127.0.0.0/8".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ]
    })
    .await;
    let header = json!({"key": "X-Key", "value": "sesame"});
    let form = json!({"name": "Door", "authentication": {"header": header, "addresses": ["203.0.113.0/24", "2001:db8::/32"]}});
    let path = format!("/intake/{}", id(&server.source(form).await));
    for (chain, status) in [
        ("203.0.113.9", 202),
        ("203.0.113.9, 10.0.0.1, 10.0.0.2", 202),
        ("6.6.6.6, 203.0.113.9, 10.0.0.1", 202),
        ("[2001:db8::1]:443, 10.0.0.1", 202),
        ("203.0.113.9, 6.6.6.6, 10.0.0.1", 401),
        ("203.0.113.9, nonsense, 10.0.0.1", 401),
        ("10.0.0.1", 401),
    ] {
        let headers = [("x-key", "sesame"), ("x-forwarded-for", chain)];
        let answer = post(&server, &path, &headers, SAMPLE).await;
        assert_eq!(answer.status, status, "{chain}");
    }
    let lines = [
        ("x-key", "sesame"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "6.6.6.6"),
    ];
    post(&server, &path, &lines, SAMPLE).await.problem(401);
}

/// The receipt of an alert that says the same as the last one.
async fn repeated(server: &Server, path: &str) -> (String, String) {
    let receipt = post(server, path, &[("x-key", "sesame")], SAMPLE).await;
    let receipt = receipt.expect(202).json();
    (
        id(&receipt),
        receipt["events"][0].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn every_repeat_is_counted_and_explained_until_it_has_been_quiet() {
    let server = Server::start().await;
    let path = door(&server, json!({"dedup_window": "5m"})).await;
    let minutes = |minutes: u64| {
        server
            .clock
            .advance(std::time::Duration::from_secs(60 * minutes))
    };
    let (first, event) = repeated(&server, &path).await;
    minutes(4);
    repeated(&server, &path).await;
    minutes(4);
    let (last, counted) = repeated(&server, &path).await;
    assert_eq!(counted, event);
    let path_of = |event: &str| format!("/api/v1/events/{event}");
    let view = server.get(&path_of(&event)).await.expect(200).json();
    assert_eq!(
        (&view["count"], &view["last_journal_id"]),
        (&json!(3), &json!(last))
    );
    assert_eq!(view["first_seen_at"], view["received_at"]);
    assert_ne!(view["last_seen_at"], view["first_seen_at"]);
    let trace = server
        .get(&format!("{}/trace", path_of(&event)))
        .await
        .json();
    let hops = trace["hops"].as_array().unwrap();
    let said = hops.iter().find(|hop| hop["hop"] == "repeats").unwrap();
    let said = said["detail"].as_str().unwrap();
    assert!(
        said.starts_with("counted 3 times, last at ") && said.contains(&last),
        "{said}"
    );
    let journal = async |message: &str| {
        server
            .get(&format!("/api/v1/journal/{message}"))
            .await
            .json()
    };
    assert_eq!(journal(&last).await["counted_on"], json!([event]));
    assert_eq!(journal(&first).await["counted_on"], json!([]));
    minutes(5);
    let (_, again) = repeated(&server, &path).await;
    assert_ne!(again, event);
    let view = server.get(&path_of(&again)).await.json();
    assert_eq!(
        (&view["reopened"], &view["count"]),
        (&json!(event), &json!(1))
    );
    let trace = server
        .get(&format!("{}/trace", path_of(&again)))
        .await
        .json();
    assert!(trace.to_string().contains("had been quiet"), "{trace}");
}
