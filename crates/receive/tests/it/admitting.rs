use std::time::Duration;

use alertwire_receive::{Refusal, parse_signing_secret, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
