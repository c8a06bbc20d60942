//! Events are searched, followed and exported by the command line.

use serde_json::{Value, json};
use testkit::Target;

use crate::support::{
    Ended, KEY, PATIENCE, Place, Server, alertwire, everything_to, numbered, run_with,
};

fn ended(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    run_with(command, b"")
}

/// What a command that went well printed.
#[track_caller]
fn ask(server: &Server, arguments: &[&str]) -> String {
    let ended = ended(server, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

#[tokio::test]
async fn events_are_searched_and_exported_by_the_command_line() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    for number in 1..=3 {
        api.raise(numbered(number)).await;
    }
    let out = place.folder.path().join("events.csv");
    tokio::task::spawn_blocking(move || {
        let listed = ask(
            &server,
            &[
                "events",
                "list",
                "--filter",
                "company=Acme* field.ip=10.0.0.2",
                "--json",
            ],
        );
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        let found = ask(&server, &["events", "list", "--text", "10.0.0.3"]);
        assert_eq!(found.lines().count(), 2, "{found}");

        let lines = ended(
            &server,
            &[
                "events",
                "export",
                "--filter",
                "severity>=info",
                "--oldest-first",
            ],
        );
        let all = lines.lines();
        assert_eq!(
            all[3]["end"],
            json!({"events": 3, "complete": true, "next": null})
        );
        assert!(
            all[0]["body"].as_str().unwrap().contains("10.0.0.1"),
            "{}",
            all[0]
        );
        assert!(lines.stderr.contains("3 events"), "{}", lines.stderr);
        let part = ended(&server, &["events", "export", "--limit", "2"]);
        assert!(part.stderr.contains("--cursor"), "{}", part.stderr);

        let path = out.to_str().unwrap();
        ask(
            &server,
            &[
                "events", "export", "--format", "csv", "--fields", "ip", "--text", "10.0.0.2",
                "--out", path,
            ],
        );
        let rows = std::fs::read_to_string(&out).unwrap();
        assert_eq!(rows.lines().count(), 2, "{rows}");
        assert!(rows.ends_with(",\"1\",\"10.0.0.2\"\r\n"), "{rows}");

        for (noun, count) in [
            ("deliveries", "deliveries"),
            ("companies", "companies"),
            ("integrations", "integrations"),
            ("sources", "sources"),
            ("silences", "silences"),
            ("audit", "audit_lines"),
        ] {
            let lines = ended(&server, &[noun, "export"]).lines();
            let end = &lines.last().unwrap()["end"];
            assert!(
                end[count].is_u64() && end["complete"] == true,
                "{noun}: {end}"
            );
            ask(&server, &[noun, "export", "--format", "csv", "--out", path]);
            let rows = std::fs::read_to_string(&out).unwrap();
            assert!(rows.starts_with("\"id\",\""), "{noun}: {rows}");
        }
        let one = ended(&server, &["companies", "export", "--where", "text=nobody"]);
        assert!(one.stderr.contains("0 companies"), "{}", one.stderr);

        for (arguments, code, says) in [
            (
                &["events", "list", "--filter", "severty=high"][..],
                65,
                "did you mean `severity`?",
            ),
            (
                &["events", "export", "--filter", "severty=high"],
                65,
                "did you mean `severity`?",
            ),
            (
                &["events", "tail", "--filter", "severty=high"],
                65,
                "did you mean `severity`?",
            ),
            (&["events", "export", "--format", "xls"], 64, "jsonl"),
        ] {
            let refused = ended(&server, arguments);
            assert_eq!(refused.code, code, "{arguments:?}: {}", refused.stderr);
            assert!(
                refused.stderr.contains(says),
                "{arguments:?}: {}",
                refused.stderr
            );
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_tail_shows_what_its_filter_lets_through_alone() {
    let line = tailed(&["events", "tail", "--text", "10.0.0.2"]).await;
    assert!(line.contains("10.0.0.2"), "{line}");
    let delivered = tailed(&["deliveries", "tail", "--where", "code=2xx"]).await;
    assert!(
        delivered.contains("\"status\":\"delivered\""),
        "{delivered}"
    );
}

/// The first line of a tail while events come in.
async fn tailed(arguments: &[&str]) -> String {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    let mut command = alertwire(&[arguments, &["--count", "1", "--json"]].concat());
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY)
        .stdout(Stdio::piped());
    let mut tail = command.spawn().unwrap();
    let stdout = tail.stdout.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        (line, tail.wait().unwrap())
    });
    // The tail may not have begun when the first ones come; it sees those that come later.
    let raising = async {
        loop {
            for number in 1..=2 {
                api.raise(numbered(number)).await;
            }
        }
    };
    let (line, status) = tokio::select! {
        read = reading => read.unwrap(),
        () = raising => unreachable!("it never ends"),
        () = tokio::time::sleep(PATIENCE) => panic!("waited in vain for an event"),
    };
    assert!(status.success(), "{line}");
    line
}
