//! One signing secret follows another without a gap.

use std::time::Duration;

use connectors::signature::{Signer, header, secret_of};
use connectors::{Parsed, Ready, change, parse, rotation};
use domain::Secret;
use serde_json::{Value, json};
use testkit::{ManualClock, Target};

use crate::support::{ALERT, OLD_SECRET, SECRET, alert, door, object, send, stored};

const URL: &str = "https://psa.example/hook";

fn parsed(credentials: Value) -> Parsed {
    parse("webhook", &object(credentials), &door()).unwrap()
}

fn secret(parsed: &Parsed, name: &str) -> Option<String> {
    parsed
        .secrets
        .get(name)
        .map(|secret| secret.reveal().clone())
}

#[tokio::test]
async fn both_sign_until_the_overlap_ends_and_the_newest_stands_first() {
    let target = Target::start().await;
    let clock = ManualClock::anywhere();
    let before = parsed(json!({"webhook_url": target.url("/hook"), "signing_secret": OLD_SECRET}));
    let until = clock.now().after(Duration::from_secs(60));
    let rotated = rotation::rotate(
        &before.fields,
        &before.secrets,
        Secret::new(SECRET.to_owned()),
        Some(until),
    );
    let (integration, secrets) = stored(rotated);
    let ready = Ready::new(&integration, &secrets, door()).unwrap();
    let signed = async |by: &[&str]| {
        send(&ready, &clock).await;
        let received = target.received().pop().unwrap();
        let signers: Vec<_> = by
            .iter()
            .map(|secret| Signer::parse(secret).unwrap())
            .collect();
        let expected = header(
            &signers,
            &alert().delivery.to_string(),
            clock.now().unix_seconds(),
            ALERT,
        );
        assert_eq!(
            received.header("webhook-signature"),
            Some(expected.as_str())
        );
    };
    signed(&[SECRET, OLD_SECRET]).await;
    clock.advance(Duration::from_secs(59));
    signed(&[SECRET, OLD_SECRET]).await;
    clock.advance(Duration::from_secs(1));
    signed(&[SECRET]).await;
}

#[test]
fn at_most_two_are_live() {
    let now = ManualClock::anywhere().now();
    let later = now.after(Duration::from_secs(60));
    let [one, two, three] = [1, 2, 3].map(|byte| secret_of(&[byte; 32]));
    let bare = parsed(json!({"webhook_url": URL}));
    let first = rotation::rotate(&bare.fields, &bare.secrets, one.clone(), Some(later));
    assert_eq!(
        secret(&first, "signing_secret_previous"),
        None,
        "there was none before"
    );
    assert_eq!(rotation::previous_until(&first.fields), None);
    let second = rotation::rotate(&first.fields, &first.secrets, two.clone(), Some(later));
    assert_eq!(
        secret(&second, "signing_secret_previous"),
        Some(one.reveal().clone())
    );
    assert_eq!(rotation::previous_until(&second.fields), Some(later));
    let third = rotation::rotate(&second.fields, &second.secrets, three.clone(), Some(later));
    assert_eq!(
        secret(&third, "signing_secret"),
        Some(three.reveal().clone())
    );
    assert_eq!(
        secret(&third, "signing_secret_previous"),
        Some(two.reveal().clone())
    );
    let at_once = rotation::rotate(&second.fields, &second.secrets, three, None);
    assert_eq!(at_once.secrets.len(), 1);
    assert_eq!(rotation::previous_until(&at_once.fields), None);
}

#[test]
fn a_former_secret_whose_time_is_over_is_dropped() {
    let credentials = json!({
        "webhook_url": URL, "signing_secret": SECRET, "signing_secret_previous": OLD_SECRET,
        "signing_secret_previous_until": "2030-01-31T12:00:00Z",
    });
    let parsed = parsed(credentials);
    let end = "2030-01-31T12:00:00Z".parse().unwrap();
    assert_eq!(rotation::previous_until(&parsed.fields), Some(end));
    let live = rotation::without_ended(
        &parsed.fields,
        &parsed.secrets,
        end.before(Duration::from_secs(1)),
    );
    assert_eq!(live, parsed);
    let ended = rotation::without_ended(&parsed.fields, &parsed.secrets, end);
    assert!(
        !rotation::has_previous(&ended.secrets)
            && rotation::previous_until(&ended.fields).is_none()
    );
    assert_eq!(secret(&ended, "signing_secret").as_deref(), Some(SECRET));
}

#[test]
fn the_end_belongs_to_the_secret_that_was_given_with_it() {
    let given = json!({
        "webhook_url": URL, "signing_secret": SECRET, "signing_secret_previous": OLD_SECRET,
        "signing_secret_previous_until": "2030-01-31T12:00:00Z",
    });
    let parsed = parsed(given);
    let change = |patch: Value| {
        change(
            "webhook",
            &parsed.fields,
            &parsed.secrets,
            &object(patch),
            &door(),
        )
        .unwrap()
    };
    for patch in [
        json!({"signing_secret_previous": null}),
        json!({"signing_secret_previous": SECRET}),
    ] {
        assert_eq!(rotation::previous_until(&change(patch).fields), None);
    }
    assert!(rotation::previous_until(&change(json!({"username": null})).fields).is_some());
    for (credentials, words) in [
        (
            json!({"webhook_url": URL, "signing_secret_previous_until": "2030-01-31T12:00:00Z"}),
            "belongs to",
        ),
        (
            json!({"webhook_url": URL, "signing_secret_previous": OLD_SECRET, "signing_secret_previous_until": "soon"}),
            "is a time",
        ),
    ] {
        let errors = parse("webhook", &object(credentials), &door()).unwrap_err();
        assert_eq!(
            errors[0].pointer,
            "/credentials/signing_secret_previous_until"
        );
        assert!(errors[0].detail.contains(words), "{}", errors[0].detail);
    }
}

#[test]
fn a_made_secret_is_a_good_one() {
    let secret = secret_of(&[0xfe; 32]);
    assert!(Signer::parse(secret.reveal()).is_ok());
    assert!(secret.reveal().starts_with("whsec_"));
}
