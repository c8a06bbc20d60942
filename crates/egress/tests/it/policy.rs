//! S2, S3, S6, S7, S9, S10: names, rebinding, the allow list, proxies.

use std::process::Command;

use egress::{BLOCKED, Cause, Egress, Settings};
use testkit::Target;

use crate::support::{Scripted, local, post, settings, target};

#[tokio::test]
async fn a_name_with_one_bad_address_is_refused_as_a_whole() {
    for answer in [
        ["93.184.216.34", "::1"],
        ["::1", "93.184.216.34"],
        ["2606:4700::1111", "10.0.0.1"],
    ] {
        let resolver = Scripted::new(&[&answer]);
        let door = Egress::new(Settings {
            resolver,
            ..Settings::default()
        })
        .unwrap();
        let failure = door
            .http(post(&target(&door, "https://mixed.example/")))
            .await
            .unwrap_err();
        assert_eq!(failure.cause, Cause::Blocked, "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_flips_to_loopback_never_reaches_it() {
    let canary = Target::start().await;
    // Each address passes or falls by itself at each connection: there is no earlier check that it could deceive.
    let resolver = Scripted::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let door = Egress::new(Settings {
        resolver,
        ..settings(&["127.0.0.2"])
    })
    .unwrap();
    let url = format!("https://rebinding.example:{}/", canary.port());
    let rebinding = target(&door, &url);
    let first = door.http(post(&rebinding)).await.unwrap_err();
    assert_eq!(first.cause, Cause::Connect);
    for _ in 0..1_000 {
        let failure = door.http(post(&rebinding)).await.unwrap_err();
        assert_eq!(failure.cause, Cause::Blocked);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn what_the_operator_allows_is_reached_and_nothing_else() {
    let receiver = Target::start().await;
    let open = Egress::new(settings(&[&format!("127.0.0.1:{}", receiver.port())])).unwrap();
    let url = target(&open, &receiver.url("/hook"));
    assert_eq!(open.http(post(&url)).await.unwrap().status, 200);

    let closed = Egress::new(Settings::default()).unwrap();
    assert_eq!(
        closed.http(post(&url)).await.unwrap_err().cause,
        Cause::Blocked
    );
    let other_port = Egress::new(settings(&["127.0.0.1:1"])).unwrap();
    assert_eq!(
        other_port.http(post(&url)).await.unwrap_err().cause,
        Cause::Blocked
    );
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn metadata_is_refused_even_when_a_range_holds_it() {
    let door = Egress::new(settings(&["0.0.0.0/0", "::/0"])).unwrap();
    assert!(door.target("https://169.254.169.254/", &[443]).is_err());
    let resolver = Scripted::new(&[&["168.63.129.16"]]);
    let door = Egress::new(Settings {
        resolver,
        ..settings(&["0.0.0.0/0", "sly.example"])
    })
    .unwrap();
    let failure = door
        .http(post(&target(&door, "http://sly.example/")))
        .await
        .unwrap_err();
    assert_eq!(failure.cause, Cause::Blocked);
}

#[tokio::test]
async fn plain_http_is_only_for_what_the_list_holds() {
    let resolver = Scripted::new(&[&["93.184.216.34"]]);
    let door = Egress::new(Settings {
        resolver,
        ..settings(&["127.0.0.1"])
    })
    .unwrap();
    // Accepted as localhost at save; the resolver then points it at a public address.
    let failure = door
        .http(post(&target(&door, "http://localhost/")))
        .await
        .unwrap_err();
    assert_eq!(failure.cause, Cause::Blocked);
}

#[tokio::test]
async fn an_inner_port_looks_the_same_open_or_closed() {
    let open = Target::start().await;
    let closed = Target::start().await;
    let closed_port = closed.port();
    drop(closed);
    let generous: Vec<egress::AllowEntry> = vec!["127.0.0.1".parse().unwrap()];
    let door = Egress::new(Settings::default()).unwrap();
    let mut seen = Vec::new();
    for port in [open.port(), closed_port] {
        let url =
            egress::Target::parse(&format!("http://127.0.0.1:{port}/"), &generous, &[]).unwrap();
        let failure = door.http(post(&url)).await.unwrap_err();
        let steps = door.probe(&url, &mut |_| {}).await;
        let steps: Vec<_> = steps
            .into_iter()
            .map(|step| (step.name, step.ok, step.detail))
            .collect();
        seen.push((failure.to_string(), steps));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1.last().unwrap().2, BLOCKED);
    assert_eq!(open.connections(), 0);
}

#[tokio::test]
async fn other_protocols_go_by_the_same_policy() {
    let receiver = Target::start().await;
    let closed = Egress::new(Settings::default()).unwrap();
    assert_eq!(
        closed
            .tcp("127.0.0.1", receiver.port())
            .await
            .unwrap_err()
            .cause,
        Cause::Blocked
    );
    assert_eq!(
        closed
            .tcp("localhost", receiver.port())
            .await
            .unwrap_err()
            .cause,
        Cause::Blocked
    );
    assert_eq!(
        closed
            .tls("[::1]", receiver.port())
            .await
            .unwrap_err()
            .cause,
        Cause::Blocked
    );
    assert_eq!(
        closed.address("127.0.0.1", 514).await.unwrap_err().cause,
        Cause::Blocked
    );
    let stream = local().tcp("127.0.0.1", receiver.port()).await.unwrap();
    assert_eq!(stream.peer(), receiver.address());
    assert_eq!(local().address("127.0.0.1", 514).await.unwrap().port(), 514);
}

#[tokio::test]
async fn a_name_that_is_not_found_says_so() {
    let door = Egress::new(Settings {
        resolver: Scripted::new(&[&[]]),
        ..Settings::default()
    })
    .unwrap();
    let url = target(&door, "https://nowhere.example/");
    assert_eq!(door.http(post(&url)).await.unwrap_err().cause, Cause::Dns);
    let steps = door.probe(&url, &mut |_| {}).await;
    assert_eq!(
        steps
            .iter()
            .map(|step| (step.name, step.ok))
            .collect::<Vec<_>>(),
        [("dns", false)]
    );
}

#[tokio::test]
async fn a_probe_tells_of_each_step() {
    let receiver = Target::start().await;
    let door = local();
    let steps = door
        .probe(&target(&door, &receiver.url("/")), &mut |_| {})
        .await;
    let names: Vec<_> = steps.iter().map(|step| (step.name, step.ok)).collect();
    assert_eq!(names, [("dns", true), ("policy", true), ("tcp", true)]);
    assert!(receiver.received().is_empty());
}

/// Run by itself below, with proxies in its environment; also good without.
#[tokio::test]
async fn a_request_goes_straight_to_its_target() {
    let receiver = Target::start().await;
    let door = local();
    let exchange = door
        .http(post(&target(&door, &receiver.url("/straight"))))
        .await
        .unwrap();
    assert_eq!(exchange.peer, Some(receiver.address()));
    assert_eq!(receiver.received()[0].path, "/straight");
}

#[tokio::test]
async fn proxies_in_the_environment_are_ignored() {
    let canary = Target::start().await;
    let proxy = canary.url("");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "policy::a_request_goes_straight_to_its_target"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, &proxy);
    }
    let output = tokio::task::spawn_blocking(move || child.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!(canary.connections(), 0);
}
