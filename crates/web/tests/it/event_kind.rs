//! Event kinds of the user's: added over the API, and in force with the next message.

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};

use crate::support::Server;

const KINDS: &str = "/api/v1/catalog/kinds";

const KIND: &str = "category = 'Backups'
[[event]]
code = 'backup.failed'
subject = 'Backup Failed'
severity = 'high'
body = 'Backup of {hostname:host} failed'
";
const WORDINGS: &str = "[[extend]]
code = 'system.asset_added'
aliases = ['Device Found']
variants = ['Found device {ip:ip}']
";

fn file(text: &str) -> Value {
    json!({"file": text})
}

async fn read(server: &Server, subject: &str, body: &str) -> Value {
    let payload = json!({"subject": subject, "body": body});
    server
        .post("/api/v1/parse", payload)
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn a_kind_and_a_wording_are_in_force_as_soon_as_they_are_added() {
    let server = Server::start().await;
    let before = read(&server, "Device Found", "Found device 10.0.0.7").await;
    assert_eq!(
        (&before["event"], &before["match"]),
        (&Value::Null, &json!("none"))
    );
    let kind = server.post(KINDS, file(KIND)).await.expect(201).json();
    assert_eq!(
        (&kind["code"], &kind["adds"]),
        (&json!("backup.failed"), &json!("kind"))
    );
    let wordings = server.post(KINDS, file(WORDINGS)).await.expect(201).json();
    assert_eq!(wordings["adds"], "wordings");
    let read_now = read(&server, "Device Found", "Found device 10.0.0.7").await;
    assert_eq!(
        (&read_now["event"], &read_now["match"]),
        (&json!("system.asset_added"), &json!("full"))
    );
    let failed = read(&server, "backup failed", "Backup of db-1 failed").await;
    assert_eq!(
        (&failed["severity"], &failed["records"]),
        (&json!("high"), &json!([{"hostname": "db-1"}]))
    );
    let names = server.get(KINDS).await.expect(200).json();
    assert_eq!(names["items"].as_array().unwrap().len(), 2);
    let catalog = server.get("/api/v1/catalog").await.json().to_string();
    assert!(catalog.contains("backup.failed"));
    // An event set may name it, and the set keeps the name when it is gone.
    let set = json!({"name": "Backups", "events": ["backup.failed"]});
    server.post("/api/v1/event-sets", set).await.expect(201);
    server
        .delete(&format!("{KINDS}/backup.failed"))
        .await
        .expect(204);
    let gone = read(&server, "backup failed", "Backup of db-1 failed").await;
    assert_eq!(gone["event"], Value::Null);
}

#[tokio::test]
async fn an_entry_is_checked_before_it_is_added() {
    let server = Server::start().await;
    for (text, says) in [
        ("", "one `[[event]]`"),
        (
            "[[extend]]\ncode = 'system.aset_added'\naliases = ['A']\n",
            "did you mean `system.asset_added`?",
        ),
        (&*KIND.replace("host}", "hots}"), "line 6"),
        (
            &*KIND.replace("'Backup of {hostname:host} failed'", "'{a:text}{b:text}'"),
            "free",
        ),
        (&*"x".repeat(70_000), "65536"),
    ] {
        let refused = server.post(KINDS, file(text)).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/file", "{refused}");
        let told = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(told.contains(says), "{told}");
    }
    server.post(KINDS, file(KIND)).await.expect(201);
    let twin = KIND.replace("backup.failed", "backup.lost");
    let told = server
        .post(KINDS, file(&twin))
        .await
        .expect(422)
        .json()
        .to_string();
    assert!(told.contains("reads the text of"), "{told}");
    let again = server
        .post(KINDS, file(KIND))
        .await
        .expect(422)
        .json()
        .to_string();
    assert!(again.contains("taken already"), "{again}");
    let dry = server
        .post(&format!("{KINDS}?dry_run=true"), file(WORDINGS))
        .await
        .expect(200);
    assert_eq!(dry.json()["faults"], json!([]));
    assert_eq!(
        server.get(KINDS).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn another_file_takes_the_place_of_an_entry_s_for_the_same_code_alone() {
    let server = Server::start().await;
    server.post(KINDS, file(KIND)).await.expect(201);
    let path = format!("{KINDS}/backup.failed");
    let low = KIND.replace("'high'", "'low'");
    server.put(&path, file(&low)).await.expect(200);
    let failed = read(&server, "Backup Failed", "Backup of db-1 failed").await;
    assert_eq!(failed["severity"], "low");
    server.put(&path, file(WORDINGS)).await.expect(422);
    assert_eq!(server.get(&path).await.json()["file"], low);
}

#[tokio::test]
async fn only_an_admin_of_all_companies_extends_the_catalogue() {
    let server = Server::start().await;
    let operator = server.key(Role::Operator, Scope::All).await;
    let refused = server
        .call_as(&operator, Method::POST, KINDS, Some(&file(KIND)))
        .await;
    refused.expect(403);
    server
        .call_as(&operator, Method::GET, KINDS, None)
        .await
        .expect(200);
}

#[tokio::test]
async fn entries_go_with_the_configuration_s_document() {
    let server = Server::start().await;
    server.post(KINDS, file(WORDINGS)).await.expect(201);
    server.post(KINDS, file(KIND)).await.expect(201);
    let mut document = server.get("/api/v1/configuration").await.expect(200).json();
    assert_eq!(document["event_kinds"], json!([file(KIND), file(WORDINGS)]));
    let same = server
        .put("/api/v1/configuration", document.clone())
        .await
        .expect(200)
        .json();
    assert_eq!(same["changes"], json!([]));
    document["event_kinds"] = json!([file(&KIND.replace("'high'", "'low'"))]);
    document["event_sets"] = json!([{"name": "Backups", "events": ["backup.failed"]}]);
    server
        .put("/api/v1/configuration?prune=true", document)
        .await
        .expect(200);
    let failed = read(&server, "Backup Failed", "Backup of db-1 failed").await;
    assert_eq!(failed["severity"], "low");
    let found = read(&server, "Device Found", "Found device 10.0.0.7").await;
    assert_eq!(found["event"], Value::Null);
}
