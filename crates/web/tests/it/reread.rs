use domain::access::{Role, Scope};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::{Answer, Server, id, request};

const REREADS: &str = "/api/v1/rereads";
const SECRET: &str = "canary-secret-9876";
const WORDINGS: &str = "[[extend]]
code = 'system.asset_added'
aliases = ['Device Found']
variants = ['Found device {ip:ip}']
";

impl Server {
    /// A source of a company, by the path of its intake.
    async fn door(&self, company: &str) -> String {
        let header = json!({"header": {"key": "X-Door", "value": SECRET}});
        let form = json!({"name": "Door", "company": company, "authentication": header});
        let source = self.source(form).await;
        format!("/intake/{}", id(&source))
    }

    async fn take(&self, door: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
        let mut request = request(Method::POST, door).header("x-door", SECRET);
        for (name, value) in more {
            request = request.header(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        let body = axum::body::Body::from(body.to_vec());
        self.send(request.body(body).unwrap()).await
    }

    /// An event that is not understood; gives its id.
    async fn unread(&self, door: &str, last: u8) -> String {
        let body =
            json!({"subject": "Device Found", "body": format!("Found device 10.0.0.{last}")});
        let receipt = self.take(door, body.to_string().as_bytes(), &[]).await;
        let receipt = receipt.expect(202).json();
        receipt["events"][0].as_str().unwrap().to_owned()
    }

    async fn teach(&self) {
        let file = json!({"file": WORDINGS});
        self.post("/api/v1/catalog/kinds", file).await.expect(201);
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let door = server.door(&acme).await;
    let event = server.unread(&door, 1).await;
    server.teach().await;
    for body in [
        json!({"events": [event], "dry_run": true}),
        json!({"query": {"match": "none"}, "dry_run": true}),
        json!({"days": 1, "dry_run": true}),
    ] {
        let preview = server.post(REREADS, body).await.expect(200).json();
        assert_eq!(
            (
                &preview["count"],
                &preview["looked_at"],
                &preview["newly_understood"],
                &preview["routable"]
            ),
            (&json!(1), &json!(1), &json!(1), &json!(0)),
            "{preview}"
        );
        let sample = &preview["samples"][0];
        assert_eq!(
            (
                &sample["id"],
                &sample["difference"],
                &sample["before"]["event"],
                &sample["after"]["event"],
                &sample["after"]["records"],
                &sample["after"]["company"]["name"]
            ),
            (
                &json!(event),
                &json!("newly_understood"),
                &Value::Null,
                &json!("system.asset_added"),
                &json!([{"ip": "10.0.0.1"}]),
                &json!("Acme")
            )
        );
    }
    let path = format!("/api/v1/events/{event}/readings");
    let readings = server.get(&path).await.expect(200).json();
    assert_eq!(readings["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        server.get(REREADS).await.expect(200).json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_re_reading_is_begun_shown_and_steered_and_is_no_replay() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let door = server.door(&acme).await;
    server.unread(&door, 1).await;
    let body = json!({"query": {"match": "none"}, "days": 7, "route": true});
    let begun = server.post(REREADS, body).await.expect(202).json();
    assert_eq!(
        (&begun["query"], &begun["route"], &begun["left"]),
        (
            &json!({"match": "none", "days": 7}),
            &json!(true),
            &json!(1)
        )
    );
    let path = format!("{REREADS}/{}", id(&begun));
    assert_eq!(server.get(&path).await.expect(200).json(), begun);
    for (asked, state) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ] {
        let order = format!("{path}/{asked}");
        let view = server.post(&order, json!({})).await.expect(200).json();
        assert_eq!(view["state"], state);
    }
    let list = server.get(REREADS).await.expect(200).json();
    assert_eq!(list["items"][0]["id"], begun["id"]);
    let replays = server.get("/api/v1/replays").await.expect(200).json();
    assert_eq!(replays["items"], json!([]));
    let replay = format!("/api/v1/replays/{}", id(&begun));
    server.get(&replay).await.problem(404);
    let cancel = format!("{replay}/cancel");
    server.post(&cancel, json!({})).await.problem(404);
    let audit = server.get("/api/v1/audit").await.expect(200).json();
    let lines = audit["items"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["what"] == "reread"));
}

#[tokio::test]
async fn what_cannot_be_read_again_is_refused_by_its_field() {
    let server = Server::start().await;
    let nobody = "0190b7a0-0000-7000-8000-000000000000";
    for (body, pointer, words) in [
        (json!({}), "", "either"),
        (json!({"events": [nobody], "days": 1}), "", "either"),
        (json!({"events": []}), "/events", "no event"),
        (json!({"events": ["x"]}), "/events/0", "id of an event"),
        (json!({"days": 31}), "/days", "1 to 30"),
        (json!({"query": {"match": "x"}}), "/query/match", "one of"),
        (
            json!({"days": 1, "rate_per_second": 0}),
            "/rate_per_second",
            "whole number",
        ),
    ] {
        server.post(REREADS, body).await.field(pointer, words);
    }
    let body = json!({"events": [nobody]});
    server.post(REREADS, body).await.problem(404);
}

#[tokio::test]
async fn another_companys_events_are_not_there() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let door = server.door(&acme).await;
    let event = server.unread(&door, 1).await;
    let scope = Scope::Companies(vec![Server::company_id(&globex)]);
    let key = server.key(Role::Operator, scope).await;
    let path = format!("/api/v1/events/{event}/readings");
    server
        .call_as(&key, Method::GET, &path, None)
        .await
        .problem(404);
    let body = json!({"events": [event], "dry_run": true});
    server
        .call_as(&key, Method::POST, REREADS, Some(&body))
        .await
        .problem(404);
    let body = json!({"days": 1, "dry_run": true});
    let preview = server
        .call_as(&key, Method::POST, REREADS, Some(&body))
        .await;
    assert_eq!(preview.expect(200).json()["count"], 0);
    let body = json!({"days": 1});
    let begun = server.post(REREADS, body.clone()).await.expect(202).json();
    let path = format!("{REREADS}/{}", id(&begun));
    server
        .call_as(&key, Method::GET, &path, None)
        .await
        .problem(404);
    let viewer = server.key(Role::Viewer, Scope::All).await;
    server
        .call_as(&viewer, Method::POST, REREADS, Some(&body))
        .await
        .problem(403);
}

#[tokio::test]
async fn nothing_authenticated_is_refused_for_what_it_says() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let door = server.door(&acme).await;
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"subject": "{}", "body": ""}}"#, "s".repeat(900_000));
    let bodies: [&[u8]; 14] = [
        b"",
        b"\0",
        b"null",
        b"[]",
        b"{}",
        b"[1, \"a\", {}]",
        b"{\"subject\": 7, \"body\": {\"a\": []}}",
        b"{\"subject\": \"a\", \"subject\": \"b\"}",
        b"\xff\xfe\xfd",
        b"\xef\xbb\xbf{\"subject\": \"a\\q\", \"body\": \"b\",}",
        b"subject=a&body=%zz",
        b"Subject: a\n\nb",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    let types = [
        "application/json",
        "text/plain",
        "image/png",
        "application/x-www-form-urlencoded",
        "no type at all",
    ];
    for (place, body) in bodies.iter().enumerate() {
        let kind = types[place % types.len()];
        let answer = server.take(&door, body, &[("content-type", kind)]).await;
        let receipt = answer.expect(202).json();
        let path = format!("/api/v1/journal/{}/raw", id(&receipt));
        let raw = server.get(&path).await.expect(200).raw;
        assert_eq!(raw, *body, "kept byte for byte");
        assert!(!receipt["events"].as_array().unwrap().is_empty());
    }
    let failed = server.get("/api/v1/events?decode=failed").await;
    assert!(
        !failed.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let report = server.post("/api/v1/journal/verify", json!({})).await;
    let report = report.expect(200).json();
    assert_eq!(
        (&report["whole"], &report["messages"]),
        (&json!(true), &json!(bodies.len()))
    );
}
