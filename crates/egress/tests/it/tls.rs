//! S14: certificates that are not good, and old versions, each told apart.

use egress::{Cause, Egress, Failure, IdentityError, Settings};
use testkit::{Answer, Authority, Certificate, Target};

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
    let steps = door.probe(&url, &mut |_| {}).await;
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

/// A door to 127.0.0.1 that trusts nobody but the built-in roots.
fn bare_door() -> Egress {
    Egress::new(settings(&["127.0.0.1"])).unwrap()
}

#[tokio::test]
async fn an_authority_is_trusted_by_its_own_identity_alone() {
    let receiver = Target::start_tls(Certificate::Good).await;
    let door = bare_door();
    let plain = target(&door, &receiver.url("/"));
    let own = plain.with_identity(&door.identity(Some(receiver.ca_pem()), None).unwrap());
    let other = Authority::new().pem();
    let other = plain.with_identity(&door.identity(Some(&other), None).unwrap());
    door.http(post(&own)).await.unwrap();
    for stranger in [&plain, &other] {
        let failure = door.http(post(stranger)).await.unwrap_err();
        assert_eq!(failure.cause, Cause::Tls);
        assert!(failure.detail.contains("not trusted"), "{}", failure.detail);
    }
    let mut told = Vec::new();
    let steps = door.probe(&own, &mut |step| told.push(step.clone())).await;
    assert!(steps.iter().all(|step| step.ok), "{steps:?}");
    assert_eq!(told, steps);
    assert!(!door.probe(&other, &mut |_| {}).await[3].ok);
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(own.origin(), plain.origin());
}

#[tokio::test]
async fn an_idle_connection_is_never_used_under_another_identity() {
    let clients = Authority::new();
    let receiver = Target::start_mutual(&clients).await;
    let door = bare_door();
    let url = target(&door, &receiver.url("/"));
    let files = clients.client(Certificate::Good);
    let identity = || {
        door.identity(
            Some(receiver.ca_pem()),
            Some((&files.certificate, &files.key)),
        )
        .unwrap()
    };
    // Two of the same texts are two all the same.
    let (first, second) = (
        url.with_identity(&identity()),
        url.with_identity(&identity()),
    );
    for (place, connections) in [(&first, 1), (&first, 1), (&second, 2), (&first, 2)] {
        door.http(post(place)).await.unwrap();
        assert_eq!(receiver.connections(), connections);
    }
    let without = url.with_identity(&door.identity(Some(receiver.ca_pem()), None).unwrap());
    let failure = door.http(post(&without)).await.unwrap_err();
    assert_eq!(failure.cause, Cause::ClientCertificate);
    assert_eq!(receiver.received().len(), 4);
}

#[tokio::test]
async fn a_client_certificate_that_is_not_good_is_refused_and_named() {
    let (clients, strangers) = (Authority::new(), Authority::new());
    let receiver = Target::start_mutual(&clients).await;
    let door = bare_door();
    let url = target(&door, &receiver.url("/"));
    let send = async |shown: Option<testkit::ClientFiles>| -> Failure {
        let client = shown
            .as_ref()
            .map(|files| (files.certificate.as_str(), files.key.as_str()));
        let identity = door.identity(Some(receiver.ca_pem()), client).unwrap();
        door.http(post(&url.with_identity(&identity)))
            .await
            .unwrap_err()
    };
    for (shown, words) in [
        (None, "none was shown"),
        (
            Some(strangers.client(Certificate::Good)),
            "does not trust the authority",
        ),
        (Some(clients.client(Certificate::Expired)), "it has expired"),
    ] {
        let failure = send(shown).await;
        assert_eq!(
            failure.cause,
            Cause::ClientCertificate,
            "{}",
            failure.detail
        );
        assert!(
            failure.detail.contains(words),
            "{words}: {}",
            failure.detail
        );
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn with_tls_1_2_the_handshake_itself_fails() {
    let (clients, strangers) = (Authority::new(), Authority::new());
    let receiver = Target::start_mutual_by_tls12(&clients).await;
    let door = bare_door();
    let url = target(&door, &receiver.url("/"));
    let probe = async |files: Option<testkit::ClientFiles>| {
        let client = files
            .as_ref()
            .map(|files| (files.certificate.as_str(), files.key.as_str()));
        let identity = door.identity(Some(receiver.ca_pem()), client).unwrap();
        door.probe(&url.with_identity(&identity), &mut |_| {})
            .await
            .pop()
            .unwrap()
    };
    assert!(probe(Some(clients.client(Certificate::Good))).await.ok);
    for files in [None, Some(strangers.client(Certificate::Good))] {
        let step = probe(files).await;
        assert_eq!(
            (step.name, step.cause),
            ("tls", Some(Cause::ClientCertificate)),
            "{step:?}"
        );
    }
}

#[test]
fn an_identity_is_made_of_good_texts_alone() {
    let door = bare_door();
    let authority = Authority::new();
    let (ca, files) = (authority.pem(), authority.client(Certificate::Good));
    let other = authority.client(Certificate::Good);
    let many = ca.repeat(egress::CERTIFICATES + 1);
    let both = format!("{ca}{}", files.key);
    let odd = format!("{ca}-----BEGIN ODD THING-----\nAAAA\n-----END ODD THING-----\n");
    let broken = ca.replace("MII", "!!!");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, words) in [
        ("", "no certificate"),
        ("hello", "no certificate"),
        (many.as_str(), "more than 16"),
        (both.as_str(), "other than certificates"),
        (odd.as_str(), "other than certificates"),
        (broken.as_str(), "cannot be read"),
        (nonsense, "cannot be read"),
    ] {
        let error = door.identity(Some(text), None).unwrap_err();
        assert!(matches!(error, IdentityError::Authorities(_)), "{text}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let encrypted = files.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (chain, key, words) in [
        (
            files.certificate.as_str(),
            other.key.as_str(),
            "does not fit",
        ),
        (files.certificate.as_str(), "", "no private key"),
        (
            files.certificate.as_str(),
            encrypted.as_str(),
            "is encrypted",
        ),
        (
            files.certificate.as_str(),
            files.certificate.as_str(),
            "no private key",
        ),
    ] {
        let error = door.identity(None, Some((chain, key))).unwrap_err();
        assert!(matches!(error, IdentityError::Key(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    for chain in ["", nonsense, files.key.as_str()] {
        let error = door.identity(None, Some((chain, &files.key))).unwrap_err();
        assert!(matches!(error, IdentityError::Certificate(_)), "{error:?}");
    }
    let identity = door
        .identity(Some(&ca), Some((&files.certificate, &files.key)))
        .unwrap();
    assert_eq!(
        identity.client().unwrap().subject,
        "CN=Alertwire test client"
    );
    let subject = &identity.authorities()[0].subject;
    assert!(subject.starts_with("CN=Alertwire test root"), "{subject}");
    assert!(!format!("{identity:?}").contains("PRIVATE"));
}
