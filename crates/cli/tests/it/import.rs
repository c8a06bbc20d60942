//! What a scanner found, from a real nmap over loopback to the alert in the guide's words; and from a report of Trivy.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::support::{Api, Ended, KEY, Place, Server, alertwire, everything_to, run_with};

/// `alertwire import …` for the company of the tests, with this on standard input.
fn import(server: &Server, arguments: &[&str], input: &[u8]) -> Ended {
    let common = ["--company", "Acme Corporation", "--json"];
    let mut command = alertwire(&[&["import"], arguments, &common].concat());
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, input)
}

fn counts(new: u64, seen: u64) -> Value {
    json!({"new": new, "seen": seen, "failed": 0})
}

/// A real scan of these ports of loopback, as nmap writes it.
fn nmap(ports: &[u16]) -> Vec<u8> {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let arguments = [
        "-n",
        "-sT",
        "-Pn",
        "-oX",
        "-",
        "-p",
        &ports.join(","),
        "127.0.0.1",
    ];
    let output = Command::new("nmap").args(arguments).output();
    let output =
        output.expect("nmap is not installed: apt-get install nmap (cargo xtask ci does it)");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Subjects and bodies that a target got, without the test alert.
fn alerts(target: &Target) -> BTreeSet<(String, String)> {
    let received = target.received();
    let real = received
        .iter()
        .filter(|request| request.header("alertwire-event") != Some("test"));
    real.map(|request| {
        let alert: Value = serde_json::from_slice(&request.body).unwrap();
        let text = |name: &str| alert[name].as_str().unwrap().to_owned();
        (text("subject"), text("body"))
    })
    .collect()
}

async fn started(place: &Place, target: &Target) -> (Server, Api) {
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    (server, api)
}

/// Runs what blocks beside the target, which needs the runtime.
async fn beside<T: Send + 'static>(
    server: Server,
    work: impl FnOnce(&Server) -> T + Send + 'static,
) -> (Server, T) {
    let work = move || {
        let done = work(&server);
        (server, done)
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nmap_finds_is_told_once_in_the_guide_s_words() {
    scanned(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nmap_finds_is_told_once_in_the_guide_s_words_over_postgresql() {
    if let Some(place) = crate::whole_loop::postgres().await {
        scanned(place).await;
    }
}

async fn scanned(place: Place) {
    let target = Target::start().await;
    let (server, api) = started(&place, &target).await;
    let doors = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = doors
        .each_ref()
        .map(|door| door.local_addr().unwrap().port());
    let (first, all) = (nmap(&ports[..2]), nmap(&ports));
    let (server, ()) = beside(server, move |server| {
        let dry = import(server, &["nmap", "-", "--dry-run"], &first);
        assert_eq!(dry.lines()[0]["ports"], counts(2, 0), "{dry:?}");
        let told = import(server, &["nmap", "-"], &first);
        assert_eq!(told.code, 0, "{told:?}");
        assert_eq!(told.lines()[0]["hosts"], counts(1, 0));
        assert_eq!(told.lines()[0]["ports"], counts(2, 0));
        // At once, so that the index of fingerprints has not caught up.
        let again = import(server, &["nmap", "-"], &first);
        assert_eq!(again.lines()[0]["hosts"], counts(0, 1), "{again:?}");
        assert_eq!(again.lines()[0]["ports"], counts(0, 2));
        let more = import(server, &["nmap", "-"], &all);
        assert_eq!(more.lines()[0]["hosts"], counts(0, 1), "{more:?}");
        assert_eq!(more.lines()[0]["ports"], counts(1, 2));
    })
    .await;
    api.settled().await;
    let port = |port: u16| {
        let body = format!("Open Port {port}/tcp Discovered for Asset 127.0.0.1");
        ("Asset Ports".to_owned(), body)
    };
    let asset = "New asset added with ip 127.0.0.1".to_owned();
    let mut expected = BTreeSet::from(ports.map(port));
    expected.insert(("New Asset(s) Added".to_owned(), asset));
    assert_eq!(alerts(&target), expected);
    assert_eq!(
        target.received().len(),
        expected.len() + 1,
        "each once, and the test alert"
    );
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_trivy_and_a_scan_that_was_killed_are_told_as_far_as_they_go() {
    let target = Target::start().await;
    let place = Place::new();
    let (server, api) = started(&place, &target).await;
    let (server, ()) = beside(server, |server| {
        let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../scan/tests/cases");
        let report = format!("{cases}/20-image.json");
        let flags = ["trivy", &report, "--hostname", "shop", "--ip", "10.0.0.9"];
        let told = import(server, &flags, b"");
        assert_eq!(told.code, 0, "{told:?}");
        let line = &told.lines()[0];
        assert_eq!(line["hosts"], counts(1, 0));
        assert_eq!(line["vulnerabilities"], counts(4, 0));
        assert_eq!(line["passed_over"]["secrets"], 1);
        assert_eq!(line["passed_over"]["misconfigurations"], 2);
        let again = import(server, &flags, b"");
        assert_eq!(
            again.lines()[0]["vulnerabilities"],
            counts(0, 4),
            "{again:?}"
        );
        let killed = import(server, &["nmap", &format!("{cases}/03-killed.xml")], b"");
        assert_eq!(killed.code, 65, "{killed:?}");
        assert_eq!(killed.lines()[0]["hosts"], counts(1, 0));
        assert_eq!(killed.lines()[0]["whole"], false);
        assert!(killed.stderr.contains("is not whole"), "{killed:?}");
        let nobody = import(server, &["nmap", "/nonexistent.xml"], b"");
        assert_eq!(nobody.code, 66, "{nobody:?}");
        let bad = import(
            server,
            &["nmap", &format!("{cases}/04-billion-laughs.xml")],
            b"",
        );
        assert_eq!((bad.code, bad.stdout.as_str()), (65, ""), "{bad:?}");
    })
    .await;
    api.settled().await;
    let critical = "Critical vulnerabilities detected for asset with IP 10.0.0.9, hostname shop\n\
         Product: openssl 3.0.1. VUL ID: CVE-2022-3602. Severity: Critical";
    let found = alerts(&target);
    let expected = ("Critical Problems Found".to_owned(), critical.to_owned());
    assert!(found.contains(&expected), "{found:?}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_at_once_tell_of_everything_once() {
    let target = Target::start().await;
    let place = Place::new();
    let (server, api) = started(&place, &target).await;
    let hosts: String = (0..1_200)
        .map(|number| {
            let (high, low) = (number / 256, number % 256);
            format!(r#"<host><status state="up"/><address addr="10.1.{high}.{low}" addrtype="ipv4"/></host>"#)
        })
        .collect();
    let scan = format!("<nmaprun>{hosts}</nmaprun>").into_bytes();
    let (server, new) = beside(server, move |server| {
        std::thread::scope(|scope| {
            let imports = [(); 2].map(|()| scope.spawn(|| import(server, &["nmap", "-"], &scan)));
            imports.map(|import| {
                let ended = import.join().unwrap();
                assert_eq!(ended.code, 0, "{ended:?}");
                ended.lines()[0]["hosts"]["new"].as_u64().unwrap()
            })
        })
    })
    .await;
    assert_eq!(new.iter().sum::<u64>(), 1_200, "{new:?}");
    let mut events = 0;
    let mut path = "api/v1/events?limit=1000".to_owned();
    loop {
        let page = api.get(&path).await;
        events += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => path = format!("api/v1/events?limit=1000&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(events, 1_200);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_asked_again_under_the_same_key() {
    let busy = Target::start().await;
    busy.then(Answer::status(503).header("retry-after", "0"));
    busy.then(Answer::status(429).header("retry-after", "0"));
    let count = |new, seen| json!({"new": new, "seen": seen, "failed": 0});
    let import = json!({"id": "a", "state": "done", "hosts": count(1, 0), "ports": count(0, 1),
        "vulnerabilities": count(0, 0), "whole": true, "failed": 0});
    busy.then(Answer::json(&import.to_string()));
    let scan = r#"<nmaprun><host><status state="up"/><address addr="10.0.0.5" addrtype="ipv4"/>
        <port protocol="tcp" portid="22"><state state="open"/></port></host></nmaprun>"#;
    let url = busy.url("/");
    let import = move || {
        let arguments = ["import", "nmap", "-", "--company", "Acme", "--url", &url];
        run_with(alertwire(&arguments), scan.as_bytes())
    };
    let told = tokio::task::spawn_blocking(import).await.unwrap();
    assert_eq!(told.code, 0, "{told:?}");
    let received = busy.received();
    let keys: BTreeSet<_> = received
        .iter()
        .map(|request| request.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!((received.len(), keys.len()), (3, 1));
    let rows: Vec<Vec<&str>> = told
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1], ["hosts", "1", "0", "0"]);
    assert_eq!(rows[2], ["ports", "0", "1", "0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_busy_is_given_up() {
    let busy = Target::start().await;
    busy.answer(Answer::status(503).header("retry-after", "0"));
    let scan = r#"<nmaprun><host><status state="up"/><address addr="10.0.0.5" addrtype="ipv4"/></host></nmaprun>"#;
    let url = busy.url("/");
    let import = move || {
        let arguments = ["import", "nmap", "-", "--company", "Acme", "--url", &url];
        run_with(alertwire(&arguments), scan.as_bytes())
    };
    let told = tokio::task::spawn_blocking(import).await.unwrap();
    assert_eq!((told.code, busy.received().len()), (69, 8), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_when_nobody_waits_for_it() {
    let target = Target::start().await;
    let place = Place::new();
    let (server, api) = started(&place, &target).await;
    let (server, id) = beside(server, |server| {
        let scan = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../scan/tests/cases/01-two-hosts.xml"
        );
        let begun = import(server, &["nmap", scan, "--no-wait"], b"");
        assert_eq!(begun.code, 0, "{begun:?}");
        begun.lines()[0]["id"].as_str().unwrap().to_owned()
    })
    .await;
    let path = format!("api/v1/imports/{id}");
    let ended = api
        .until(&path, |job| (job["state"] == "done").then(|| job.clone()))
        .await;
    assert_eq!(ended["hosts"], counts(2, 0), "{ended}");
    drop(server);
}
