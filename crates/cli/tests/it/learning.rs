//! An unknown wording is taught by one command, and a wording that changes is noticed, taught and forgotten.

use serde_json::{Value, json};

use crate::support::{Api, KEY, Place, Server, alertwire, run_with};

const SECRET: &str = "the secret of the scanner";

struct School {
    server: Server,
    api: Api,
    intake: String,
    _place: Place,
}

impl School {
    async fn open() -> Self {
        let place = Place::new();
        let server = place.start();
        let api = server.api();
        let form = json!({"name": "Scanner", "authentication": {"header": {"key": "X-API-Key", "value": SECRET}}});
        let answer = api.call("POST", "api/v1/sources", Some(form)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let intake = answer.body["intake_url"].as_str().unwrap().to_owned();
        Self {
            server,
            api,
            intake,
            _place: place,
        }
    }

    async fn receive(&self, subject: &str, body: &str) -> Value {
        let payload = json!({"subject": subject, "body": body}).to_string();
        let headers = [("x-api-key", SECRET), ("content-type", "application/json")];
        let sent = self
            .api
            .send("POST", &self.intake, payload.into_bytes(), &headers);
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
        let event = answer.body["events"][0].as_str().unwrap();
        self.api.get(&format!("api/v1/events/{event}")).await
    }

    /// What a command that went well printed, on both streams.
    async fn command(&self, arguments: &[&str]) -> String {
        let mut command = alertwire(arguments);
        command
            .env("ALERTWIRE_URL", &self.server.url)
            .env("ALERTWIRE_API_KEY", KEY);
        let ended = tokio::task::spawn_blocking(move || run_with(command, b""));
        let ended = ended.await.unwrap();
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        format!("{}{}", ended.stdout, ended.stderr)
    }
}

#[tokio::test]
async fn an_unknown_wording_is_taught_by_one_command() {
    let school = School::open().await;
    for (host, why) in [
        ("db-1", "disk full"),
        ("web-1", "no route to host"),
        ("mail-1", "timed out"),
        ("db-2", "disk full again"),
        ("web-2", "refused"),
    ] {
        let body = format!("Backup of {host}.corp.example failed. Reason: {why}");
        let event = school.receive("Backup Failed", &body).await;
        assert_eq!(
            (&event["event"], &event["match"]),
            (&Value::Null, &json!("none"))
        );
    }
    let unknown = school.command(&["catalog", "unknown"]).await;
    assert!(unknown.contains("Backup Failed"), "{unknown}");
    let proposed = school
        .command(&["catalog", "learn", "--subject", "Backup Failed"])
        .await;
    let template = "Backup of {hostname:host} failed. Reason: {reason:text}";
    assert!(
        proposed.contains(template) && proposed.contains("reads 5 of 5"),
        "{proposed}"
    );
    let lesson = [
        "catalog",
        "learn",
        "--subject",
        "Backup Failed",
        "--name",
        "reason=error",
        "--code",
        "backup.failed",
        "--category",
        "Backups",
        "--severity",
        "high",
    ];
    let tried = school
        .command(&[&lesson[..], &["--dry-run"]].concat())
        .await;
    assert!(
        tried.contains("5 newly read") && tried.contains("{error:text}"),
        "{tried}"
    );
    let taught = school
        .command(&[&lesson[..], &["--yes", "--reread"]].concat())
        .await;
    assert!(
        taught.contains("`backup.failed` is a kind of your own now"),
        "{taught}"
    );
    assert!(taught.contains("5 new readings"), "{taught}");
    let stored = school.api.get("api/v1/events?event=backup.failed").await;
    let stored = stored["items"].as_array().unwrap();
    assert_eq!(stored.len(), 5);
    assert!(stored.iter().all(|event| event["match"] == "full"));
    let body = "Backup of new.corp.example failed. Reason: none given";
    let event = school.receive("Backup Failed", body).await;
    assert_eq!(
        (&event["event"], &event["match"]),
        (&json!("backup.failed"), &json!("full"))
    );
    assert_eq!(event["severity"], "high");
    assert_eq!(
        event["records"],
        json!([{"hostname": "new.corp.example", "error": "none given"}])
    );
}

#[tokio::test]
async fn without_a_terminal_nothing_is_taught_unasked() {
    let school = School::open().await;
    school
        .receive("Backup Failed", "Backup of db-1.corp.example failed")
        .await;
    let mut command = alertwire(&[
        "catalog",
        "learn",
        "--subject",
        "Backup Failed",
        "--code",
        "backup.failed",
        "--category",
        "Backups",
    ]);
    command
        .env("ALERTWIRE_URL", &school.server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    let ended = tokio::task::spawn_blocking(move || run_with(command, b"y\n"));
    let ended = ended.await.unwrap();
    assert_eq!(ended.code, 64, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("Backup of {hostname:host} failed"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    let kinds = school.api.get("api/v1/catalog/kinds").await;
    assert_eq!(kinds["items"], json!([]));
}

#[tokio::test]
async fn a_wording_that_changes_is_noticed_taught_and_read_again() {
    const SUBJECT: &str = "New Asset(s) Added";
    let school = School::open().await;
    for number in 1..=30 {
        let body = format!("New asset added with ip 10.0.0.{number}");
        assert_eq!(school.receive(SUBJECT, &body).await["match"], "full");
    }
    for number in 1..=20 {
        let body = format!(
            "New asset added with ip 10.0.1.{number}. Seen by probe-{}",
            number % 3
        );
        assert_eq!(school.receive(SUBJECT, &body).await["match"], "partial");
    }
    let alarm = school
        .api
        .until("api/v1/catalog/drift", |drift| {
            drift["items"].as_array().unwrap().first().cloned()
        })
        .await;
    assert_eq!(
        (&alarm["event"], &alarm["source"]["name"]),
        (&json!("system.asset_added"), &json!("Scanner"))
    );
    assert!(alarm["before"].as_f64().unwrap() > 0.9, "{alarm}");
    assert!(
        alarm["new_tail"].as_str().unwrap().contains("Seen by"),
        "{alarm}"
    );
    let template = alarm["suggestion"]["template"].as_str().unwrap();
    assert!(
        template.starts_with("New asset added with ip {ip:ip}. Seen by {"),
        "{template}"
    );
    let listed = school.command(&["catalog", "drift"]).await;
    assert!(
        listed.contains("Scanner") && listed.contains(template),
        "{listed}"
    );
    assert!(
        school.server.log().contains("has changed"),
        "{}",
        school.server.log()
    );

    let events: Vec<&str> = alarm["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut lesson = vec![
        "catalog",
        "learn",
        "--variant-of",
        "system.asset_added",
        "--yes",
    ];
    lesson.extend(events.iter().flat_map(|event| ["--event", event]));
    let taught = school.command(&lesson).await;
    assert!(taught.contains("20 newly read"), "{taught}");
    for number in 1..=10 {
        let body = format!(
            "New asset added with ip 10.0.2.{number}. Seen by probe-{}",
            number % 3
        );
        assert_eq!(school.receive(SUBJECT, &body).await["match"], "full");
    }
    school
        .api
        .until("api/v1/catalog/drift", |drift| {
            drift["items"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_entry_is_added_from_a_file_listed_and_removed() {
    let school = School::open().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found.toml");
    let text = "[[extend]]\ncode = 'system.asset_added'\naliases = ['Device Found']\nvariants = ['Found device {ip:ip}']\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let checked = school.command(&["catalog", "add", file, "--dry-run"]).await;
    assert!(checked.contains("is good"), "{checked}");
    school.command(&["catalog", "add", file]).await;
    let event = school
        .receive("Device Found", "Found device 10.0.0.7")
        .await;
    assert_eq!(event["event"], "system.asset_added");
    let added = school.command(&["catalog", "added"]).await;
    assert!(
        added.contains("system.asset_added") && added.contains("wordings"),
        "{added}"
    );
    school
        .command(&["catalog", "remove", "system.asset_added wordings"])
        .await;
    let event = school
        .receive("Device Found", "Found device 10.0.0.8")
        .await;
    assert_eq!(event["event"], Value::Null);
}
