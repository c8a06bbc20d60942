use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::support::{Server, request};

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    server.get("/api/v1/nothing").await.problem(404);
    let answer = server
        .call_as(&server.admin, Method::DELETE, "/api/v1/companies", None)
        .await;
    assert!(
        answer.header("allow").contains("POST") && answer.header("allow").contains("GET"),
        "{:?}",
        answer.headers
    );
    answer.problem(405);
    server.get("/api/v1/companies/not-an-id").await.problem(404);
}

#[tokio::test]
async fn a_body_that_is_no_json_names_its_byte() {
    let server = Server::start().await;
    let post = async |media_type: &str, body: &'static str| {
        let request = request(Method::POST, "/api/v1/companies").header("content-type", media_type);
        let request = request.header("authorization", format!("Bearer {}", server.admin));
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    post("application/json", "{\"name\": }")
        .await
        .field("", "byte 9");
    post("application/json; charset=utf-8", "")
        .await
        .field("", "byte 0");
    post("application/json", "{\"name\": \"a\", \"name\": \"b\"}")
        .await
        .field("/name", "given twice");
    post("text/plain", "{\"name\": \"a\"}").await.problem(415);
    post("application/x-www-form-urlencoded", "name=a")
        .await
        .problem(415);
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_misdirected() {
    let server = Server::start_with(|settings| {
        settings.public_url = web::PublicUrl::parse("https://alerts.example.com").unwrap()
    })
    .await;
    let get = async |host: &str| {
        server
            .send(
                Request::get("/livez")
                    .header("host", host)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await
    };
    for host in [
        "localhost",
        "127.0.0.1:8080",
        "alerts.example.com",
        "[::1]:8080",
    ] {
        get(host).await.expect(200);
    }
    for host in [
        "evil.example",
        "",
        "alerts.example.com.evil.example",
        "192.0.2.1",
    ] {
        get(host).await.problem(421);
    }
    server
        .send(Request::get("/livez").body(Body::empty()).unwrap())
        .await
        .problem(421);
}

#[tokio::test]
async fn the_id_of_a_request_is_in_its_problem() {
    let server = Server::start().await;
    let answer = server.post("/api/v1/companies", json!({})).await;
    let header = answer.header("x-request-id").to_owned();
    assert_eq!(answer.problem(422)["request_id"], header.as_str());
}
