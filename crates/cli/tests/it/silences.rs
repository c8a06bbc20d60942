//! A silence by the command line mutes, ends, and is tried before; what-if tells the way of events under another configuration.

use serde_json::{Value, json};
use testkit::Target;

use crate::support::{
    Api, Ended, KEY, Place, Server, alertwire, everything_to, numbered, run_with,
};

fn ask_with(server: &Server, arguments: &[&str], input: &str) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    let ended = run_with(command, input.as_bytes());
    assert!(
        !ended.stderr.contains("matching stored"),
        "no terminal, no spinner"
    );
    ended
}

/// What a command that went well printed.
#[track_caller]
fn ask(server: &Server, arguments: &[&str]) -> String {
    let ended = ask_with(server, arguments, "");
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

async fn routing(api: &Api, event: &str) -> Value {
    api.get(&format!("api/v1/events/{event}")).await["routing"].clone()
}

#[tokio::test]
async fn a_silence_is_tried_made_and_ended_by_the_command_line() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    everything_to(&api, &target.url("/hook"), json!({})).await;
    let heard = api.raise(numbered(1)).await;
    assert_eq!(routing(&api, &heard).await, "routed");
    let (server, id) = tokio::task::spawn_blocking(move || {
        let make = [
            "silences",
            "create",
            "Patch night",
            "--filter",
            "company=Acme* severity>=info",
            "--reason",
            "Servers restart",
            "--for",
            "2h",
        ];
        let tried = ask(
            &server,
            &[&make[..], &["--dry-run", "--days", "2"]].concat(),
        );
        assert!(tried.contains("would have muted 1 of 1 events"), "{tried}");
        assert!(ask(&server, &["silences", "list"]).contains("(none)"));
        let id = ask(&server, &make).trim().to_owned();
        let listed = ask(&server, &["silences", "list", "--state", "active"]);
        assert!(
            listed.contains(&id) && listed.contains("Patch night"),
            "{listed}"
        );
        (server, id)
    })
    .await
    .unwrap();
    let muted = api.raise(numbered(2)).await;
    assert_eq!(routing(&api, &muted).await, "unrouted");
    let (server, id) = tokio::task::spawn_blocking(move || {
        let trace = ask(&server, &["events", "trace", &muted]);
        assert!(trace.contains("silence Patch night"), "{trace}");
        let ended = ask(&server, &["silences", "end", &id]);
        assert_eq!(ended.trim(), format!("{id} ended"));
        (server, id)
    })
    .await
    .unwrap();
    let after = api.raise(numbered(3)).await;
    assert_eq!(routing(&api, &after).await, "routed");
    let silence = api.get(&format!("api/v1/silences/{id}")).await;
    assert_eq!(silence["silenced"], 1);
    tokio::task::spawn_blocking(move || refusals(&server))
        .await
        .unwrap();
}

fn refusals(server: &Server) {
    let base = ["silences", "create", "N", "--reason", "R"];
    for (further, code, says) in [
        (
            &["--filter", "severty>=high", "--for", "1h"][..],
            65,
            "did you mean `severity`?",
        ),
        (&["--filter", "severity>=high"], 64, "--until"),
        (
            &["--filter", "severity>=high", "--for", "soon"],
            64,
            "duration",
        ),
        (
            &[
                "--filter",
                "severity>=high",
                "--for",
                "1h",
                "--repeat",
                "daily",
            ],
            64,
            "--repeat-until",
        ),
        (
            &["--filter", "severity>=high", "--for", "1h", "--days", "2"],
            64,
            "--dry-run",
        ),
    ] {
        let ended = ask_with(server, &[&base[..], further].concat(), "");
        assert_eq!(ended.code, code, "{further:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{further:?}: {}", ended.stderr);
    }
    let ended = ask_with(server, &["silences", "list", "--state", "activ"], "");
    assert_eq!(
        (ended.code, ended.stderr.contains("did you mean `active`?")),
        (64, true)
    );
}

#[tokio::test]
async fn what_if_tells_where_events_would_go() {
    let (place, target) = (Place::new(), Target::start().await);
    let server = place.start();
    let api = server.api();
    let integration = everything_to(&api, &target.url("/hook"), json!({})).await;
    let event = api.raise(numbered(1)).await;
    let rules = api
        .get(&format!("api/v1/integrations/{integration}/rules"))
        .await;
    let rule = rules["items"][0]["id"].as_str().unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        let nothing = ask_with(&server, &["what-if", "-", "--days", "1"], "{}");
        assert!(
            nothing
                .stdout
                .contains("1 events: 1 same, 0 gained, 0 lost, 0 moved"),
            "{nothing:?}"
        );
        let change = json!({"remove": {"rules": [rule]}}).to_string();
        let lost = ask_with(
            &server,
            &["what-if", "-", "--filter", "company=Acme*"],
            &change,
        );
        for words in ["0 same", "1 lost", "nowhere: no_rule", &event, "(no_rule)"] {
            assert!(lost.stdout.contains(words), "{words}: {lost:?}");
        }
        let file = place.folder.path().join("change.json");
        std::fs::write(&file, json!({"days": 3, "change": {}}).to_string()).unwrap();
        let answer = ask_with(&server, &["what-if", file.to_str().unwrap(), "--json"], "");
        assert_eq!(answer.lines()[0]["same"], 1, "{answer:?}");
        for (input, code, says) in [
            ("[]", 65, "JSON object"),
            ("{", 65, "not JSON"),
            (r#"{"rulez": []}"#, 65, "did you mean `rules`?"),
        ] {
            let ended = ask_with(&server, &["what-if", "-"], input);
            assert_eq!(ended.code, code, "{input}: {}", ended.stderr);
            assert!(ended.stderr.contains(says), "{input}: {}", ended.stderr);
        }
        let missing = ask_with(&server, &["what-if", "/nonexistent/change.json"], "");
        assert_eq!(missing.code, 66);
    })
    .await
    .unwrap();
}
