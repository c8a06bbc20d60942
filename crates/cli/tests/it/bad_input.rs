//! What others send that is wrong.

use serde_json::{Value, json};

use crate::support::{Api, Place};

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
