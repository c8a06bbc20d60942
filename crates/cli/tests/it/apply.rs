//! `alertwire export` and `apply`, against running servers.

use std::path::Path;

use serde_json::json;
use testkit::Target;

use crate::support::{Ended, KEY, Place, Server, alertwire, everything_to, run_with};

const SECRET: &str = "the secret of the target";
const VARIABLE: &str = "ALERTWIRE_SECRET_INTEGRATION_TARGET_HEADER_VALUE";

/// A command that asks this server, with these variables beside.
async fn ask(server: &Server, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY)
        .envs(variables.iter().copied());
    // The target answers on this runtime meanwhile.
    tokio::task::spawn_blocking(move || run_with(command, b""))
        .await
        .unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_s_export_makes_another_the_same() {
    let target = Target::start().await;
    let (here, there) = (Place::new(), Place::new());
    let (one, other) = (here.start(), there.start());
    everything_to(&one.api(), &target.url("/hook"), json!({"timeout": "5s"})).await;
    let source = json!({"name": "Door", "company": "Acme Corporation",
        "authentication": {"basic": {"username": "me", "password": "canary-password"}}});
    one.api().made("api/v1/sources", source).await;

    let file = here.folder.path().join("configuration.toml");
    let ended = ask(&one, &["export", "--out", text(&file)], &[]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.stderr
    );
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported.contains(VARIABLE), "{exported}");
    assert!(
        !exported.contains(SECRET) && !exported.contains("canary"),
        "{exported}"
    );

    let same = ask(&one, &["apply", text(&file), "--prune"], &[]).await;
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (0, ""),
        "{}",
        same.stderr
    );
    assert!(same.stderr.contains("nothing to change"), "{}", same.stderr);

    let missing = ask(&other, &["apply", text(&file)], &[(VARIABLE, SECRET)]).await;
    assert_eq!(missing.code, 65, "{}", missing.stderr);
    let variable = "ALERTWIRE_SECRET_SOURCE_DOOR_BASIC_PASSWORD";
    for words in [variable, "/sources/0/authentication/basic/password"] {
        assert!(missing.stderr.contains(words), "{}", missing.stderr);
    }

    let secrets = [(VARIABLE, SECRET), (variable, "canary-password")];
    let planned = ask(&other, &["apply", text(&file), "--dry-run"], &secrets).await;
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(
        planned.stdout.contains("Target / Acme Corporation"),
        "{}",
        planned.stdout
    );
    assert!(
        planned.stderr.contains("6 changes would be made"),
        "{}",
        planned.stderr
    );
    let applied = ask(&other, &["apply", text(&file)], &secrets).await;
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert!(
        applied.stderr.contains("Target: authenticated"),
        "{}",
        applied.stderr
    );
    assert!(!format!("{applied:?}").contains("canary"), "{applied:?}");
    let again = ask(&other, &["export"], &[]).await;
    assert_eq!(again.stdout, exported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_shown_as_a_difference_before_it_is_applied() {
    let target = Target::start().await;
    let place = Place::new();
    let server = place.start();
    everything_to(&server.api(), &target.url("/hook"), json!({})).await;
    let exported = ask(&server, &["export"], &[]).await.stdout;
    let file = place.folder.path().join("changed.toml");
    let changed = exported
        .replace(
            "create_webhook_alert = true",
            "create_webhook_alert = false",
        )
        .replace(
            "[[companies]]",
            "[[companies]]\nname = \"Globex\"\n\n[[companies]]",
        );
    std::fs::write(&file, changed).unwrap();
    let secret = [(VARIABLE, "another secret of the target")];
    let ended = ask(&server, &["apply", text(&file), "--dry-run"], &secret).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rows: Vec<Vec<&str>> = ended
        .stdout
        .lines()
        .skip(1)
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        rows,
        [
            vec!["+", "company", "Globex"],
            vec![
                "~",
                "integration",
                "Target",
                "/credentials/header_value",
                "set",
                "changed"
            ],
            vec![
                "~",
                "mapping",
                "Target / Acme Corporation",
                "/create_webhook_alert",
                "true",
                "false"
            ],
        ],
        "{}",
        ended.stdout
    );
    let json = ask(
        &server,
        &["apply", text(&file), "--dry-run", "--json"],
        &secret,
    )
    .await;
    assert_eq!(json.lines()[0]["changes"].as_array().unwrap().len(), 3);

    target.answer(testkit::Answer::status(500));
    let ended = ask(&server, &["apply", text(&file)], &secret).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("NOT authenticated"),
        "{}",
        ended.stderr
    );

    let unmapped = ask(&server, &["companies", "list", "--unmapped"], &[]).await;
    assert_eq!(unmapped.code, 0, "{}", unmapped.stderr);
    assert!(unmapped.stdout.contains("Globex"), "{}", unmapped.stdout);
}
