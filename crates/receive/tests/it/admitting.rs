use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use alertwire_receive::{Refusal, parse_signing_secret, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::source::{Require, SourceRate};

use crate::house::{ADDRESS, House, SAMPLE, SECRET, SIGNING, header_map};

fn basic(username: &str, password: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    )
}

fn is_unauthorized<T: std::fmt::Debug>(result: Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::Unauthorized { .. }))
}

#[tokio::test]
async fn any_one_proof_lets_a_sender_in() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let login = br#"{"username": "login", "password": "a-long-random-secret"}"#;
    let token = house
        .receiver
        .token(source, &header_map(&[]), ADDRESS, login)
        .await
        .unwrap();
    let bearer = format!("Bearer {}", token.access_token);
    let now = house.clock.now().unix_seconds();
    let signature = sign(
        parse_signing_secret(SIGNING).unwrap().reveal(),
        "msg_1",
        now,
        SAMPLE.as_bytes(),
    );
    let timestamp = now.to_string();
    let ways: [&[(&str, &str)]; 4] = [
        &[("x-api-key", SECRET)],
        &[("authorization", &basic("basic", SECRET))],
        &[("authorization", &bearer)],
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signature),
        ],
    ];
    for way in ways {
        house.post(source, way, SAMPLE).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_or_missing_proof_is_refused_and_stores_nothing() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let wrong: [&[(&str, &str)]; 6] = [
        &[],
        &[("x-api-key", "a-long-random-secre")],
        &[("authorization", &basic("basic", "wrong"))],
        &[("authorization", &basic("login", SECRET))],
        &[("authorization", "Bearer AAAA")],
        &[
            ("webhook-id", "a"),
            ("webhook-timestamp", "1"),
            ("webhook-signature", "v1,AAAA"),
        ],
    ];
    for headers in wrong {
        assert!(
            is_unauthorized(house.post(source, headers, SAMPLE).await),
            "{headers:?}"
        );
    }
    let (query, at) = (store::EventQuery::default(), store::PageAt::default());
    let page = house
        .store
        .events(&domain::access::Scope::All, &query, &at)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 0);
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_with_its_password() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    let form = b"grant_type=client_credentials&client_id=login&client_secret=a-long-random-secret";
    let token = house
        .receiver
        .token(source, &header_map(&[]), ADDRESS, form)
        .await
        .unwrap();
    let bearer = format!("Bearer {}", token.access_token);
    let headers = [("authorization", bearer.as_str())];
    house.post(source, &headers, SAMPLE).await.unwrap();
    house.clock.advance(Duration::from_secs(token.expires_in));
    assert!(is_unauthorized(house.post(source, &headers, SAMPLE).await));
    let wrong = br#"{"username": "login", "password": "wrong"}"#;
    assert!(is_unauthorized(
        house
            .receiver
            .token(source, &header_map(&[]), ADDRESS, wrong)
            .await
    ));
    assert!(matches!(
        house
            .receiver
            .token(source, &header_map(&[]), ADDRESS, b"{}")
            .await,
        Err(Refusal::Malformed(_))
    ));
}

#[tokio::test]
async fn an_address_list_narrows_every_other_proof() {
    let house = House::new().await;
    let source = house
        .source(|source| source.authentication.addresses = vec!["198.51.100.0/24".parse().unwrap()])
        .await;
    assert!(is_unauthorized(
        house.post(source, &[("x-api-key", SECRET)], SAMPLE).await
    ));
}

#[tokio::test]
async fn a_source_that_requires_all_lets_in_nobody_who_shows_less() {
    let house = House::new().await;
    let source = house
        .source(|source| {
            source.authentication.require = Require::All;
            source.authentication.login = None;
        })
        .await;
    let now = house.clock.now().unix_seconds();
    let timestamp = now.to_string();
    let secret = parse_signing_secret(SIGNING).unwrap();
    let signature = sign(secret.reveal(), "msg_1", now, SAMPLE.as_bytes());
    let basic = basic("basic", SECRET);
    let all = [
        ("x-api-key", SECRET),
        ("authorization", basic.as_str()),
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    house.post(source, &all, SAMPLE).await.unwrap();
    for missing in [0, 1, 4] {
        let mut some = all.to_vec();
        some.remove(missing);
        let refused = house.post(source, &some, SAMPLE).await;
        assert!(is_unauthorized(refused), "without {}", all[missing].0);
    }
    let forged = house.post(source, &all, "{}").await;
    assert!(is_unauthorized(forged), "the signature is of another body");
}

#[tokio::test]
async fn a_former_secret_ends_by_itself_and_takes_its_tokens_along() {
    let house = House::new().await;
    let until = house.clock.now().after(Duration::from_secs(60));
    let source = house
        .source(|source| {
            for secret in [
                &mut source.authentication.header.as_mut().unwrap().secret,
                &mut source.authentication.login.as_mut().unwrap().secret,
            ] {
                secret.live.rotate([9; 32], Some(until));
            }
            let new = parse_signing_secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
            source
                .authentication
                .signature
                .rotate(new.unwrap(), Some(until));
        })
        .await;
    let login = br#"{"username": "login", "password": "a-long-random-secret"}"#;
    let ask = async || {
        house
            .receiver
            .token(source, &header_map(&[]), ADDRESS, login)
            .await
    };
    let bearer = format!("Bearer {}", ask().await.unwrap().access_token);
    let post = async || {
        let now = house.clock.now().unix_seconds();
        let timestamp = now.to_string();
        let secret = parse_signing_secret(SIGNING).unwrap();
        let signature = sign(secret.reveal(), &timestamp, now, SAMPLE.as_bytes());
        let signed = [
            ("webhook-id", timestamp.as_str()),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signature),
        ];
        let ways: [&[(&str, &str)]; 3] = [
            &[("x-api-key", SECRET)],
            &[("authorization", &bearer)],
            &signed,
        ];
        let mut let_in = Vec::new();
        for way in ways {
            let_in.push(house.post(source, way, SAMPLE).await.is_ok());
        }
        let_in
    };
    assert_eq!(post().await, [true; 3]);
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(post().await, [false; 3]);
    assert!(is_unauthorized(ask().await));
}

#[tokio::test]
async fn an_address_list_holds_for_the_authentication_url_too() {
    let house = House::new().await;
    let source = house
        .source(|source| source.authentication.addresses = vec!["198.51.100.0/24".parse().unwrap()])
        .await;
    let login = br#"{"username": "login", "password": "a-long-random-secret"}"#;
    let ask = async |address: IpAddr| {
        house
            .receiver
            .token(source, &header_map(&[]), address, login)
            .await
    };
    assert!(is_unauthorized(ask(ADDRESS).await));
    assert!(ask("198.51.100.7".parse().unwrap()).await.is_ok());
}

#[tokio::test]
async fn messages_that_come_too_fast_are_refused_until_their_time() {
    let house = House::new().await;
    let number = |number| NonZeroU32::new(number).unwrap();
    let rate = SourceRate {
        per_second: number(2),
        burst: number(3),
    };
    let source = house.source(|source| source.limits.rate = Some(rate)).await;
    let headers = [("x-api-key", SECRET)];
    for left in [2, 1, 0] {
        let receipt = house.post(source, &headers, SAMPLE).await.unwrap();
        assert_eq!(receipt.pace.unwrap().left, left);
    }
    let Err(Refusal::TooFast(refused)) = house.post(source, &headers, SAMPLE).await else {
        panic!("it came too fast");
    };
    assert_eq!(refused.wait, Duration::from_millis(500));
    assert_eq!(refused.pace.full_in, Duration::from_millis(1_500));
    let stranger = house.post(source, &[("x-api-key", "wrong")], SAMPLE).await;
    assert!(
        is_unauthorized(stranger),
        "a stranger is told nothing of it"
    );
    house.clock.advance(refused.wait);
    house.post(source, &headers, SAMPLE).await.unwrap();
}

#[tokio::test]
async fn whoever_only_says_that_it_signed_uses_up_nothing() {
    let house = House::new().await;
    let number = |number| NonZeroU32::new(number).unwrap();
    let rate = SourceRate {
        per_second: number(1),
        burst: number(1),
    };
    let source = house.source(|source| source.limits.rate = Some(rate)).await;
    let forged = [
        ("webhook-id", "a"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
    ];
    for _ in 0..3 {
        assert!(is_unauthorized(house.post(source, &forged, SAMPLE).await));
    }
    let good = house.post(source, &[("x-api-key", SECRET)], SAMPLE).await;
    assert!(good.is_ok());
}
