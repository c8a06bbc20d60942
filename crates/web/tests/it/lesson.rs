//! Lessons: unknown wordings are listed, learned from, tried and taught over the API.

use std::time::Duration;

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};

use crate::support::Server;

const LEARN: &str = "/api/v1/catalog/learn";
const PROPOSALS: &str = "/api/v1/catalog/proposals";

/// A server with a source, and a way in for alerts.
struct School {
    server: Server,
    intake: String,
}

impl School {
    async fn start() -> Self {
        let server = Server::start().await;
        server.company("Acme").await;
        let source = json!({"name": "Scanner", "company": "Acme", "authentication": {"header": {"key": "x-key", "value": "the-secret-of-the-scanner"}}});
        let made = server.source(source).await;
        let intake = format!("/intake/{}", made["id"].as_str().unwrap());
        Self { server, intake }
    }

    async fn receive(&self, subject: &str, body: &str) -> String {
        let payload = json!({"subject": subject, "body": body}).to_string();
        let request = http::Request::post(&self.intake)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("x-key", "the-secret-of-the-scanner")
            .body(axum::body::Body::from(payload))
            .unwrap();
        let answer = self.server.send(request).await.expect(202).json();
        answer["events"][0].as_str().unwrap().to_owned()
    }

    async fn backups(&self) -> Vec<String> {
        let mut events = Vec::new();
        for (host, minute, why) in [
            ("db-1", 30, "disk full"),
            ("web-1", 31, "no route to host"),
            ("mail-1", 32, "timed out"),
            ("db-2", 33, "disk full again"),
            ("web-2", 34, "refused"),
        ] {
            let body = format!(
                "Backup of {host}.corp.example failed at 2024-01-15 10:{minute}:00 UTC. Reason: {why}"
            );
            events.push(self.receive("Backup Failed", &body).await);
        }
        events
    }
}

fn as_kind() -> Value {
    json!({"subject": "backup failed", "names": {"hostname": "target"}, "as": {"kind": {
        "code": "backup.failed", "category": "Backups", "severity": "high",
    }}})
}

#[tokio::test]
async fn an_unknown_wording_is_listed_proposed_tried_and_taught() {
    let school = School::start().await;
    let events = school.backups().await;
    let unknown = school
        .server
        .get("/api/v1/catalog/unknown")
        .await
        .expect(200)
        .json();
    assert_eq!(unknown["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &unknown["items"][0]["subject"],
            &unknown["items"][0]["none"]
        ),
        (&json!("Backup Failed"), &json!(5))
    );
    let form = json!({"subject": "Backup  failed"});
    let proposed = school.server.post(PROPOSALS, form).await.expect(200).json();
    let template =
        "Backup of {hostname:host} failed at {timestamp:timestamp}. Reason: {reason:text}";
    assert_eq!(proposed["proposals"][0]["template"], template);
    assert_eq!(
        (&proposed["unread"], &proposed["bodies"]),
        (&json!(5), &json!(5))
    );
    let by_events = json!({"events": events});
    let again = school
        .server
        .post(PROPOSALS, by_events)
        .await
        .expect(200)
        .json();
    assert_eq!(again["proposals"][0]["template"], template);

    let mut form = as_kind();
    form["dry_run"] = true.into();
    let tried = school.server.post(LEARN, form).await.expect(200).json();
    assert_eq!(
        (&tried["saved"], &tried["newly_read"], &tried["changed"]),
        (&json!(false), &json!(5), &json!(0))
    );
    let kinds = school.server.get("/api/v1/catalog/kinds").await.json();
    assert_eq!(kinds["items"], json!([]));

    let taught = school
        .server
        .post(LEARN, as_kind())
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&taught["saved"], &taught["code"]),
        (&json!(true), &json!("backup.failed"))
    );
    let file = taught["file"].as_str().unwrap();
    assert!(
        !file.contains("db-1"),
        "bodies stay with their company: {file}"
    );
    let event = school
        .receive(
            "Backup Failed",
            "Backup of new.corp.example failed at 2024-02-01 00:00:00 UTC. Reason: none",
        )
        .await;
    let read = school
        .server
        .get(&format!("/api/v1/events/{event}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&read["event"], &read["match"]),
        (&json!("backup.failed"), &json!("full")),
        "{read}"
    );
    let audit = school.server.get("/api/v1/audit").await.json().to_string();
    assert!(audit.contains("backup.failed"), "{audit}");
    let unknown = school.server.get("/api/v1/catalog/unknown").await.json();
    assert_eq!(unknown["items"], json!([]));
    // The code is taken now.
    school
        .receive("Backup Failed", "No backup of db-1.corp.example")
        .await;
    school
        .server
        .post(LEARN, as_kind())
        .await
        .field("/as/kind/code", "variant_of");
}

#[tokio::test]
async fn wordings_of_a_kind_grow_one_entry() {
    let school = School::start().await;
    for number in 1..4 {
        let body = format!("Found device 10.0.0.{number} called db-{number}.corp.example");
        school.receive("Device Found", &body).await;
        let body = format!("10.0.0.{number} joined the network");
        school.receive("New Asset(s) Added", &body).await;
    }
    let learn =
        |subject: &str| json!({"subject": subject, "as": {"variant_of": "system.asset_added"}});
    let first = school
        .server
        .post(LEARN, learn("Device Found"))
        .await
        .expect(200)
        .json();
    assert!(
        first["file"].as_str().unwrap().contains("aliases"),
        "{first}"
    );
    let second = school
        .server
        .post(LEARN, learn("New Asset(s) Added"))
        .await
        .expect(200)
        .json();
    assert_eq!(first["id"], second["id"]);
    let kinds = school.server.get("/api/v1/catalog/kinds").await.json();
    assert_eq!(kinds["items"].as_array().unwrap().len(), 1);
    for (subject, body) in [
        (
            "Device found",
            "Found device 10.0.0.9 called x.corp.example",
        ),
        ("New Asset Added", "10.0.0.9 joined the network"),
    ] {
        let payload = json!({"subject": subject, "body": body});
        let read = school
            .server
            .post("/api/v1/parse", payload)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&read["event"], &read["match"]),
            (&json!("system.asset_added"), &json!("full")),
            "{read}"
        );
    }
}

#[tokio::test]
async fn a_lesson_that_would_change_what_is_read_needs_force() {
    let school = School::start().await;
    let kind = |code: &str, rest: &str| {
        let file =
            format!("category = 'Okta'\n[[event]]\ncode = '{code}'\nsubject = 'Okta'\n{rest}\n");
        json!({"file": file})
    };
    let kinds = "/api/v1/catalog/kinds";
    let login = kind("okta.login", "body = 'Okta login {user:user}'");
    school.server.post(kinds, login).await.expect(201);
    // The kind that was made first is asked first.
    school.server.clock.advance(Duration::from_secs(1));
    let other = kind(
        "okta.other",
        "alternatives = ['okta.login']\nbody = 'Okta {what:text}'",
    );
    school.server.post(kinds, other).await.expect(201);
    let event = school.receive("Okta", "Okta logout bob").await;
    let form = json!({
        "events": [event], "template": "Okta logout {user:user}", "as": {"variant_of": "okta.login"},
    });
    let refused = school.server.post(LEARN, form.clone()).await.problem(409);
    assert!(
        refused["detail"].as_str().unwrap().contains(&event),
        "{refused}"
    );
    let with = |key: &str| {
        let mut form = form.clone();
        form[key] = true.into();
        form
    };
    let tried = school.server.post(LEARN, with("dry_run")).await.expect(200);
    let tried = tried.json();
    assert_eq!(
        (&tried["saved"], &tried["changed"], &tried["changed_events"]),
        (&json!(false), &json!(1), &json!([event]))
    );
    let forced = school.server.post(LEARN, with("force")).await.expect(200);
    assert_eq!(forced.json()["saved"], true);
}

#[tokio::test]
async fn a_kind_that_reads_the_text_of_another_is_refused() {
    let school = School::start().await;
    school
        .receive("New Asset(s) Added", "10.0.0.7 joined the network")
        .await;
    let form = json!({
        "subject": "New Asset(s) Added", "template": "{what:text}",
        "as": {"kind": {"code": "any.thing", "category": "Any", "severity": "low"}},
    });
    let answer = school.server.post(LEARN, form).await;
    answer.field("/template", "reads the text of");
}

#[tokio::test]
async fn mistakes_in_a_lesson_are_told_by_their_place() {
    let school = School::start().await;
    school.backups().await;
    let server = &school.server;
    server
        .post(PROPOSALS, json!({}))
        .await
        .field("/subject", "missing");
    server
        .post(PROPOSALS, json!({"subject": "Never Seen"}))
        .await
        .field("/subject", "unread");
    server
        .post(PROPOSALS, json!({"subject": "Backup Failed", "days": 31}))
        .await
        .field("/days", "1 to 30");
    server
        .post(PROPOSALS, json!({"events": ["x"]}))
        .await
        .field("/events/0", "id of an event");
    let with = |change: fn(&mut Value)| {
        let mut form = as_kind();
        change(&mut form);
        form
    };
    server
        .post(LEARN, with(|form| form["as"] = json!({})))
        .await
        .field("/as", "one of");
    server
        .post(LEARN, with(|form| form["names"] = json!({"hots": "x"})))
        .await
        .field("/names", "no field `hots`");
    server
        .post(
            LEARN,
            with(|form| form["template"] = "Backup of {a:hots}".into()),
        )
        .await
        .field("/template", "no type");
    server
        .post(
            LEARN,
            with(|form| form["template"] = "Restore of {a:host}".into()),
        )
        .await
        .field("/template", "none of the bodies");
    server
        .post(
            LEARN,
            with(|form| form["as"]["kind"]["severity"] = "bad".into()),
        )
        .await
        .field("/as/kind/severity", "info");
    server
        .post(
            LEARN,
            with(|form| form["as"]["kind"]["code"] = "No Code".into()),
        )
        .await
        .field("/template", "no code");
    server
        .post(
            LEARN,
            with(|form| form["as"] = json!({"variant_of": "system.aset_added"})),
        )
        .await
        .field("/as/variant_of", "did you mean");
}

#[tokio::test]
async fn lessons_keep_to_the_roles_and_companies_of_the_key() {
    let school = School::start().await;
    let events = school.backups().await;
    let viewer = school.server.key(Role::Viewer, Scope::All).await;
    let refused = school
        .server
        .call_as(&viewer, Method::POST, LEARN, Some(&as_kind()))
        .await;
    refused.problem(403);
    let other = school.server.company("Globex").await;
    let scope = Scope::Companies([Server::company_id(&other)].into());
    let stranger = school.server.key(Role::Viewer, scope).await;
    let form = json!({"events": events});
    let unseen = school
        .server
        .call_as(&stranger, Method::POST, PROPOSALS, Some(&form))
        .await;
    unseen.problem(404);
    let unknown = school
        .server
        .call_as(&stranger, Method::GET, "/api/v1/catalog/unknown", None)
        .await;
    assert_eq!(unknown.expect(200).json()["items"], json!([]));
    let drift = school
        .server
        .call_as(&stranger, Method::GET, "/api/v1/catalog/drift", None)
        .await;
    assert_eq!(drift.expect(200).json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_not_recognised_is_told_by_company_and_to_its_viewers_alone() {
    let school = School::start().await;
    school.backups().await;
    let server = &school.server;
    let globex = server.company("Globex").await;
    let unknown = async |query: &str| {
        let path = format!("/api/v1/catalog/unknown?{query}");
        server.get(&path).await.expect(200).json()["items"].clone()
    };
    assert_eq!(unknown("company=Acme").await, unknown("").await);
    assert_eq!(unknown("company=Globex").await, json!([]));
    let vera = Scope::Companies(vec![Server::company_id(&globex)]);
    let vera = server.browser("Vera", Role::Viewer, vera).await;
    for (path, nothing) in [
        ("/catalogue/unknown", "Everything is recognised"),
        ("/catalogue/drift", "No wording has changed"),
    ] {
        let page = vera.get(server, path).await.expect(200).text();
        assert!(
            page.contains(nothing) && !page.contains("Backup Failed"),
            "{page}"
        );
        vera.get(server, &format!("{path}?company=Acme"))
            .await
            .expect(422);
        let api = format!(
            "/api/v1{}?company=Acme",
            path.replace("catalogue", "catalog")
        );
        vera.get(server, &api).await.field("?company", "");
    }
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(server, "/catalogue/unknown?company=Acme").await;
    let page = page.expect(200).text();
    // The switch of companies comes back here, and so do the links.
    assert!(page.contains("action=\"/catalogue/unknown\""), "{page}");
    for link in [
        "/catalogue/unknown?days=30&#38;company=Acme",
        "/catalogue/drift?company=Acme",
    ] {
        assert!(page.contains(link), "{link}: {page}");
    }
    assert!(page.contains("Backup Failed"), "{page}");
}
