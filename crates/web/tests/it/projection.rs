//! `GET /api/v1/events/{id}?as=…`.

use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Server, id, request};

const SAMPLE: &str = r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;
const SAMPLE_SHA256: &str = "b9d2ec4579d6ac1b75f78da414521287762caeabd20c20ed39d8ddb230935e5b";

/// The events of a message that came by a source of these settings.
async fn received(server: &Server, settings: Value, payload: &str) -> Vec<String> {
    let mut form =
        json!({"name": "Door", "authentication": {"header": {"key": "X-Key", "value": "sesame"}}});
    let settings = settings.as_object().unwrap().clone();
    form.as_object_mut().unwrap().extend(settings);
    let path = format!("/intake/{}", id(&server.source(form).await));
    let request = request(Method::POST, &path)
        .header("x-key", "sesame")
        .header("webhook-id", "msg_7")
        .body(Body::from(payload.to_owned()));
    let receipt = server.send(request.unwrap()).await.expect(202).json();
    let events = receipt["events"].as_array().unwrap().iter();
    events.map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_is_answered_as_a_siem_reads_it() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let event = &received(&server, json!({"company": "Acme"}), SAMPLE).await[0];
    let path = |format: &str| format!("/api/v1/events/{event}?as={format}");

    let ocsf = server.get(&path("ocsf")).await.expect(200);
    assert_eq!(ocsf.header("content-type"), "application/json");
    let ocsf = &ocsf.json()[0];
    assert_eq!(ocsf["type_uid"], 500_102);
    assert_eq!(ocsf["metadata"]["uid"], **event);
    assert_eq!(ocsf["metadata"]["original_event_uid"], "msg_7");
    assert_eq!(ocsf["metadata"]["tenant_uid"], acme);
    assert_eq!(ocsf["metadata"]["log_provider"], "Door");
    assert_eq!(ocsf["raw_data"], SAMPLE);
    assert_eq!(ocsf["raw_data_hash"]["value"], SAMPLE_SHA256);

    let ecs = server.get(&path("ecs")).await.expect(200).json();
    assert_eq!(ecs[0]["organization"]["name"], "Acme");
    assert_eq!(ecs[0]["server"]["port"], 443);

    let cef = server.get(&path("cef")).await.expect(200);
    assert_eq!(cef.header("content-type"), "text/plain; charset=utf-8");
    let cef = cef.text();
    assert!(cef.starts_with("CEF:0|Alertwire|Alertwire|"), "{cef}");
    assert!(
        cef.ends_with('\n') && cef.contains(&format!(" externalId={event} ")),
        "{cef}"
    );
    let leef = server.get(&path("leef")).await.expect(200).text();
    assert!(leef.contains("\tdst=192.168.1.100\t"), "{leef}");
}

#[tokio::test]
async fn each_record_is_a_document() {
    let server = Server::start().await;
    server.company("Acme").await;
    let records = json!([{"ip": "10.0.0.1"}, {"ip": "10.0.0.2", "hostname": "db-1"}]);
    let event = json!({"event": "system.asset_added", "company": "Acme", "records": records});
    let raised = server.post("/api/v1/events", event).await.expect(202);
    let event = id(&raised.json()["items"][0]);
    let path = format!("/api/v1/events/{event}?as=ecs");
    let documents = server.get(&path).await.expect(200).json();
    assert_eq!(documents.as_array().unwrap().len(), 2);
    assert_eq!(documents[0]["event"]["id"], format!("{event}.1"));
    assert_eq!(documents[1]["host"]["hostname"], "db-1");
    // What the API was sent is no alert, so the alert's own text is told.
    assert_eq!(documents[0]["event"]["original"], documents[0]["message"]);
}

#[tokio::test]
async fn an_unknown_format_is_refused() {
    let server = Server::start().await;
    server.company("Acme").await;
    let event = server.asset_added("Acme", "10.0.0.1").await;
    let path = format!("/api/v1/events/{event}?as=xml");
    server
        .get(&path)
        .await
        .field("?as", "one of ocsf, ecs, cef, leef");
}

#[tokio::test]
async fn no_document_tells_of_another_company() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let alert = |company: &str| {
        let body = format!("New company created with name {company}");
        json!({"subject": "New Company Created", "body": body})
    };
    let rule = |company: &str| json!({"when": {"body_company": company}, "company": company});
    let settings = json!({"company_rules": [rule("Acme"), rule("Globex")]});
    let payload = json!([alert("Acme"), alert("Globex")]).to_string();
    let events = received(&server, settings, &payload).await;
    let scope = Scope::Companies(vec![Server::company_id(&acme)]);
    let key = server.key(Role::Viewer, scope).await;
    for format in ["ocsf", "ecs", "cef", "leef"] {
        let path = |event: &str| format!("/api/v1/events/{event}?as={format}");
        let own = server
            .call_as(&key, Method::GET, &path(&events[0]), None)
            .await;
        let own = own.expect(200).text();
        assert!(own.contains("Acme") && !own.contains("Globex"), "{own}");
        let other = server
            .call_as(&key, Method::GET, &path(&events[1]), None)
            .await;
        other.problem(404);
    }
}
