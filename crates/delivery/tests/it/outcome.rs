use alertwire_delivery::{Cause, DeadReason, Delivery, HoldReason, Status, retry_after};
use proptest::prelude::*;

use crate::at;

fn causes() -> Vec<(Cause, &'static str)> {
    vec![
        (Cause::Dns, "dns"),
        (Cause::Blocked, "blocked"),
        (Cause::Connect, "connect"),
        (Cause::Tls("certificate expired".into()), "tls"),
        (Cause::ClientCertificate("none was shown".into()), "tls"),
        (Cause::Timeout, "timeout"),
        (Cause::Reset, "reset"),
        (
            Cause::Redirect {
                location: "https://b.example/".into(),
            },
            "redirect",
        ),
        (
            Cause::Redirect {
                location: String::new(),
            },
            "redirect",
        ),
        (Cause::Status(100), "http_other"),
        (Cause::Status(400), "http_4xx"),
        (Cause::Status(401), "http_4xx"),
        (Cause::Status(404), "http_4xx"),
        (Cause::Status(410), "http_4xx"),
        (Cause::Status(413), "http_4xx"),
        (Cause::Status(422), "http_4xx"),
        (Cause::Status(429), "http_4xx"),
        (Cause::Status(503), "http_5xx"),
        (Cause::Status(999), "http_other"),
        (Cause::ResponseTooLarge, "response_too_large"),
        (Cause::Protocol, "protocol"),
        (Cause::Login("401".into()), "login"),
    ]
}

#[test]
fn every_cause_has_a_stable_class_a_sentence_and_a_remedy() {
    for (cause, class) in causes() {
        assert_eq!(cause.class(), class);
        let said = cause.to_string();
        assert!(!said.is_empty() && !said.ends_with([' ', '.']), "{said}");
        assert!(cause.remedy().ends_with('.'), "{class}");
        let stored = serde_json::to_string(&cause).unwrap();
        assert_eq!(serde_json::from_str::<Cause>(&stored).unwrap(), cause);
    }
}

#[test]
fn only_410_is_gone() {
    let gone: Vec<_> = causes()
        .into_iter()
        .map(|(cause, _)| cause)
        .filter(Cause::is_gone)
        .collect();
    assert_eq!(gone, [Cause::Status(410)]);
}

#[test]
fn stored_words_are_read_back() {
    for status in [Status::Pending, Status::Delivered, Status::Dead] {
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            format!("\"{}\"", status.as_str())
        );
    }
    for reason in DeadReason::ALL {
        assert_eq!(reason.as_str().parse(), Ok(reason));
        assert_eq!(
            serde_json::to_string(&reason).unwrap(),
            format!("\"{}\"", reason.as_str())
        );
    }
    assert!(
        "parked".parse::<Status>().is_err(),
        "parked is derived and never stored"
    );
    assert!("".parse::<DeadReason>().is_err());
}

#[test]
fn what_has_ended_is_not_pulled_forward() {
    let mut delivery = Delivery::new(at(100));
    delivery.give_up(DeadReason::Removed);
    let before = delivery.clone();
    delivery.pull_forward(at(0));
    assert_eq!(delivery, before);
}

proptest! {
    #[test]
    fn no_retry_after_breaks_anything_or_passes_the_cap(value in "\\PC{0,70}", micros: i64) {
        let now = domain::Timestamp::from_micros(micros);
        let wait = retry_after::parse(&value, now);
        prop_assert!(wait.is_none_or(|wait| !wait.is_zero() && wait <= retry_after::CAP));
    }

    #[test]
    fn seconds_are_taken_as_they_are(seconds in 1..=86_400_u64) {
        prop_assert_eq!(retry_after::parse(&seconds.to_string(), at(0)).map(|wait| wait.as_secs()), Some(seconds));
    }
}

#[test]
fn every_cause_and_every_hold_has_its_section_in_the_documentation() {
    let page = include_str!("../../../../docs/errors.md");
    let has = |name: &str| page.lines().any(|line| line == format!("### `{name}`"));
    for class in Cause::CLASSES {
        assert!(has(class), "docs/errors.md has no section `{class}`");
    }
    for (cause, class) in causes() {
        assert!(Cause::CLASSES.contains(&class), "{class}");
        let remedy = cause.remedy();
        assert!(page.contains(remedy), "docs/errors.md lacks: {remedy}");
    }
    for reason in HoldReason::ALL {
        let (name, remedy) = (reason.as_str(), reason.remedy());
        assert!(has(name), "docs/errors.md has no section `{name}`");
        assert!(page.contains(remedy), "docs/errors.md lacks: {remedy}");
    }
}
