//! A check and a finish that are told as they go.

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::Value;
use testkit::{Answer, Target};

use crate::support::{Server, request};

/// The events of a stream: name and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let of = |block: &str, field: &str| {
        let mut lines = block.lines();
        let line = lines.find_map(|line| line.strip_prefix(field))?;
        Some(line.trim().to_owned())
    };
    text.split("\n\n")
        .filter_map(|block| {
            let data = of(block, "data:")?;
            Some((of(block, "event:")?, serde_json::from_str(&data).unwrap()))
        })
        .collect()
}

fn asking(server: &Server, path: &str) -> http::Request<Body> {
    request(Method::POST, path)
        .header("authorization", format!("Bearer {}", server.admin))
        .header("accept", "text/event-stream")
        .body(Body::empty())
        .unwrap()
}

async fn path(server: &Server, target: &Target, call: &str) -> String {
    let id = server.integration("Hook", target).await;
    format!("/api/v1/integrations/{id}/{call}")
}

#[tokio::test]
async fn steps_are_told_while_the_test_alert_is_still_under_way() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = path(&server, &target, "check").await;
    target.answer(Answer::ok().hanging());
    let response = server.open(asking(&server, &path)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut text = String::new();
    while !text.contains("\"tcp\"") {
        let frame = body.frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    target.requests(2).await;
    assert!(
        !text.contains("test_alert") && !text.contains("event: check"),
        "{text}"
    );
    target.let_go();
    let rest = body.collect().await.unwrap().to_bytes();
    text.push_str(std::str::from_utf8(&rest).unwrap());
    let events = events(&text);
    let (last, steps) = events.split_last().unwrap();
    assert!(steps.iter().all(|(name, _)| name == "step"));
    let steps: Vec<&Value> = steps.iter().map(|(_, step)| step).collect();
    assert_eq!(last.0, "check");
    assert_eq!(last.1["ok"], true);
    let whole: Vec<&Value> = last.1["steps"].as_array().unwrap().iter().collect();
    assert_eq!(whole, steps);
    let view = server
        .get(path.strip_suffix("/check").unwrap())
        .await
        .json();
    assert_eq!(view["check"], last.1, "it is noted like any other check");
}

#[tokio::test]
async fn a_step_that_failed_has_cause_and_remedy() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = path(&server, &target, "check").await;
    target.answer(Answer::status(401));
    let text = server.send(asking(&server, &path)).await.expect(200).text();
    let events = events(&text);
    let (_, check) = events.last().unwrap();
    let steps = check["steps"].as_array().unwrap();
    let (last, others) = steps.split_last().unwrap();
    assert_eq!(
        (last["name"].as_str(), last["cause"].as_str()),
        (Some("status"), Some("http_4xx"))
    );
    assert!(last["remedy"].as_str().unwrap().contains("credentials"));
    assert!(
        others.iter().all(|step| step.get("cause").is_none()),
        "{check}"
    );
}

#[tokio::test]
async fn a_finish_that_fails_ends_its_stream_with_the_problem() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = path(&server, &target, "finish").await;
    let text = server.send(asking(&server, &path)).await.expect(200).text();
    assert_eq!(events(&text).last().unwrap().0, "finish");
    target.answer(Answer::status(503));
    let text = server.send(asking(&server, &path)).await.expect(200).text();
    let (name, problem) = events(&text).pop().unwrap();
    assert_eq!(name, "problem");
    assert_eq!(problem["title"], "Error Sending Request for URL");
    for key in ["cause", "remedy", "whitelisting", "request_id"] {
        assert!(problem[key].is_string(), "{key}: {problem}");
    }
}

#[tokio::test]
async fn live_checks_have_a_limit() {
    let server = Server::start_with(|settings| settings.streams = 1).await;
    let target = Target::start().await;
    let path = path(&server, &target, "check").await;
    target.answer(Answer::ok().hanging());
    let first = server.open(asking(&server, &path)).await;
    target.requests(2).await;
    server.send(asking(&server, &path)).await.problem(503);
    target.let_go();
    first.into_body().collect().await.unwrap();
}
