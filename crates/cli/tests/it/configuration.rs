//! `alertwire config`, and what a bad configuration does.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{alertwire, run, run_with};

#[test]
fn a_bad_configuration_is_78_and_names_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertwire.toml");
    for (text, says) in [
        ("listn = 'x'", "`listen`"),
        ("[egress]\nalow = []", "`egress.allow`"),
        ("listen = 8080", "127.0.0.1:8080"),
        ("roles = ['web']", "PostgreSQL"),
        ("listen = ", "TOML"),
        ("[tls]\ncert = 'cert.pem'\nkey = 'key.pem'", "cert.pem"),
    ] {
        std::fs::write(&file, text).unwrap();
        let path = file.to_str().unwrap();
        for command in [
            &["config", "check", "--config", path][..],
            &["serve", "--config", path],
        ] {
            let mut command = alertwire(command);
            command
                .env("ALERTWIRE_STATE_DIR", folder.path().join("state"))
                .env("ALERTWIRE_LISTEN_FILE", "");
            let ended = run_with(command, b"");
            assert_eq!(ended.code, 78, "{text}: {}", ended.stderr);
            assert!(ended.stderr.contains(says), "{text}: {}", ended.stderr);
        }
        assert!(
            !folder.path().join("state").exists(),
            "nothing is made from a bad configuration"
        );
    }
}

#[test]
fn a_misspelt_variable_is_78_and_names_what_was_meant() {
    let mut command = alertwire(&["config", "check"]);
    command.env("ALERTWIRE_EGRESS__ALOW", "10.0.0.0/8");
    let ended = run_with(command, b"");
    assert_eq!(ended.code, 78);
    assert!(
        ended.stderr.contains("ALERTWIRE_EGRESS__ALLOW"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_sample_file_is_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertwire.toml");
    let path = file.to_str().unwrap();
    assert_eq!(run(&["config", "init", path]).code, 0);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        run(&["config", "init", path]).code,
        73,
        "a file that is there is not overwritten"
    );
    let ended = run(&["config", "check", "--config", path]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        run(&["config", "init"]).stdout,
        std::fs::read_to_string(&file).unwrap()
    );
}

#[test]
fn what_holds_is_shown_with_who_said_so_and_without_secrets() {
    let mut command = alertwire(&["config", "show", "--json", "--listen", "127.0.0.1:9"]);
    command
        .env("ALERTWIRE_DATABASE", "postgres://me:hush@db/alerts")
        .env(
            "ALERTWIRE_SETUP__API_KEY",
            "hush hush hush hush".replace(' ', "-"),
        );
    let ended = run_with(command, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stdout.contains("hush"), "{}", ended.stdout);
    let shown = &ended.lines()[0];
    assert_eq!(shown["listen"]["origin"], "flag");
    assert_eq!(shown["database"]["origin"], "ALERTWIRE_DATABASE");
    assert_eq!(shown["retention.messages"]["value"], "30d");
    assert_eq!(shown["limits.intake_body"]["value"], "1MiB");
    assert_eq!(
        shown["delivery.schedule"]["value"],
        "0s,5s,5m,30m,2h,5h,10h,14h,20h,24h"
    );
}
