//! An authority of the receiver's own and a client certificate: for send, login and check alike.

use std::time::Duration;

use connectors::{CheckReport, Ready, parse, test_alert};
use delivery::{Cause, HoldReason, Outcome};
use serde_json::{Value, json};
use testkit::{Answer, Authority, Certificate, ClientFiles, ManualClock, Target};

use crate::support::{alert, clock, door, object, ready, send, stored};

/// A time at which the certificates of the tests that are not expired are good.
fn today() -> ManualClock {
    ManualClock::anywhere()
}

fn shown(target: &Target, files: &ClientFiles) -> Value {
    json!({"ca": target.ca_pem(), "client_certificate": files.certificate, "client_key": files.key})
}

async fn check(ready: &Ready) -> CheckReport {
    let test = test_alert(alert().delivery, Vec::new(), Duration::from_secs(15));
    ready.check(&test, &clock(&today()), &mut |_| {}).await
}

#[tokio::test]
async fn the_right_certificate_gets_through_and_its_key_is_a_secret() {
    let clients = Authority::new();
    let target = Target::start_mutual(&clients).await;
    let files = clients.client(Certificate::Good);
    let mut credentials = object(shown(&target, &files));
    credentials.insert("webhook_url".to_owned(), target.url("/hook").into());
    let parsed = parse("webhook", &credentials, &door()).unwrap();
    assert_eq!(
        parsed.secrets.keys().collect::<Vec<_>>(),
        ["client_key"],
        "the certificates may be read back"
    );
    assert_eq!(parsed.fields["client_certificate"], files.certificate);
    let (integration, secrets) = stored(parsed);
    assert!(!format!("{integration:?}").contains("PRIVATE KEY"));
    let ready = Ready::new(&integration, &secrets, door()).unwrap();
    let sent = send(&ready, &today()).await;
    assert_eq!(sent.outcome, Outcome::Delivered { status_code: 200 });
    let report = check(&ready).await;
    assert!(report.ok, "{report:?}");
    let names: Vec<_> = report.steps.iter().map(|step| step.name).collect();
    assert_eq!(names[..3], ["url", "ca", "client_certificate"]);
    assert!(names.contains(&"tls"));
}

#[tokio::test]
async fn a_missing_a_strange_and_an_expired_certificate_are_told_apart() {
    let (clients, strangers) = (Authority::new(), Authority::new());
    let target = Target::start_mutual(&clients).await;
    for (credentials, words) in [
        (json!({"ca": target.ca_pem()}), "none was shown"),
        (
            shown(&target, &strangers.client(Certificate::Good)),
            "does not trust",
        ),
        (
            shown(&target, &clients.client(Certificate::Expired)),
            "expired",
        ),
    ] {
        let ready = ready(&target, credentials);
        let Outcome::Failed { cause, .. } = send(&ready, &today()).await.outcome else {
            panic!("{words}")
        };
        assert_eq!(cause.class(), "tls");
        assert!(
            matches!(&cause, Cause::ClientCertificate(detail) if detail.contains(words)),
            "{cause}"
        );
        let last = check(&ready).await.steps.pop().unwrap();
        assert_eq!((last.ok, last.cause), (false, Some("tls")), "{last:?}");
        assert!(
            last.remedy.unwrap().contains("client_certificate"),
            "{last:?}"
        );
    }
    assert!(target.received().is_empty());
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_warned_of_and_tried_all_the_same() {
    let target = Target::start_tls(Certificate::Good).await;
    let files = Authority::new().client(Certificate::Expired);
    let report = check(&ready(&target, shown(&target, &files))).await;
    assert!(report.ok, "this receiver does not ask for one");
    let step = &report.steps[2];
    assert_eq!(
        (step.name, step.ok, step.warning),
        ("client_certificate", true, true)
    );
    assert!(
        step.detail.contains("has expired on 2020-01-01"),
        "{}",
        step.detail
    );
    let step = serde_json::to_value(step).unwrap();
    assert_eq!((&step["warning"], step.get("cause")), (&json!(true), None));
}

#[tokio::test]
async fn the_login_is_approached_with_it_too() {
    let clients = Authority::new();
    let target = Target::start_mutual(&clients).await;
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    let login =
        json!({"authentication_url": target.url("/login"), "username": "u", "password": "p"});
    let mut good = object(shown(&target, &clients.client(Certificate::Good)));
    good.extend(object(login.clone()));
    let sent = send(&ready(&target, Value::Object(good)), &today()).await;
    assert_eq!(sent.outcome, Outcome::Delivered { status_code: 200 });
    let mut bare = object(login);
    bare.insert("ca".to_owned(), target.ca_pem().into());
    let bare = ready(&target, Value::Object(bare));
    let sent = send(&bare, &today()).await;
    assert_eq!(sent.outcome, Outcome::Held(HoldReason::Login));
    let last = check(&bare).await.steps.pop().unwrap();
    assert_eq!((last.name, last.cause), ("login", Some("tls")));
}

#[tokio::test]
async fn the_authority_of_one_integration_is_not_trusted_by_another() {
    let target = Target::start_tls(Certificate::Good).await;
    let door = door();
    let make = |credentials: Value| {
        let mut credentials = object(credentials);
        credentials.insert("webhook_url".to_owned(), target.url("/hook").into());
        let (integration, secrets) = stored(parse("webhook", &credentials, &door).unwrap());
        Ready::new(&integration, &secrets, door.clone()).unwrap()
    };
    let (own, other) = (make(json!({"ca": target.ca_pem()})), make(json!({})));
    let outcome = send(&own, &today()).await.outcome;
    assert_eq!(outcome, Outcome::Delivered { status_code: 200 });
    // The connection of the first is idle now, and one door serves both.
    let outcome = send(&other, &today()).await.outcome;
    assert!(
        matches!(&outcome, Outcome::Failed { cause: Cause::Tls(detail), .. } if detail.contains("not trusted")),
        "{outcome:?}"
    );
    assert_eq!(target.received().len(), 1);
}

#[test]
fn each_broken_rule_of_the_certificates_has_its_pointer() {
    let authority = Authority::new();
    let (ca, files) = (authority.pem(), authority.client(Certificate::Good));
    let other = authority.client(Certificate::Good);
    let url = "https://psa.example/hook";
    for (credentials, pointer, words) in [
        (
            json!({"webhook_url": url, "ca": "hello"}),
            "ca",
            "no certificate",
        ),
        (
            json!({"webhook_url": url, "ca": ca.repeat(17)}),
            "ca",
            "more than 16",
        ),
        (
            json!({"webhook_url": url, "ca": " ".repeat(64 * 1_024 + 1)}),
            "ca",
            "65536 bytes",
        ),
        (
            json!({"webhook_url": url, "ca": files.key}),
            "ca",
            "client_key",
        ),
        (
            json!({"webhook_url": "http://127.0.0.1/", "ca": ca}),
            "ca",
            "https",
        ),
        (
            json!({"webhook_url": url, "client_certificate": files.certificate}),
            "client_key",
            "is missing",
        ),
        (
            json!({"webhook_url": url, "client_key": files.key}),
            "client_certificate",
            "is missing",
        ),
        (
            json!({"webhook_url": url, "client_certificate": files.certificate, "client_key": other.key}),
            "client_key",
            "does not fit",
        ),
        (
            json!({"webhook_url": url, "client_certificate": "x", "client_key": files.key}),
            "client_certificate",
            "no certificate",
        ),
    ] {
        let errors = parse("webhook", &object(credentials), &door()).unwrap_err();
        let [error] = errors.as_slice() else {
            panic!("{pointer}: {errors:?}")
        };
        assert_eq!(error.pointer, format!("/credentials/{pointer}"));
        assert!(error.detail.contains(words), "{words}: {}", error.detail);
    }
}

#[test]
fn another_origin_needs_the_key_again() {
    let files = Authority::new().client(Certificate::Good);
    let credentials = json!({"webhook_url": "https://psa.example/hook", "client_certificate": files.certificate, "client_key": files.key});
    let parsed = parse("webhook", &object(credentials), &door()).unwrap();
    let change = |patch: Value| {
        connectors::change(
            "webhook",
            &parsed.fields,
            &parsed.secrets,
            &object(patch),
            &door(),
        )
    };
    let errors = change(json!({"webhook_url": "https://evil.example/hook"})).unwrap_err();
    assert_eq!(errors[0].pointer, "/credentials/client_key");
    assert!(errors[0].detail.contains("typed again"));
    let gone = json!({"webhook_url": "https://evil.example/hook", "client_key": null, "client_certificate": null});
    assert!(change(gone).unwrap().secrets.is_empty());
    let same = change(json!({"webhook_url": "https://psa.example/other"})).unwrap();
    assert!(same.secrets.contains_key("client_key"));
}
