//! S14: certificates that are not good, and old versions, each told apart.

use egress::{Cause, Egress, Settings};
use testkit::{Answer, Certificate, Target};

use crate::support::{post, settings, target};

fn door_with(ca_pem: &str) -> Egress {
    Egress::new(Settings {
        ca_pem: Some(ca_pem.to_owned()),
        ..settings(&["127.0.0.1"])
    })
    .unwrap()
}

#[tokio::test]
async fn a_good_certificate_is_taken_and_its_connection_kept() {
    let receiver = Target::start_tls(Certificate::Good).await;
    let door = door_with(receiver.ca_pem());
    let url = target(&door, &receiver.url("/"));
    let first = door.http(post(&url)).await.unwrap();
    assert!(first.timings.tls.is_some());
    assert!(door.http(post(&url)).await.unwrap().timings.tls.is_none());
    assert_eq!(receiver.connections(), 1);
    let steps = door.probe(&url).await;
    assert_eq!(
        steps.iter().map(|step| step.name).collect::<Vec<_>>(),
        ["dns", "policy", "tcp", "tls"]
    );
    assert!(steps.iter().all(|step| step.ok));
}

#[tokio::test]
async fn a_bad_certificate_is_refused_and_named() {
    for (certificate, words) in [
        (Certificate::Expired, "expired"),
        (Certificate::WrongHost, "another host"),
        (Certificate::SelfSigned, "not trusted"),
    ] {
        let receiver = Target::start_tls(certificate).await;
        let door = door_with(receiver.ca_pem());
        let failure = door
            .http(post(&target(&door, &receiver.url("/"))))
            .await
            .unwrap_err();
        assert_eq!(failure.cause, Cause::Tls);
        assert!(
            failure.detail.contains(words),
            "{certificate:?}: {}",
            failure.detail
        );
        assert!(receiver.received().is_empty());
    }
}

#[tokio::test]
async fn an_authority_that_was_not_added_is_not_trusted() {
    let receiver = Target::start_tls(Certificate::Good).await;
    let door = Egress::new(settings(&["127.0.0.1"])).unwrap();
    let failure = door
        .http(post(&target(&door, &receiver.url("/"))))
        .await
        .unwrap_err();
    assert!(failure.detail.contains("not trusted"), "{}", failure.detail);
}

#[tokio::test]
async fn an_old_version_or_no_tls_at_all_is_refused_and_named() {
    for (greeting, words) in [
        (&b"\x15\x03\x01\x00\x02\x02\x46"[..], "TLS 1.2"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "does not answer with TLS",
        ),
        (b"", "closed the connection"),
    ] {
        let receiver = Target::start().await;
        receiver.answer(Answer::greeting(greeting));
        let door = Egress::new(settings(&["127.0.0.1"])).unwrap();
        let url = receiver.url("/").replace("http://", "https://");
        let failure = door.http(post(&target(&door, &url))).await.unwrap_err();
        assert_eq!(failure.cause, Cause::Tls);
        assert!(
            failure.detail.contains(words),
            "{words}: {}",
            failure.detail
        );
    }
}
