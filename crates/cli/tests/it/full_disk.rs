//! A disk that is full: 503, never a false ack, and everything that was acked is there afterwards.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{BINARY, Place, Server};

/// Blocks of 512 bytes that no file may outgrow: 3 MiB.
const BLOCKS: &str = "6144";
/// Requests after which the disk has to be full.
const REQUESTS: usize = 500;

/// `serve` with a bound on the size of each file. The shell lets the signal of that bound be ignored, so that the write fails as
/// it does on a full disk, instead of killing the process.
fn bounded(place: &Place) -> Command {
    let bare = place.serve();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$@\""),
            "sh",
            BINARY,
        ])
        .args(bare.get_args())
        .env_clear();
    command.env("PATH", "/usr/bin:/bin").envs(
        bare.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
}

#[tokio::test]
async fn a_full_disk_is_503_and_no_acked_event_is_lost() {
    // The log has the same bound, so it stays small.
    let place = Place::new().with("ALERTWIRE_LOG__LEVEL", "off");
    let server = Server::start(bounded(&place), place.folder.path());
    let api = server.api();
    api.made("api/v1/companies", json!({"name": "Acme Corporation"}))
        .await;
    let event = json!({"event": "system.company_created", "company": "Acme Corporation", "fields": {"company": "x".repeat(200)}});
    let batch = Value::Array(vec![event; 50]);
    let mut acked = Vec::new();
    let mut refused = None;
    for _ in 0..REQUESTS {
        let answer = api.call("POST", "api/v1/events", Some(batch.clone())).await;
        if answer.status != 202 {
            refused = Some(answer);
            break;
        }
        acked.extend(
            answer.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
    }
    let refused = refused.expect("the disk is full by now");
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(!acked.is_empty());
    server.kill().await;
    let server = place.start();
    for id in &acked {
        assert_eq!(
            server
                .api()
                .call("GET", &format!("api/v1/events/{id}"), None)
                .await
                .status,
            200,
            "the acked event {id} is lost"
        );
    }
    let answer = server
        .api()
        .call("POST", "api/v1/events", Some(batch))
        .await;
    assert_eq!(
        answer.status, 202,
        "with room on the disk it goes on: {}",
        answer.body
    );
}
