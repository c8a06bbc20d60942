//! An event leaves one process as an alert, and arrives at another as the same fields.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::{Api, Ended, KEY, Place, Server, alertwire, everything_to, run_with};

#[tokio::test]
async fn an_event_comes_back_as_the_same_fields() {
    the_loop(Place::new(), Place::new()).await;
}

#[tokio::test]
async fn an_event_comes_back_as_the_same_fields_over_postgresql() {
    let (Some(sender), Some(receiver)) = (postgres().await, postgres().await) else {
        return;
    };
    the_loop(sender, receiver).await;
}

/// A place whose database is its own on the server that CI names.
pub async fn postgres() -> Option<Place> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    #[expect(
        clippy::disallowed_methods,
        reason = "CI names the server in the environment"
    )]
    let url = std::env::var("ALERTWIRE_TEST_POSTGRES").ok()?;
    let name = format!(
        "alertwire_cli_{}_{}",
        std::process::id(),
        MADE.fetch_add(1, Ordering::Relaxed)
    );
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let talking = tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    drop(client);
    talking.await.unwrap().unwrap();
    let (base, query) = url
        .split_once('?')
        .map_or((url.as_str(), String::new()), |(base, query)| {
            (base, format!("?{query}"))
        });
    let server = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Some(Place {
        database: Some(format!("{server}/{name}{query}")),
        ..Place::new()
    })
}

/// Makes a source at the receiver; answers its intake URL.
async fn source(api: &Api, secret: &str) -> String {
    let company = api
        .made("api/v1/companies", json!({"name": "Acme Corporation"}))
        .await;
    let form = json!({"name": "Sender", "company": company, "authentication": {"header": {"key": "X-API-Key", "value": secret}}});
    let answer = api.call("POST", "api/v1/sources", Some(form)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["intake_url"].as_str().unwrap().to_owned()
}

async fn the_loop(sending: Place, receiving: Place) {
    let (sender, receiver) = (sending.start(), receiving.start());
    let (out, back) = (sender.api(), receiver.api());
    let intake = source(&back, "the secret of the target").await;
    let integration = everything_to(&out, &intake, json!({})).await;
    let fields = json!({"ip": "192.168.1.100", "hostname": "server-01.example.com", "mac": "00:1B:44:11:3A:B7"});
    let id = out
        .raise(
            json!({"event": "system.asset_added", "company": "Acme Corporation", "fields": fields}),
        )
        .await;
    out.settled().await;
    let deliveries = out.get(&format!("api/v1/deliveries?event={id}")).await;
    assert_eq!(
        deliveries["items"][0]["status"], "delivered",
        "{deliveries}"
    );
    let events = back
        .until("api/v1/events?event=system.asset_added", |page| {
            page["items"]
                .as_array()
                .filter(|items| !items.is_empty())
                .cloned()
        })
        .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["records"], json!([fields]));
    assert_eq!(
        (&events[0]["decode"], &events[0]["match"]),
        (&json!("ok"), &json!("full"))
    );
    assert_eq!(events[0]["company"]["name"], "Acme Corporation");
    raw_is_kept(&back, &events[0]).await;
    tokio::task::spawn_blocking(move || the_commands(&sender, &id, &integration))
        .await
        .unwrap();
}

/// The receiver has the very bytes.
async fn raw_is_kept(api: &Api, event: &Value) {
    let journal = event["journal_id"].as_str().unwrap();
    let raw = api.get(&format!("api/v1/journal/{journal}/raw")).await;
    assert_eq!(
        raw,
        json!({"subject": event["subject"], "body": event["body"]})
    );
    let message = api.get(&format!("api/v1/journal/{journal}")).await;
    assert!(
        !message.to_string().contains("the secret of the target"),
        "{message}"
    );
}

fn ask(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, b"")
}

/// Everything the command line can ask a server.
fn the_commands(server: &Server, event: &str, integration: &str) {
    let listed = ask(
        server,
        &[
            "events",
            "list",
            "--json",
            "--where",
            "event=system.asset_added",
        ],
    );
    assert_eq!(
        listed.lines()[0]["items"][0]["id"],
        event,
        "{}",
        listed.stderr
    );
    assert!(ask(server, &["events", "list"]).stdout.contains(event));
    assert!(
        ask(server, &["events", "show", event])
            .stdout
            .contains("192.168.1.100")
    );
    assert!(
        ask(server, &["events", "trace", event])
            .stdout
            .contains("Target")
    );
    assert_eq!(ask(server, &["events", "show", "../keys"]).code, 64);
    let deliveries = ask(
        server,
        &["deliveries", "list", "--status", "delivered", "--json"],
    )
    .lines()
    .remove(0);
    let delivery = deliveries["items"][0]["id"].as_str().unwrap();
    let retried = ask(server, &["deliveries", "retry", delivery, "--json"]);
    assert_eq!(retried.code, 0, "{}", retried.stderr);
    let checked = ask(server, &["connect", integration]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    assert_eq!(ask(server, &["healthcheck"]).code, 0);
    a_sent_event_is_tailed(server);
    a_made_key_has_its_role(server);
    refusals_are_told(server);
}

fn a_sent_event_is_tailed(server: &Server) {
    let mut command = alertwire(&["events", "tail", "--json", "--url", &server.url]);
    command.env("ALERTWIRE_API_KEY", KEY).stdout(Stdio::piped());
    let mut tail = command.spawn().unwrap();
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    // On PostgreSQL the stream may begin a little before it was opened, so the first line may tell of an earlier event.
    let told = std::thread::spawn(move || {
        lines
            .map(Result::unwrap)
            .find(|line| line.contains("192.0.2.77"))
    });
    // The stream may also open after the first of these.
    while !told.is_finished() {
        let event = [
            "send",
            "system.asset_added",
            "ip=192.0.2.77",
            "--company",
            "Acme Corporation",
        ];
        let sent = ask(server, &event);
        assert_eq!(sent.code, 0, "{}", sent.stderr);
    }
    let event: Value = serde_json::from_str(&told.join().unwrap().unwrap()).unwrap();
    assert_eq!(event["records"], json!([{"ip": "192.0.2.77"}]));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

fn a_made_key_has_its_role(server: &Server) {
    let made = ask(server, &["key", "create", "watcher", "--role", "viewer"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut command = alertwire(&[
        "send",
        "system.asset_added",
        "ip=192.0.2.1",
        "--company",
        "Acme Corporation",
        "--url",
        &server.url,
    ]);
    command.env("ALERTWIRE_API_KEY", made.stdout.trim());
    assert_eq!(run_with(command, b"").code, 77);
}

fn refusals_are_told(server: &Server) {
    for (arguments, code, says) in [
        (
            &[
                "send",
                "system.aset_added",
                "ip=10.0.0.1",
                "--company",
                "Acme Corporation",
            ][..],
            65,
            "system.asset_added",
        ),
        (
            &[
                "send",
                "system.asset_added",
                "ip=10.0.0.1",
                "--company",
                "Acme Corporatoin",
            ],
            65,
            "Acme Corporation",
        ),
        (
            &[
                "send",
                "system.asset_added",
                "ipp=10.0.0.1",
                "--company",
                "Acme Corporation",
            ],
            65,
            "ip",
        ),
        (
            &["events", "show", "0199c0de-0000-7000-8000-000000000000"],
            65,
            "404",
        ),
        (&["healthcheck", "--url", "http://127.0.0.1:1"], 69, "--url"),
    ] {
        let ended = ask(server, arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(says),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}
