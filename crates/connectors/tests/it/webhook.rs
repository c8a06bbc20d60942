//! What reaches the wire, what an answer means, what is kept.

use connectors::signature::{Signer, header};
use connectors::{NotReady, Ready, parse};
use delivery::{Cause, HoldReason, Outcome};
use egress::{Egress, Settings};
use serde_json::json;
use testkit::{Answer, ManualClock, Target};

use crate::support::{ALERT, OLD_SECRET, SECRET, alert, clock, door, object, ready, send, stored};

#[tokio::test]
async fn the_frozen_alert_reaches_the_wire_byte_for_byte() {
    let target = Target::start().await;
    let sent = send(&ready(&target, json!({})), &ManualClock::anywhere()).await;
    assert_eq!(sent.outcome, Outcome::Delivered { status_code: 200 });
    let received = target.received().remove(0);
    assert_eq!(
        (received.method.as_str(), received.path.as_str()),
        ("POST", "/hook")
    );
    assert_eq!(received.body, ALERT);
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("user-agent"), Some(egress::USER_AGENT));
    assert_eq!(
        received.header("content-length"),
        Some(ALERT.len().to_string().as_str())
    );
    assert_eq!(
        received.header("webhook-id"),
        Some(alert().delivery.to_string().as_str())
    );
    assert_eq!(received.header("webhook-timestamp"), Some("1705314600"));
    assert_eq!(
        received.header("alertwire-event"),
        Some("system.port_open_probe")
    );
    assert_eq!(
        received.header("alertwire-company"),
        Some("M%C3%BCller%20%26%20Co")
    );
    for absent in [
        "accept-encoding",
        "authorization",
        "webhook-signature",
        "accept",
        "transfer-encoding",
    ] {
        assert_eq!(received.header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn each_attempt_has_its_own_span_in_the_trace_of_the_event() {
    let target = Target::start().await;
    let ready = ready(&target, json!({}));
    let clock = clock(&ManualClock::anywhere());
    for attempt in [1, 2] {
        let outgoing = connectors::Outgoing { attempt, ..alert() };
        ready.send(&[outgoing], &clock).await;
    }
    let spans: Vec<_> = target
        .received()
        .iter()
        .map(|request| request.header("traceparent").unwrap().to_owned())
        .collect();
    for span in &spans {
        assert!(
            span.starts_with("00-0af7651916cd43dd8448eb211c80319c-")
                && span.ends_with("-01")
                && span.len() == 55,
            "{span}"
        );
    }
    assert_ne!(spans[0], spans[1]);
}

#[tokio::test]
async fn both_live_secrets_sign_with_the_time_of_the_attempt() {
    let target = Target::start().await;
    let ready = ready(
        &target,
        json!({"signing_secret": SECRET, "signing_secret_previous": OLD_SECRET}),
    );
    let clock = ManualClock::anywhere();
    send(&ready, &clock).await;
    clock.advance(std::time::Duration::from_secs(5));
    send(&ready, &clock).await;
    for (request, timestamp) in target.received().iter().zip([1_705_314_600, 1_705_314_605]) {
        let signers = [SECRET, OLD_SECRET].map(|secret| Signer::parse(secret).unwrap());
        let expected = header(&signers, &alert().delivery.to_string(), timestamp, ALERT);
        assert_eq!(request.header("webhook-signature"), Some(expected.as_str()));
        assert_eq!(expected.split(' ').count(), 2);
    }
}

#[tokio::test]
async fn a_static_header_and_basic_are_sent_on_every_request() {
    let target = Target::start().await;
    let credentials = json!({"header_key": "X-API-Key", "header_value": "k-123456", "username": "Al\u{e4}ddin", "password": "open sesame"});
    let ready = ready(&target, credentials);
    for _ in 0..2 {
        send(&ready, &ManualClock::anywhere()).await;
    }
    for request in target.received() {
        assert_eq!(request.header("x-api-key"), Some("k-123456"));
        assert_eq!(
            request.header("authorization"),
            Some("Basic QWzDpGRkaW46b3BlbiBzZXNhbWU=")
        );
    }
}

#[tokio::test]
async fn an_answer_means_what_its_status_says() {
    let target = Target::start().await;
    let ready = ready(&target, json!({}));
    for status in [200, 201, 202, 204, 299] {
        target.then(Answer::status(status));
        assert_eq!(
            send(&ready, &ManualClock::anywhere()).await.outcome,
            Outcome::Delivered {
                status_code: status
            }
        );
    }
    for status in [400, 401, 404, 410, 429, 500, 502, 503] {
        target.then(Answer::status(status));
        let outcome = send(&ready, &ManualClock::anywhere()).await.outcome;
        assert_eq!(
            outcome,
            Outcome::Failed {
                cause: Cause::Status(status),
                retry_after: None
            }
        );
    }
    target.then(Answer::status(302).header("location", "https://elsewhere.example/"));
    let outcome = send(&ready, &ManualClock::anywhere()).await.outcome;
    assert!(
        matches!(outcome, Outcome::Failed { cause: Cause::Redirect { location }, .. } if location == "https://elsewhere.example/")
    );
    target.then(Answer::status(503).header("retry-after", "120"));
    let outcome = send(&ready, &ManualClock::anywhere()).await.outcome;
    assert!(matches!(
        outcome,
        Outcome::Failed {
            cause: Cause::Status(503),
            retry_after: Some(_)
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_a_failure_with_its_cause() {
    let target = Target::start().await;
    let ready = ready(&target, json!({}));
    for (answer, cause) in [
        (Answer::reset_after_reading(), Cause::Reset),
        (Answer::raw("nonsense\r\n\r\n"), Cause::Protocol),
        (Answer::ok().many_headers(1_000), Cause::ResponseTooLarge),
        (Answer::ok().hanging(), Cause::Timeout),
    ] {
        target.then(answer);
        let sent = send(&ready, &ManualClock::anywhere()).await;
        assert_eq!(
            sent.outcome,
            Outcome::Failed {
                cause,
                retry_after: None
            }
        );
        assert!(sent.record.detail.is_some() && sent.record.status_code.is_none());
        assert!(!sent.record.request_headers.is_empty());
    }
}

#[tokio::test]
async fn the_record_has_all_but_the_secrets() {
    let target = Target::start().await;
    let echo = Answer::decided(|request| {
        let body = format!(
            "you sent {} and {}",
            request.header("x-api-key").unwrap(),
            request.header("authorization").unwrap()
        );
        Answer::ok()
            .header("x-echo", request.header("x-api-key").unwrap())
            .header("set-cookie", "session=1")
            .body(body + "\0")
    });
    target.answer(echo);
    let credentials = json!({"header_key": "X-API-Key", "header_value": "canary-key", "username": "u", "password": "canary-pw"});
    let sent = send(&ready(&target, credentials), &ManualClock::anywhere()).await;
    let record = &sent.record;
    assert_eq!(record.status_code, Some(200));
    assert_eq!(
        record.response_body,
        "you sent [hidden] and Basic [hidden]\u{fffd}"
    );
    assert_eq!(record.address, Some(target.address()));
    assert_eq!(record.started_at, ManualClock::anywhere().now());
    assert!(
        record.timings_json()["total"].is_number() && record.timings_json().get("tls").is_none()
    );
    let header = |name: &str| {
        record
            .request_headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("x-api-key"), Some("[hidden]"));
    assert_eq!(header("authorization"), Some("[hidden]"));
    assert_eq!(header("host"), Some(target.address().to_string().as_str()));
    let answered = |name: &str| {
        record
            .response_headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        (answered("x-echo"), answered("set-cookie")),
        (Some("[hidden]"), Some("[hidden]"))
    );
    let all = format!("{sent:?}");
    assert!(
        !all.contains("canary") && !all.contains("dTpjYW5hcnktcHc="),
        "{all}"
    );
}

#[tokio::test]
async fn a_secret_in_the_target_of_a_redirect_is_hidden() {
    let target = Target::start().await;
    target
        .answer(Answer::status(302).header("location", "/login?key=canary%2Fkey&again=canary/key"));
    let credentials = json!({"header_key": "X-API-Key", "header_value": "canary/key"});
    let sent = send(&ready(&target, credentials), &ManualClock::anywhere()).await;
    let location = "/login?key=[hidden]&again=[hidden]".to_owned();
    assert_eq!(
        sent.outcome,
        Outcome::Failed {
            cause: Cause::Redirect { location },
            retry_after: None
        }
    );
    assert!(!format!("{sent:?}").contains("canary"));
}

#[tokio::test]
async fn a_long_answer_is_kept_up_to_the_limit() {
    let target = Target::start().await;
    target.answer(Answer::ok().body("x".repeat(100_000)));
    let sent = send(&ready(&target, json!({})), &ManualClock::anywhere()).await;
    assert_eq!(sent.record.response_body.len(), 64 * 1024);
    assert_eq!(sent.outcome, Outcome::Delivered { status_code: 200 });
}

#[tokio::test]
async fn a_place_that_was_closed_since_holds_and_sends_nothing() {
    let target = Target::start().await;
    let parsed = parse(
        "webhook",
        &object(json!({"webhook_url": target.url("/hook")})),
        &door(),
    )
    .unwrap();
    let (integration, secrets) = stored(parsed);
    let closed = Egress::new(Settings::default()).unwrap();
    let fault = Ready::new(&integration, &secrets, closed).unwrap_err();
    assert!(matches!(fault, NotReady::Refused(_)));
    assert_eq!(fault.reason(), HoldReason::BlockedAddress);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_refused_address_holds() {
    let target = Target::start().await;
    // The list opens the port for some range, so the name may be saved; localhost is not in that range.
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
    let ready = Ready::new(&integration, &secrets, narrow()).unwrap();
    let sent = send(&ready, &ManualClock::anywhere()).await;
    assert_eq!(sent.outcome, Outcome::Held(HoldReason::BlockedAddress));
    assert_eq!(
        sent.record.detail.as_deref(),
        Some("blocked by egress policy")
    );
    assert_eq!(target.connections(), 0);
}

#[test]
fn a_missing_secret_is_named() {
    let (integration, _) = stored(
        parse(
            "webhook",
            &object(json!({"webhook_url": "https://a.example", "signing_secret": SECRET})),
            &door(),
        )
        .unwrap(),
    );
    let fault = Ready::new(&integration, &Default::default(), door()).unwrap_err();
    assert_eq!(
        fault,
        NotReady::SecretsMissing(vec!["signing_secret".to_owned()])
    );
    assert_eq!(fault.reason(), HoldReason::SecretsMissing);
}

#[tokio::test]
async fn a_wall_clock_that_was_set_right_makes_the_signatures_right() {
    let target = Target::start().await;
    let (steady, wall) = (ManualClock::anywhere(), ManualClock::anywhere());
    wall.advance(std::time::Duration::from_secs(3_600));
    let (now, stamp) = (steady.clone(), wall.clone());
    let clock = domain::Clock::with_stamps(move || now.now(), move || stamp.now());
    let ready = ready(&target, json!({"signing_secret": SECRET}));
    let sent = ready.send(&[alert()], &clock).await.remove(0);
    let received = target.received().remove(0);
    let timestamp = wall.now().unix_seconds();
    assert_eq!(
        received.header("webhook-timestamp"),
        Some(timestamp.to_string().as_str())
    );
    let signers = [Signer::parse(SECRET).unwrap()];
    let expected = header(&signers, &alert().delivery.to_string(), timestamp, ALERT);
    assert_eq!(
        received.header("webhook-signature"),
        Some(expected.as_str())
    );
    assert_eq!(sent.record.started_at, wall.now());
}
