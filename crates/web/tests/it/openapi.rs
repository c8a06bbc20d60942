use axum::body::Body;
use http::{Method, StatusCode};

use crate::support::{Server, request};

#[tokio::test]
async fn the_description_names_every_path_and_the_alert_that_goes_out() {
    let server = Server::start().await;
    let document = server.get("/api/v1/openapi.json").await.expect(200).json();
    assert_eq!(document, web::openapi());
    assert_eq!(document["openapi"], "3.1.0");
    for (path, method) in [
        ("/api/v1/events", "post"),
        ("/api/v1/integrations/{id}/mappings/{company_id}", "put"),
        ("/intake/{source}", "post"),
    ] {
        assert!(
            document["paths"][path][method]["responses"]["default"].is_object(),
            "{path}"
        );
    }
    let alert = &document["webhooks"]["alert"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"];
    assert_eq!(alert["required"], serde_json::json!(["subject", "body"]));
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let document = web::openapi();
    let text = document.to_string();
    for reference in text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_call_of_the_description_is_routed_and_takes_a_key() {
    let server = Server::start().await;
    let document = web::openapi();
    let mut calls = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let place = path.replace(['{', '}'], "");
            let answer = server
                .send(request(method.clone(), &place).body(Body::empty()).unwrap())
                .await;
            let wanted = match path.as_str() {
                "/livez" | "/readyz" => StatusCode::OK,
                _ if path.starts_with("/intake/") => StatusCode::NOT_FOUND,
                _ => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(answer.status, wanted, "{method} {path}");
            assert_eq!(
                operation["security"].is_array(),
                wanted == StatusCode::UNAUTHORIZED,
                "{method} {path}"
            );
            calls += 1;
        }
    }
    assert!(calls > 40, "{calls}");
}
