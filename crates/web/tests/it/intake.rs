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
    post(
        &server,
        &path,
        &[("x-key", "sesame"), ("content-encoding", "gzip")],
        "x",
    )
    .await
    .problem(415);
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
