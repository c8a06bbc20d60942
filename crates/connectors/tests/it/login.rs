//! Logins: how they are spoken, where the token goes, when it is asked for anew, and that nothing is sent without it.

use std::sync::Arc;
use std::time::Duration;

use delivery::{Cause, HoldReason, Outcome};
use serde_json::{Value, json};
use testkit::{Answer, ManualClock, Received, Target};

use crate::support::{alert, clock, ready, send};

fn credentials(target: &Target, more: Value) -> Value {
    let mut whole = json!({"authentication_url": target.url("/login"), "username": "u ser", "password": "p&ss:wörd"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(crate::support::object(more));
    whole
}

fn of_path(target: &Target, path: &str) -> Vec<Received> {
    target
        .received()
        .into_iter()
        .filter(|request| request.path == path)
        .collect()
}

#[tokio::test]
async fn each_way_to_log_in_is_spoken_as_it_should_be() {
    const FORM: &str = "application/x-www-form-urlencoded";
    for (login, content_type, body, authorization) in [
        (
            json!({}),
            Some("application/json"),
            r#"{"username":"u ser","password":"p&ss:wörd"}"#,
            None,
        ),
        (
            json!({"login": {"username_field": "user", "password_field": "key"}}),
            Some("application/json"),
            r#"{"user":"u ser","key":"p&ss:wörd"}"#,
            None,
        ),
        (
            json!({"login": "form"}),
            Some(FORM),
            "username=u+ser&password=p%26ss%3Aw%C3%B6rd",
            None,
        ),
        (
            json!({"login": {"method": "basic"}}),
            None,
            "",
            Some("Basic dSBzZXI6cCZzczp3w7ZyZA=="),
        ),
        (
            json!({"login": {"method": "client_credentials", "scope": "alerts write"}}),
            Some(FORM),
            "grant_type=client_credentials&scope=alerts+write",
            Some("Basic dStzZXI6cCUyNnNzJTNBdyVDMyVCNnJk"),
        ),
        (
            json!({"login": {"method": "client_credentials", "client_auth": "body"}}),
            Some(FORM),
            "grant_type=client_credentials&client_id=u+ser&client_secret=p%26ss%3Aw%C3%B6rd",
            None,
        ),
        (
            json!({"login": "password_grant"}),
            Some(FORM),
            "grant_type=password&username=u+ser&password=p%26ss%3Aw%C3%B6rd",
            None,
        ),
    ] {
        let target = Target::start().await;
        target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
        let sent = send(
            &ready(&target, credentials(&target, login.clone())),
            &ManualClock::anywhere(),
        )
        .await;
        assert_eq!(
            sent.outcome,
            Outcome::Delivered { status_code: 200 },
            "{login}"
        );
        let asked = of_path(&target, "/login").remove(0);
        assert_eq!(
            (asked.method.as_str(), asked.text()),
            ("POST", body),
            "{login}"
        );
        assert_eq!(asked.header("content-type"), content_type, "{login}");
        assert_eq!(asked.header("authorization"), authorization, "{login}");
        assert_eq!(
            of_path(&target, "/hook")[0].header("authorization"),
            Some("Bearer t0ken")
        );
    }
}

#[tokio::test]
async fn the_token_is_found_where_it_is() {
    for (login, answer) in [
        (json!({}), Answer::json(r#"{"access_token": "t0ken"}"#)),
        (json!({}), Answer::json(r#"{"token": "t0ken"}"#)),
        (json!({}), Answer::json(r#"{"data": {"token": "t0ken"}}"#)),
        (
            json!({"login": {"token_pointer": "/a/0/b"}}),
            Answer::json(r#"{"a": [{"b": "t0ken"}], "token": "other"}"#),
        ),
        (
            json!({"login": {"token_header": "X-Auth-Token"}}),
            Answer::status(204).header("x-auth-token", "t0ken"),
        ),
    ] {
        let target = Target::start().await;
        target.on_path("/login", answer);
        send(
            &ready(&target, credentials(&target, login.clone())),
            &ManualClock::anywhere(),
        )
        .await;
        assert_eq!(
            of_path(&target, "/hook")[0].header("authorization"),
            Some("Bearer t0ken"),
            "{login}"
        );
    }
}

#[tokio::test]
async fn the_template_says_where_the_token_goes() {
    for (header, authorization, key) in [
        (
            json!({"header_key": "X-Session", "header_value": "id={token};v=1"}),
            None,
            Some("id=t0ken;v=1"),
        ),
        (
            json!({"header_key": "Authorization", "header_value": "Token {token}"}),
            Some("Token t0ken"),
            None,
        ),
        (
            json!({"header_key": "X-Session", "header_value": "fixed"}),
            Some("Bearer t0ken"),
            Some("fixed"),
        ),
    ] {
        let target = Target::start().await;
        target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
        send(
            &ready(&target, credentials(&target, header.clone())),
            &ManualClock::anywhere(),
        )
        .await;
        let hook = of_path(&target, "/hook").remove(0);
        assert_eq!(
            (hook.header("authorization"), hook.header("x-session")),
            (authorization, key),
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_failing_login_holds_and_nothing_is_sent() {
    for answer in [
        Answer::status(401).body("secret reason"),
        Answer::status(500),
        Answer::status(302).header("location", "/hook"),
        Answer::ok().body("not json"),
        Answer::json("{}"),
        Answer::json(r#"{"access_token": ""}"#),
        Answer::json(r#"{"access_token": 7}"#),
        Answer::json(r#"{"access_token": "a\r\nx-evil: 1"}"#),
        Answer::json(&format!(r#"{{"access_token": "{}"}}"#, "a".repeat(9_000))),
        Answer::reset_after_reading(),
    ] {
        let target = Target::start().await;
        target.on_path("/login", answer.clone());
        let sent = send(
            &ready(&target, credentials(&target, json!({}))),
            &ManualClock::anywhere(),
        )
        .await;
        assert_eq!(sent.outcome, Outcome::Held(HoldReason::Login), "{answer:?}");
        let detail = sent.record.detail.unwrap();
        assert!(
            detail.contains("login") && !detail.contains("secret reason"),
            "{detail}"
        );
        assert!(of_path(&target, "/hook").is_empty());
    }
}

#[tokio::test]
async fn the_token_is_kept_until_shortly_before_it_ends() {
    let target = Target::start().await;
    target.on_path(
        "/login",
        Answer::json(r#"{"access_token": "t0ken", "expires_in": "600"}"#),
    );
    let ready = ready(&target, credentials(&target, json!({})));
    let clock = ManualClock::anywhere();
    for _ in 0..5 {
        send(&ready, &clock).await;
    }
    clock.advance(Duration::from_secs(539));
    send(&ready, &clock).await;
    assert_eq!(of_path(&target, "/login").len(), 1);
    clock.advance(Duration::from_secs(2));
    send(&ready, &clock).await;
    assert_eq!(of_path(&target, "/login").len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_within_the_attempt() {
    let target = Target::start().await;
    let number = Arc::new(std::sync::atomic::AtomicU32::new(0));
    target.on_path(
        "/login",
        Answer::decided(move |_| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Answer::json(&format!(r#"{{"access_token": "token-{number}"}}"#))
        }),
    );
    target.on_path(
        "/hook",
        Answer::decided(|request| match request.header("authorization") {
            Some("Bearer token-1") => Answer::ok(),
            _ => Answer::status(401),
        }),
    );
    let ready = ready(&target, credentials(&target, json!({})));
    let sent = send(&ready, &ManualClock::anywhere()).await;
    assert_eq!(sent.outcome, Outcome::Delivered { status_code: 200 });
    assert_eq!(of_path(&target, "/login").len(), 2);
    let ids: Vec<_> = of_path(&target, "/hook")
        .iter()
        .map(|request| request.header("webhook-id").map(str::to_owned))
        .collect();
    assert_eq!(ids[0], ids[1]);

    target.on_path("/hook", Answer::status(401));
    let sent = send(&ready, &ManualClock::anywhere()).await;
    assert_eq!(
        sent.outcome,
        Outcome::Failed {
            cause: Cause::Status(401),
            retry_after: None
        }
    );
    assert_eq!(
        (
            of_path(&target, "/login").len(),
            of_path(&target, "/hook").len()
        ),
        (3, 4)
    );
}

#[tokio::test]
async fn a_login_that_fails_anew_holds() {
    let target = Target::start().await;
    target.then(Answer::json(r#"{"access_token": "t0ken"}"#));
    target.then(Answer::status(401));
    target.on_path("/login", Answer::status(403));
    let sent = send(
        &ready(&target, credentials(&target, json!({}))),
        &ManualClock::anywhere(),
    )
    .await;
    assert_eq!(sent.outcome, Outcome::Held(HoldReason::Login));
}

#[tokio::test]
async fn many_sends_share_one_login_and_its_failure() {
    for (answer, outcome) in [
        (
            Answer::json(r#"{"access_token": "t0ken"}"#),
            Outcome::Delivered { status_code: 200 },
        ),
        (Answer::status(401), Outcome::Held(HoldReason::Login)),
    ] {
        let target = Target::start().await;
        target.on_path("/login", answer.hanging());
        let ready = Arc::new(ready(&target, credentials(&target, json!({}))));
        let mut sends = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let ready = Arc::clone(&ready);
            sends.spawn(async move { send(&ready, &ManualClock::anywhere()).await.outcome });
        }
        target.requests(1).await;
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        target.let_go();
        assert_eq!(sends.join_all().await, vec![outcome; 50]);
        assert_eq!(of_path(&target, "/login").len(), 1);
    }
}

#[tokio::test]
async fn a_login_that_failed_is_not_tried_again_at_once() {
    let target = Target::start().await;
    target.on_path("/login", Answer::status(401));
    let ready = ready(&target, credentials(&target, json!({})));
    let clock = ManualClock::anywhere();
    for _ in 0..5 {
        assert_eq!(
            send(&ready, &clock).await.outcome,
            Outcome::Held(HoldReason::Login)
        );
    }
    assert_eq!(of_path(&target, "/login").len(), 1);
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    clock.advance(Duration::from_secs(6));
    assert_eq!(
        send(&ready, &clock).await.outcome,
        Outcome::Delivered { status_code: 200 }
    );
}

#[tokio::test(start_paused = true)]
async fn a_hanging_login_ends_with_the_attempt() {
    let target = Target::start().await;
    target.on_path("/login", Answer::ok().hanging());
    let ready = ready(&target, credentials(&target, json!({})));
    let manual = ManualClock::anywhere();
    let sent = ready.send(&[alert()], &clock(&manual)).await.remove(0);
    assert_eq!(sent.outcome, Outcome::Held(HoldReason::Login));
    assert!(sent.record.duration < Duration::from_secs(16));
}
