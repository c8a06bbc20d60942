//! Messages that nobody understood when they came: kept, understood later, read again, sent when asked for. And the proof that
//! all of them are there.

use serde_json::{Value, json};
use testkit::{Received, Target};

use crate::support::{Api, Ended, KEY, Place, Server, alertwire, everything_to, run_with};

const SECRET: &str = "the secret of the sender";
/// The guide's vulnerability sample, which is not valid JSON.
const BROKEN: &str = r#"{"subject": "Critical Problems Found","body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#;
const WORDINGS: &str = "[[extend]]
code = 'system.asset_added'
aliases = ['Device Found']
variants = ['Found device {ip:ip}']
";

fn unknown(last: u8) -> String {
    json!({"subject": "Device Found", "body": format!("Found device 10.0.0.{last}")}).to_string()
}

fn command(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, b"")
}

/// A server whose source has taken all of these, with the answers it gave.
struct Story {
    server: Server,
    api: Api,
    receipts: Vec<Value>,
}

impl Story {
    async fn new(place: &Place, target: &Target) -> Self {
        let server = place.start();
        let api = server.api();
        everything_to(&api, &target.url("/hook"), json!({})).await;
        let companies = api.get("api/v1/companies").await;
        let form = json!({
            "name": "Sender", "company": companies["items"][0]["id"],
            "authentication": {"header": {"key": "X-API-Key", "value": SECRET}},
        });
        let source = api.call("POST", "api/v1/sources", Some(form)).await;
        let intake = source.body["intake_url"].as_str().unwrap().to_owned();
        let mut receipts = Vec::new();
        let bodies = [
            BROKEN.to_owned(),
            "no JSON at all".to_owned(),
            unknown(1),
            unknown(2),
        ];
        for body in bodies {
            let headers = [("x-api-key", SECRET)];
            let answer = api
                .send("POST", &intake, body.into_bytes(), &headers)
                .await
                .unwrap();
            assert_eq!(answer.status, 202, "{}", answer.body);
            receipts.push(answer.body);
        }
        api.settled().await;
        Self {
            server,
            api,
            receipts,
        }
    }

    fn event(&self, place: usize) -> String {
        let id = self.receipts[place]["events"][0].as_str();
        id.unwrap().to_owned()
    }

    async fn seen(&self, place: usize) -> Value {
        self.api
            .get(&format!("api/v1/events/{}", self.event(place)))
            .await
    }

    fn receipts_at(&self, place: &Place) -> String {
        let path = place.folder.path().join("receipts");
        let lines: Vec<String> = self.receipts.iter().map(Value::to_string).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn alerts(target: &Target) -> Vec<Received> {
    let received = target.received().into_iter();
    received
        .filter(|request| request.header("alertwire-event") != Some("test"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_understood_is_taught_read_again_and_sent_when_asked_for() {
    taught(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_understood_is_taught_read_again_and_sent_when_asked_for_on_postgresql() {
    if let Some(place) = crate::whole_loop::postgres().await {
        taught(place).await;
    }
}

async fn taught(place: Place) {
    let target = Target::start().await;
    let story = Story::new(&place, &target).await;
    assert_eq!(story.seen(0).await["decode"], "repaired");
    assert_eq!(story.seen(1).await["decode"], "failed");
    assert_eq!(story.seen(2).await["match"], "none");
    assert_eq!(alerts(&target).len(), 1, "the repaired one went its way");
    let list = story.api.get("api/v1/events?decode=failed").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let taught = story
        .api
        .call(
            "POST",
            "api/v1/catalog/kinds",
            Some(json!({"file": WORDINGS})),
        )
        .await;
    assert_eq!(taught.status, 201, "{}", taught.body);
    let (story, target) = tokio::task::spawn_blocking(move || {
        shown_first(&story);
        (story, target)
    })
    .await
    .unwrap();
    let one = story.seen(2).await;
    assert_eq!(
        (&one["event"], &one["match"], &one["routing"]),
        (
            &json!("system.asset_added"),
            &json!("full"),
            &json!("unrouted")
        )
    );
    let readings = story
        .api
        .get(&format!("api/v1/events/{}/readings", story.event(2)))
        .await;
    let matches: Vec<&Value> = readings["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reading| &reading["match"])
        .collect();
    assert_eq!(matches, ["full", "none"]);
    assert_eq!(alerts(&target).len(), 1, "nothing is sent unasked");
    let story = tokio::task::spawn_blocking(move || {
        let rest = [
            "reread",
            "--query",
            "match=none",
            "--route",
            "--yes",
            "--json",
        ];
        let ended = command(&story.server, &rest);
        assert_eq!((ended.code, &ended.lines()[0]["done"]), (0, &json!(1)));
        story
    })
    .await
    .unwrap();
    story.api.settled().await;
    let sent = alerts(&target);
    assert_eq!(sent.len(), 2);
    assert!(String::from_utf8_lossy(&sent[1].body).contains("10.0.0.2"));
    assert_eq!(story.seen(3).await["routing"], "routed");
    assert_eq!(story.seen(1).await["decode"], "failed", "kept as it came");
}

/// The difference, then one event of it.
fn shown_first(story: &Story) {
    let query = ["reread", "--query", "match=none", "--dry-run", "--json"];
    let preview = command(&story.server, &query).lines().remove(0);
    assert_eq!(
        (
            &preview["count"],
            &preview["newly_understood"],
            &preview["routable"],
            &preview["unchanged"]
        ),
        (&json!(3), &json!(2), &json!(2), &json!(1)),
        "{preview}"
    );
    let sample = &preview["samples"][0];
    assert_eq!(
        (&sample["before"]["match"], &sample["after"]["event"]),
        (&json!("none"), &json!("system.asset_added"))
    );
    let unasked = command(&story.server, &["reread", "--days", "1"]);
    assert_eq!(unasked.code, 64, "{unasked:?}");
    let nothing = command(&story.server, &["reread", "--yes"]);
    assert_eq!(nothing.code, 64, "{nothing:?}");
    let event = story.event(2);
    let one = ["reread", "--event", &event, "--yes", "--json"];
    let ended = command(&story.server, &one);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        (&ended.lines()[0]["done"], &ended.lines()[0]["state"]),
        (&json!(1), &json!("done"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_is_proved_with_its_receipts() {
    let (place, target) = (Place::new(), Target::start().await);
    let mut story = Story::new(&place, &target).await;
    let whole = story.receipts_at(&place);
    story.receipts[1]["sha256"] = json!("0".repeat(64));
    tokio::task::spawn_blocking(move || {
        let verify = ["journal", "verify", "--json", "--receipts"];
        let ended = command(&story.server, &[&verify[..], &[&whole]].concat());
        let report = &ended.lines()[0];
        assert_eq!(ended.code, 0, "{report}");
        assert_eq!(
            (&report["whole"], &report["receipts"]["kept"]),
            (&json!(true), &json!(4))
        );
        assert_eq!(report["messages"], json!(4));
        let forged = story.receipts_at(&place);
        let ended = command(&story.server, &["journal", "verify", "--receipts", &forged]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stdout.contains("altered"), "{ended:?}");
        drop(story);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_deleted_beneath_the_server_is_named() {
    let Some(place) = crate::whole_loop::postgres().await else {
        return;
    };
    let target = Target::start().await;
    let story = Story::new(&place, &target).await;
    // Sealed within seconds, behind the acks.
    let sealed = async {
        loop {
            let report = story.api.call("POST", "api/v1/journal/verify", None).await;
            assert_eq!(report.body["whole"], true, "{}", report.body);
            if report.body["unsealed"] == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, sealed)
        .await
        .unwrap();
    let url = place.database.clone().unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let talking = tokio::spawn(connection);
    let id = story.receipts[1]["id"].as_str().unwrap().to_owned();
    let hex = id.replace('-', "");
    client
        .batch_execute(&format!("DELETE FROM message WHERE id = '\\x{hex}'"))
        .await
        .unwrap();
    drop(client);
    talking.await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || {
        let ended = command(&story.server, &["journal", "verify"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stdout.contains("1 are missing"), "{ended:?}");
        assert!(ended.stdout.contains(&id), "{ended:?}");
        drop(story);
    })
    .await
    .unwrap();
}
