//! The steps of a check, and that its test alert is marked.

use std::time::Duration;

use connectors::{CheckReport, Ready, parse, test_alert};
use delivery::{Cause, HoldReason, Outcome};
use egress::{Egress, Settings};
use serde_json::{Value, json};
use testkit::{Answer, Certificate, ManualClock, Target};

use crate::support::{alert, clock, object, ready, stored};

async fn check(ready: &Ready) -> CheckReport {
    let via = vec![("alertwire-via".to_owned(), "instance-1".to_owned())];
    ready
        .check(
            &test_alert(alert().delivery, via, Duration::from_secs(15)),
            &clock(&ManualClock::anywhere()),
            &mut |_| {},
        )
        .await
}

fn names(report: &CheckReport) -> Vec<(&'static str, bool)> {
    report
        .steps
        .iter()
        .map(|step| (step.name, step.ok))
        .collect()
}

fn login(target: &Target) -> Value {
    json!({"authentication_url": target.url("/login"), "username": "u", "password": "p"})
}

#[tokio::test]
async fn a_good_set_up_passes_each_step_with_a_marked_alert() {
    let target = Target::start().await;
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    let report = check(&ready(&target, login(&target))).await;
    assert!(report.ok);
    let expected = [
        "url",
        "dns",
        "policy",
        "tcp",
        "login_dns",
        "login_policy",
        "login_tcp",
        "login",
        "token",
        "test_alert",
        "status",
    ];
    assert_eq!(
        report
            .steps
            .iter()
            .map(|step| step.name)
            .collect::<Vec<_>>(),
        expected
    );
    let received = target.received().pop().unwrap();
    assert_eq!(received.header("alertwire-event"), Some("test"));
    assert_eq!(received.header("alertwire-via"), Some("instance-1"));
    assert_eq!(received.header("authorization"), Some("Bearer t0ken"));
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(body["subject"], "Alertwire Test");
    assert_eq!(
        body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["subject", "body"]
    );
    let shown = serde_json::to_value(&report).unwrap();
    assert_eq!(shown["steps"][0]["name"], "url");
    assert!(shown["steps"][3]["millis"].is_number());
    assert_eq!(shown.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_check_never_believes_a_cached_token() {
    let target = Target::start().await;
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    let ready = ready(&target, login(&target));
    assert!(check(&ready).await.ok);
    target.on_path("/login", Answer::status(401));
    let report = check(&ready).await;
    assert_eq!(names(&report).last(), Some(&("login", false)));
    assert_eq!(report.outcome, Outcome::Held(HoldReason::Login));
}

#[tokio::test]
async fn the_first_bad_step_is_the_last() {
    let target = Target::start().await;
    target.answer(Answer::status(500));
    let report = check(&ready(&target, json!({}))).await;
    assert_eq!(names(&report).last(), Some(&("status", false)));
    assert_eq!(
        report.steps.last().unwrap().detail,
        "status 500; only 2xx counts as received"
    );
    assert_eq!(
        report.outcome,
        Outcome::Failed {
            cause: Cause::Status(500),
            retry_after: None
        }
    );

    target.on_path("/login", Answer::json("{}"));
    let report = check(&ready(&target, login(&target))).await;
    assert_eq!(
        names(&report)[names(&report).len() - 2..],
        [("login", true), ("token", false)]
    );

    target.answer(Answer::reset_after_reading());
    let report = check(&ready(&target, json!({}))).await;
    assert_eq!(names(&report).last(), Some(&("test_alert", false)));

    let webhook = ready(&target, json!({}));
    drop(target);
    tokio::task::yield_now().await;
    let report = check(&webhook).await;
    assert_eq!(names(&report).last(), Some(&("tcp", false)));
}

#[tokio::test]
async fn a_name_that_resolves_to_a_refused_address_fails_at_the_policy() {
    let target = Target::start().await;
    let narrow = || {
        let entry = format!("10.0.0.0/8:{}", target.port()).parse().unwrap();
        Egress::new(Settings {
            allow: vec![entry],
            ..Settings::default()
        })
        .unwrap()
    };
    let url = format!("https://localhost:{}/", target.port());
    let (integration, secrets) =
        stored(parse("webhook", &object(json!({"webhook_url": url})), &narrow()).unwrap());
    let report = check(&Ready::new(&integration, &secrets, narrow()).unwrap()).await;
    assert!(!report.ok);
    assert_eq!(
        names(&report),
        [("url", true), ("dns", true), ("policy", false)]
    );
    assert_eq!(report.steps[2].detail, "blocked by egress policy");
    assert_eq!(report.outcome, Outcome::Held(HoldReason::BlockedAddress));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_bad_certificate_fails_at_tls() {
    let target = Target::start_tls(Certificate::WrongHost).await;
    let report = check(&ready(&target, json!({}))).await;
    assert_eq!(names(&report).last(), Some(&("tls", false)));
    assert!(matches!(
        report.outcome,
        Outcome::Failed {
            cause: Cause::Tls(_),
            ..
        }
    ));
}

#[tokio::test]
async fn each_step_is_told_as_it_ends_and_a_bad_one_has_its_cause_and_remedy() {
    let target = Target::start().await;
    target.answer(Answer::status(503));
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    let ready = ready(&target, login(&target));
    let test = test_alert(alert().delivery, Vec::new(), Duration::from_secs(15));
    let mut told = Vec::new();
    let report = ready
        .check(&test, &clock(&ManualClock::anywhere()), &mut |step| {
            // When the connection is told, no alert has been sent yet.
            if step.name == "login_tcp" {
                assert!(target.received().is_empty());
            }
            told.push(step.clone());
        })
        .await;
    assert_eq!(told, report.steps);
    assert!(told.len() <= connectors::MOST_STEPS);
    let (last, others) = told.split_last().unwrap();
    assert!(
        others
            .iter()
            .all(|step| step.cause.is_none() && step.remedy.is_none())
    );
    assert_eq!((last.name, last.cause), ("status", Some("http_5xx")));
    assert_eq!(last.remedy, Some(Cause::Status(503).remedy()));
}

#[tokio::test]
async fn a_login_that_cannot_be_reached_says_why() {
    let (target, gone) = (Target::start().await, Target::start().await);
    let webhook = ready(&target, login(&gone));
    drop(gone);
    tokio::task::yield_now().await;
    let report = check(&webhook).await;
    let last = report.steps.last().unwrap();
    assert_eq!((last.name, last.cause), ("login_tcp", Some("connect")));
    assert_eq!(report.outcome, Outcome::Held(HoldReason::Login));
    assert!(target.received().is_empty());
}
