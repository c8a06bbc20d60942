//! The catalogue on pages: looked through, tried, extended, taught.

use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;

use crate::browser::Browser;
use crate::support::{Server, id, request};

const HOSTILE: &str = "<img src=x onerror=alert(1)>";
const KIND: &str = "category = \"Backups\"\n[[event]]\ncode = \"backup.failed\"\nname = \"Backup Failed\"\nsubject = \"Backup Failed\"\nbody = \"Backup of {hostname:host} failed\"\n";

async fn admin(server: &Server) -> (Browser, String) {
    let browser = server.browser("Anna", Role::Admin, Scope::All).await;
    let token = browser.form_token(server).await;
    (browser, token)
}

/// A source that takes alerts, by the path of its intake.
async fn intake(server: &Server) -> String {
    server.company("Acme").await;
    let source = json!({"name": "Scanner", "company": "Acme", "authentication": {"addresses": ["127.0.0.1"]}});
    format!("/intake/{}", id(&server.source(source).await))
}

async fn receive(server: &Server, intake: &str, subject: &str, body: &str) -> String {
    let alert = json!({"subject": subject, "body": body}).to_string();
    let request = request(Method::POST, intake)
        .body(Body::from(alert))
        .unwrap();
    let receipt = server.send(request).await.expect(202).json();
    receipt["events"][0].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn kinds_are_listed_by_category_and_searched() {
    let server = Server::start().await;
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let text = async |path: &str| vera.get(&server, path).await.expect(200).text();
    let page = text("/catalogue").await;
    for name in [
        "System Changes",
        "Certificate Expire in 30 Days",
        "system.asset_added",
    ] {
        assert!(page.contains(name), "{name}");
    }
    assert!(!page.contains("Add a kind"), "{page}");
    let found = text("/catalogue?text=open+port&category=System+Changes").await;
    assert!(
        found.contains("system.port_open_probe") && !found.contains("job.failed"),
        "{found}"
    );
    let none = text("/catalogue?text=%3Cscript%3E").await;
    assert!(
        none.contains("No event kind fits") && !none.contains("<script>"),
        "{none}"
    );
    let page = text("/catalogue/system.port_open_probe").await;
    assert!(
        page.contains("Asset Ports") && page.contains("<mark title=\"port\">"),
        "{page}"
    );
    assert!(
        page.contains("/events?event=system.port_open_probe"),
        "{page}"
    );
    vera.get(&server, "/catalogue/no.such").await.expect(404);
    vera.get(&server, "/catalogue/entries/new")
        .await
        .expect(403);
}

#[tokio::test]
async fn an_admin_adds_changes_and_removes_a_kind_and_it_is_retired() {
    let server = Server::start().await;
    let (anna, token) = admin(&server).await;
    let post = async |path: &str, file: &str, then: &str| {
        let fields = [
            ("form_token", token.as_str()),
            ("file", file),
            ("then", then),
        ];
        anna.post(&server, path, &fields).await
    };
    let page = anna
        .get(&server, "/catalogue/entries/new")
        .await
        .expect(200);
    assert!(page.text().contains("[[event]]"));
    let entries = "/catalogue/entries";
    let bad = KIND.replace("host}", "hots}");
    let page = post(entries, &bad, "save").await.expect(422).text();
    assert!(
        page.contains("line 6, column") && page.contains("<pre>6 | body"),
        "{page}"
    );
    assert!(page.contains("{hostname:hots}"), "{page}");
    let page = post(entries, KIND, "check").await.expect(200).text();
    assert!(page.contains("Nothing is wrong with it"), "{page}");
    assert_eq!(
        server.get("/api/v1/catalog/kinds").await.json()["items"],
        json!([])
    );
    let saved = post(entries, KIND, "save").await.expect(303);
    assert_eq!(
        saved.header("location"),
        "/catalogue/backup.failed?told=saved"
    );
    let page = anna
        .get(&server, "/catalogue/backup.failed")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("added") && page.contains("one of your own"),
        "{page}"
    );
    let entry = server.get("/api/v1/catalog/kinds").await.json()["items"][0].clone();
    let path = format!("/catalogue/entries/{}", id(&entry));
    let changed = KIND.replace("Backup Failed\"\nbody", "Backup Broken\"\r\nbody");
    post(&path, &changed, "save").await.expect(303);
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("Backup Broken") && !page.contains('\r'),
        "{page}"
    );
    let other = KIND.replace("backup.failed", "backup.other");
    let page = post(&path, &other, "save").await.expect(422).text();
    assert!(page.contains("add it as an entry of its own"), "{page}");

    let set = json!({"name": "Backups", "notify_by": "event", "events": ["backup.failed"]});
    server.made("/api/v1/event-sets", set).await;
    let page = anna
        .get(&server, &format!("{path}?ask=remove"))
        .await
        .expect(200)
        .text();
    assert!(page.contains("<dialog open data-modal"), "{page}");
    let gone = post(&format!("{path}/remove"), "", "").await.expect(303);
    assert_eq!(gone.header("location"), "/catalogue/entries?told=removed");
    let page = anna
        .get(&server, "/catalogue/backup.failed")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("retired") && page.contains("Backups"),
        "{page}"
    );
    let page = anna.get(&server, "/catalogue").await.expect(200).text();
    assert!(page.contains("Retired"), "{page}");
}

#[tokio::test]
async fn what_is_exported_can_be_imported_elsewhere() {
    let (server, other) = (Server::start().await, Server::start().await);
    server
        .post("/api/v1/catalog/kinds", json!({"file": KIND}))
        .await
        .expect(201);
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let file = vera
        .get(&server, "/catalogue/entries/export")
        .await
        .expect(200);
    assert!(file.header("content-disposition").contains("attachment"));
    let text = file.text();
    let (anna, token) = admin(&other).await;
    let import = async |text: &str, then: &str| {
        let fields = [
            ("form_token", token.as_str()),
            ("document", text),
            ("then", then),
        ];
        anna.post(&other, "/catalogue/entries/import", &fields)
            .await
    };
    let page = import(&text, "check").await.expect(200).text();
    assert!(
        page.contains("would change 1 entry") && page.contains("backup.failed"),
        "{page}"
    );
    assert_eq!(
        other.get("/api/v1/catalog/kinds").await.json()["items"],
        json!([])
    );
    import(&text, "import").await.expect(303);
    let page = anna
        .get(&other, "/catalogue/entries?told=imported")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("backup.failed") && page.contains("Imported."),
        "{page}"
    );
    let page = import(&text, "check").await.expect(200).text();
    assert!(page.contains("It changes nothing"), "{page}");
    for (wrong, words) in [
        ("no JSON", "is not JSON"),
        (r#"{"companies": []}"#, "other things than event kinds"),
        (r#"{"event_kinds": [{"file": "x"}]}"#, "event_kinds/0/file"),
    ] {
        let page = import(wrong, "import").await.expect(422).text();
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = vera.form_token(&server).await;
    let fields = [
        ("form_token", token.as_str()),
        ("document", text.as_str()),
        ("then", "import"),
    ];
    vera.post(&server, "/catalogue/entries/import", &fields)
        .await
        .expect(403);
}

#[tokio::test]
async fn the_tester_shows_what_an_alert_is_read_as() {
    let server = Server::start().await;
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let token = vera.form_token(&server).await;
    let test = async |fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        vera.post(&server, "/catalogue/tester", &fields)
            .await
            .expect(200)
            .text()
    };
    let body = "Open Port 443 Discovered for Asset 192.168.1.100";
    let page = test(&[("subject", "Asset Ports"), ("body", body)]).await;
    assert!(page.contains("<mark title=\"port\">443</mark>"), "{page}");
    for words in [
        "as it stands",
        "full",
        "system.port_open_probe",
        "OCSF",
        "CEF",
        "16,000,000 steps",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = test(&[("subject", "Asset Prts"), ("body", body)]).await;
    assert!(page.contains("Did you mean “Asset Ports”?"), "{page}");
    assert!(
        page.contains("By its body") && page.contains("not recognised"),
        "{page}"
    );
    let broken = r#"{"subject": "Login Failure", "body": "Login Failure for ACME\jdoe on service AzureAD",}"#;
    let page = test(&[("subject", ""), ("body", ""), ("raw", broken)]).await;
    assert!(
        page.contains("with repairs") && page.contains("kept backslash at byte"),
        "{page}"
    );
    let page = test(&[
        ("subject", HOSTILE),
        ("body", &format!("{HOSTILE}\u{202e}")),
    ])
    .await;
    assert!(!page.contains("<img src=x"), "{page}");
    let page = vera
        .get(&server, "/catalogue/tester?kind=system.asset_added")
        .await;
    assert!(page.expect(200).text().contains("New Asset(s) Added"));
}

#[tokio::test]
async fn a_stored_event_is_tested_and_the_newest_are_counted() {
    let server = Server::start().await;
    let intake = intake(&server).await;
    let event = receive(&server, &intake, "Backup Failed", "Backup of db-1 failed").await;
    receive(
        &server,
        &intake,
        "Asset Ports",
        "Open Port 443 Discovered for Asset 10.0.0.1",
    )
    .await;
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let path = format!("/catalogue/tester?event={event}");
    let page = vera.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("Backup of db-1 failed") && page.contains("not recognised"),
        "{page}"
    );
    let page = vera
        .get(&server, "/catalogue/tester?coverage=1")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("1 full, 0 partial, 1 not recognised"),
        "{page}"
    );
    let globex = server.company("Globex").await;
    let scope = Scope::Companies(vec![Server::company_id(&globex)]);
    let other = server.browser("Olaf", Role::Operator, scope).await;
    other.get(&server, &path).await.expect(404);
    let learn = format!("/catalogue/learn?event={event}");
    other.get(&server, &learn).await.expect(404);
    let page = other
        .get(&server, "/catalogue/unknown")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("Everything is recognised") && !page.contains("Backup"),
        "{page}"
    );
    let page = other
        .get(&server, "/catalogue/tester?coverage=1")
        .await
        .expect(200)
        .text();
    assert!(page.contains("There are no events"), "{page}");
}

#[tokio::test]
async fn a_wording_is_taught_from_what_was_not_recognised() {
    let server = Server::start().await;
    let intake = intake(&server).await;
    let mut last = String::new();
    for (host, why) in [
        ("db-1", "disk full"),
        ("web-1", "no route to host"),
        ("mail-1", "timed out"),
    ] {
        let body = format!("Backup of {host}.corp.example failed. Reason: {why}");
        last = receive(&server, &intake, "Backup Failed", &body).await;
    }
    let (anna, token) = admin(&server).await;
    let page = anna
        .get(&server, "/catalogue/unknown")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("href=\"/catalogue/learn?subject=Backup+Failed&#38;days=7\""),
        "{page}"
    );
    let learn = "/catalogue/learn?subject=Backup+Failed&days=7";
    let page = anna.get(&server, learn).await.expect(200).text();
    assert!(
        page.contains("Backup of {hostname:host} failed. Reason: {reason:text}"),
        "{page}"
    );
    assert!(
        page.contains("value=\"custom.backup_failed\"") && page.contains("Teach it"),
        "{page}"
    );
    let by_event = format!("/catalogue/learn?event={last}");
    let same = anna.get(&server, &by_event).await.expect(200).text();
    assert!(same.contains("3 of 3 events of the last 30 days"), "{same}");
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let seen = vera.get(&server, learn).await.expect(200).text();
    assert!(!seen.contains("value=\"teach\""), "{seen}");

    let mut fields = vec![
        ("form_token", token.as_str()),
        ("subject", "Backup Failed"),
        ("events", ""),
        ("days", "7"),
        (
            "template",
            "Backup of {hostname:host} failed. Reason: {reason:text}",
        ),
        ("field", "hostname"),
        ("renamed", "target"),
        ("field", "reason"),
        ("renamed", "reason"),
        ("target", "kind"),
        ("code", "No Code"),
        ("name", "Backup Failed"),
        ("category", "Backups"),
        ("severity", "high"),
        ("reread", "on"),
    ];
    let post = async |fields: &[(&str, &str)], then: &str| {
        let fields = [fields, &[("then", then)]].concat();
        anna.post(&server, "/catalogue/learn", &fields).await
    };
    let page = post(&fields, "try").await.expect(422).text();
    assert!(
        page.contains("no code") && page.contains("value=\"target\""),
        "{page}"
    );
    fields[10].1 = "backup.failed";
    let page = post(&fields, "try").await.expect(200).text();
    assert!(
        page.contains("Read in full at last</span><strong>3</strong>"),
        "{page}"
    );
    assert!(page.contains("Backup of {target:host} failed"), "{page}");
    assert_eq!(
        server.get("/api/v1/catalog/kinds").await.json()["items"],
        json!([])
    );
    let taught = post(&fields, "teach").await.expect(303);
    let path = taught.header("location").to_owned();
    assert!(
        path.starts_with("/rereads/") && path.ends_with("?told=taught"),
        "{path}"
    );
    let job = server.get("/api/v1/rereads").await.json()["items"][0].clone();
    assert_eq!(
        (job["total"].as_u64(), job["route"].as_bool()),
        (Some(3), Some(false)),
        "{job}"
    );
    let page = anna
        .get(&server, "/catalogue/unknown")
        .await
        .expect(200)
        .text();
    assert!(page.contains("Everything is recognised"), "{page}");
    let token = vera.form_token(&server).await;
    fields[0].1 = &token;
    let fields = [&fields[..], &[("then", "teach")]].concat();
    vera.post(&server, "/catalogue/learn", &fields)
        .await
        .expect(403);
}

#[tokio::test]
async fn a_lesson_without_a_subject_asks_for_one() {
    let server = Server::start().await;
    let (anna, _) = admin(&server).await;
    let page = anna
        .get(&server, "/catalogue/learn")
        .await
        .expect(200)
        .text();
    assert!(page.contains("Look at them"), "{page}");
    let page = anna
        .get(&server, "/catalogue/learn?subject=Never+seen")
        .await
        .expect(422)
        .text();
    assert!(
        page.contains("is unread") && page.contains("value=\"Never seen\""),
        "{page}"
    );
    let page = anna
        .get(&server, "/catalogue/drift")
        .await
        .expect(200)
        .text();
    assert!(page.contains("No wording has changed"), "{page}");
}

#[tokio::test]
async fn a_changed_wording_is_told_with_what_to_teach() {
    let server = Server::start().await;
    let intake = intake(&server).await;
    for number in 1..4 {
        let body = format!("10.0.0.{number} joined the network {HOSTILE}");
        receive(&server, &intake, "New Asset(s) Added", &body).await;
    }
    server.alarmed().await;
    let (anna, _) = admin(&server).await;
    let page = anna
        .get(&server, "/catalogue/drift")
        .await
        .expect(200)
        .text();
    for words in ["Read in full before</span><strong>100 %", "Scanner", "Acme"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<img src=x"), "{page}");
    let learn = page.split("href=\"/catalogue/learn").nth(1).unwrap();
    let learn = learn.split('"').next().unwrap().replace("&#38;", "&");
    let page = anna
        .get(&server, &format!("/catalogue/learn{learn}"))
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("{ip:ip} joined the network") && page.contains("3 bodies teach"),
        "{page}"
    );
    assert!(page.contains("value=\"system.asset_added\""), "{page}");
    assert!(!page.contains("<img src=x"), "{page}");
}
