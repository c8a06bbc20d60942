use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use domain::access::{Role, Scope};
use http::Method;
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};

use crate::support::{Answer, Server, id, request};

const IMPORTS: &str = "/api/v1/imports";
pub const SCAN: &str = r#"<nmaprun><host><status state="up"/><address addr="10.0.0.5" addrtype="ipv4"/>
    <ports><port protocol="tcp" portid="22"><state state="open"/></port>
    <port protocol="tcp" portid="80"><state state="open"/></port></ports></host></nmaprun>"#;
pub const REPORT: &str = r#"{"SchemaVersion": 2, "ArtifactName": "shop:1.2", "Results": [{"Vulnerabilities": [
    {"VulnerabilityID": "CVE-2022-3602", "PkgName": "openssl", "InstalledVersion": "3.0.1", "Severity": "CRITICAL"}],
    "Secrets": [{}, {}]}]}"#;

impl Server {
    async fn import(&self, query: &str, file: &str) -> Answer {
        self.import_as(&self.admin, query, file.to_owned(), None)
            .await
    }

    async fn import_as(
        &self,
        key: &str,
        query: &str,
        file: impl Into<Body>,
        idempotency: Option<&str>,
    ) -> Answer {
        let mut request = request(Method::POST, &format!("{IMPORTS}?{query}"))
            .header("authorization", format!("Bearer {key}"));
        if let Some(key) = idempotency {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(file.into()).unwrap()).await
    }

    async fn imports(&self) -> usize {
        let page = self.get(IMPORTS).await.expect(200).json();
        page["items"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn what_a_scan_found_is_listed_and_its_import_can_be_steered() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let query = "format=nmap&company=Acme&external=true";
    let begun = server.import(query, SCAN).await.expect(202).json();
    let nothing = json!({"new": 0, "seen": 0, "failed": 0});
    for (key, value) in [
        ("state", json!("running")),
        ("format", json!("nmap")),
        ("company", json!({"id": acme, "name": "Acme"})),
        ("external", json!(true)),
        ("dry_run", json!(false)),
        ("hosts", nothing),
        ("whole", json!(true)),
        ("total", json!(3)),
        ("left", json!(3)),
        ("error", Value::Null),
    ] {
        assert_eq!(begun[key], value, "{key}: {begun}");
    }
    let path = format!("{IMPORTS}/{}", id(&begun));
    assert_eq!(server.get(&path).await.expect(200).json(), begun);
    assert_eq!(server.imports().await, 1);
    for others in ["/api/v1/replays", "/api/v1/rereads"] {
        let page = server.get(others).await.expect(200).json();
        assert_eq!(page["items"], json!([]), "an import is none of these");
        let other = format!("{others}/{}", id(&begun));
        server.get(&other).await.problem(404);
    }
    for (order, state) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ] {
        let path = format!("{path}/{order}");
        let job = server.post(&path, json!({})).await.expect(200).json();
        assert_eq!(job["state"], state);
    }
    let late = server.post(&format!("{path}/pause"), json!({})).await;
    late.problem(409);
}

#[tokio::test]
async fn a_report_says_what_it_passed_over_and_a_cut_scan_that_it_was_cut() {
    let server = Server::start().await;
    server.company("Acme").await;
    let query = "format=trivy&company=Acme&hostname=shop&ip=10.0.0.9&dry_run=true";
    let begun = server.import(query, REPORT).await.expect(202).json();
    assert_eq!(begun["passed_over"], json!({"secrets": 2}));
    assert_eq!(
        (&begun["total"], &begun["dry_run"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(
        (&begun["hostname"], &begun["ip"]),
        (&json!("shop"), &json!("10.0.0.9"))
    );
    let cut = SCAN.strip_suffix("</nmaprun>").unwrap();
    let begun = server.import("format=nmap&company=Acme", cut).await;
    let begun = begun.expect(202).json();
    assert_eq!(
        (&begun["whole"], &begun["total"]),
        (&json!(false), &json!(3))
    );
    assert!(
        begun["broken"].as_str().unwrap().contains("ends before"),
        "{begun}"
    );
}

#[tokio::test]
async fn a_request_that_is_repeated_under_its_key_begins_one_import() {
    let server = Server::start().await;
    server.company("Acme").await;
    let import = async |query: &str, file: &'static str| {
        let key = Some("a-key");
        server.import_as(&server.admin, query, file, key).await
    };
    let first = import("format=nmap&company=Acme", SCAN).await.expect(202);
    let again = import("format=nmap&company=Acme", SCAN).await.expect(202);
    assert_eq!(id(&first.json()), id(&again.json()));
    let other = import("format=nmap&company=Acme", "<nmaprun></nmaprun>").await;
    other.field("Idempotency-Key", "another body");
    let asked = import("format=nmap&company=Acme&dry_run=true", SCAN).await;
    asked.field("Idempotency-Key", "another body");
    assert_eq!(server.imports().await, 1);
}

#[tokio::test]
async fn what_is_no_file_of_the_scanner_is_refused_whole() {
    let server = Server::start().await;
    server.company("Acme").await;
    for (format, file, words) in [
        ("nmap", "", "no nmap scan"),
        ("nmap", REPORT, "no nmap scan"),
        (
            "nmap",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><nmaprun/>",
            "declares entities",
        ),
        ("trivy", SCAN, "no report of Trivy"),
        ("trivy", &REPORT[..80], "no report of Trivy"),
        ("trivy", r#"{"SchemaVersion": 3}"#, "schema version 3"),
    ] {
        let refused = server
            .import(&format!("format={format}&company=Acme"), file)
            .await;
        refused.field("", words);
    }
    assert_eq!(server.imports().await, 0);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let server = Server::start().await;
    server.company("Acme").await;
    for (query, pointer, words) in [
        ("company=Acme", "?format", "nmap or trivy"),
        ("format=nessus&company=Acme", "?format", "nmap or trivy"),
        ("format=nmap", "?company", "names the company"),
        (
            "format=nmap&company=Acne",
            "?company",
            "did you mean `Acme`",
        ),
        (
            "format=trivy&company=Acme&external=true",
            "?external",
            "format=nmap",
        ),
        (
            "format=nmap&company=Acme&hostname=a",
            "?hostname",
            "format=trivy",
        ),
        (
            "format=nmap&company=Acme&ip=10.0.0.1",
            "?ip",
            "format=trivy",
        ),
        ("format=trivy&company=Acme&ip=here", "?ip", "is an address"),
        (
            "format=nmap&company=Acme&dry_run=perhaps",
            "?dry_run",
            "true",
        ),
    ] {
        server.import(query, SCAN).await.field(pointer, words);
    }
}

#[tokio::test]
async fn an_import_is_for_operators_and_seen_by_whoever_sees_its_company() {
    let server = Server::start().await;
    let (acme, other) = (server.company("Acme").await, server.company("Other").await);
    let bound = |company: &str| Scope::Companies(vec![company.parse().unwrap()]);
    let viewer = server.key(Role::Viewer, bound(&acme)).await;
    let operator = server.key(Role::Operator, bound(&acme)).await;
    let stranger = server.key(Role::Operator, bound(&other)).await;
    let query = "format=nmap&company=Acme";
    let refused = server.import_as(&viewer, query, SCAN, None).await;
    refused.problem(403);
    let unseen = server.import_as(&stranger, query, SCAN, None).await;
    unseen.field("?company", "there is no company");
    let begun = server.import_as(&operator, query, SCAN, None).await;
    let path = format!("{IMPORTS}/{}", id(&begun.expect(202).json()));
    for (key, status) in [(&viewer, 200), (&operator, 200), (&stranger, 404)] {
        let shown = server.call_as(key, Method::GET, &path, None).await;
        shown.expect(status);
    }
    let order = format!("{path}/cancel");
    for (key, status) in [(&viewer, 403), (&stranger, 404), (&operator, 200)] {
        let body = json!({});
        let given = server.call_as(key, Method::POST, &order, Some(&body)).await;
        given.expect(status);
    }
    // What an admin of all companies imports is the company's too.
    let begun = server.import(query, SCAN).await.expect(202).json();
    let path = format!("{IMPORTS}/{}", id(&begun));
    let shown = server.call_as(&viewer, Method::GET, &path, None).await;
    shown.expect(200);
}

/// Says how long it is, and never comes.
struct Large(u64);

impl http_body::Body for Large {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_file_has_a_bound_and_so_have_files_at_once() {
    let query = "format=nmap&company=Acme";
    let server = Server::start().await;
    server.company("Acme").await;
    let large = Body::new(Large(257 * 1024 * 1024));
    let refused = server.import_as(&server.admin, query, large, None).await;
    refused.problem(413);
    let server = Server::start_with(|settings| settings.imports = 0).await;
    server.company("Acme").await;
    let busy = server.import(query, SCAN).await;
    assert!(!busy.header("retry-after").is_empty());
    busy.problem(503);
}

#[tokio::test]
async fn an_upload_that_breaks_off_begins_nothing() {
    let server = Server::start().await;
    server.company("Acme").await;
    let pieces = [
        Ok(Bytes::from(SCAN)),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let query = "format=nmap&company=Acme";
    let broken = server.import_as(&server.admin, query, body, None).await;
    broken.problem(400);
    assert_eq!(server.imports().await, 0);
}

#[tokio::test]
async fn a_file_in_small_pieces_with_many_findings_is_listed_whole() {
    let server = Server::start().await;
    server.company("Acme").await;
    let host = |number: usize| {
        let (high, low) = (number / 250, number % 250);
        format!(
            r#"<host><status state="up"/><address addr="10.1.{high}.{low}" addrtype="ipv4"/></host>"#
        )
    };
    let hosts: String = (0..5_001).map(host).collect();
    let scan = Bytes::from(format!("<nmaprun>{hosts}</nmaprun>"));
    let pieces: Vec<Result<Bytes, std::io::Error>> = (0..scan.len())
        .step_by(1_000)
        .map(|at| Ok(scan.slice(at..(at + 1_000).min(scan.len()))))
        .collect();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let query = "format=nmap&company=Acme";
    let begun = server.import_as(&server.admin, query, body, None).await;
    let begun = begun.expect(202).json();
    assert_eq!(begun["total"], 5_001);
    let job = id(&begun).parse().unwrap();
    let last = server.app.store().findings(job, 5_000).await.unwrap();
    assert_eq!(last.len(), 1);
}
