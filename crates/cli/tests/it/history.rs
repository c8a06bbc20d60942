//! `alertwire audit list` and `alertwire rollback`.

use serde_json::{Value, json};

use crate::support::{Ended, KEY, Place, Server, alertwire, run_with};

fn asked(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, b"")
}

fn epoch(server: &Server) -> Value {
    let listed = asked(server, &["audit", "list", "--limit", "1", "--json"]);
    listed.lines()[0]["items"][0]["epoch"].clone()
}

#[tokio::test]
async fn a_mistake_is_found_in_the_log_and_gone_back_on() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let company = api.made("api/v1/companies", json!({"name": "Acme"})).await;
    let before = epoch(&server).to_string();
    let set = json!({"name": "Mistake", "notify_by": "event", "events": ["system.asset_added"]});
    api.made("api/v1/event-sets", set).await;

    let listed = asked(&server, &["audit", "list", "--what", "event set"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let row = listed.stdout.lines().find(|line| line.contains("/name"));
    assert!(
        row.is_some_and(|row| row.contains("Mistake")),
        "{}",
        listed.stdout
    );
    let listed = asked(&server, &["audit", "list", "--target", &company]);
    assert!(listed.stdout.contains("insert"), "{}", listed.stdout);

    let dry = asked(&server, &["rollback", &before, "--dry-run"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    let first = dry.stdout.lines().nth(1).unwrap_or_default();
    assert!(
        first.trim_start().starts_with('-') && first.contains("Mistake"),
        "{first}"
    );
    assert!(dry.stderr.contains("nothing was changed"), "{}", dry.stderr);
    let now = epoch(&server);

    let done = asked(&server, &["rollback", &before, "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let said = &done.lines()[0];
    assert_eq!(
        (&said["total"], &said["changes"][0]["action"]),
        (&json!(1), &json!("remove"))
    );
    assert_eq!(said["epoch"].as_u64(), now.as_u64().map(|now| now + 1));
    let sets = api.call("GET", "api/v1/event-sets", None).await;
    assert_eq!(sets.body["items"], json!([]));

    let again = asked(&server, &["rollback", &before]);
    assert!(again.stderr.contains("nothing differs"), "{}", again.stderr);
    let never = asked(&server, &["rollback", "999999"]);
    assert_eq!(never.code, 65);
    assert!(
        never.stderr.contains("there is no epoch 999999"),
        "{}",
        never.stderr
    );
}
