//! `alertwire catalog`, and what is made from the command line itself.

use crate::support::run;

#[test]
fn all_categories_are_listed() {
    let ended = run(&["catalog", "list", "--json"]);
    assert_eq!(ended.code, 0);
    let kinds = ended.lines().remove(0);
    let mut categories: Vec<&str> = kinds
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["category"].as_str().unwrap())
        .collect();
    categories.dedup();
    assert_eq!(categories.len(), 8, "{categories:?}");
}

#[test]
fn every_built_in_example_passes() {
    let ended = run(&["catalog", "test"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_broken_catalogue_file_is_shown_with_a_caret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "categori = 'Mine'\n").unwrap();
    let ended = run(&["catalog", "check", file.to_str().unwrap()]);
    assert_eq!(ended.code, 65);
    assert!(
        ended.stdout.contains("^^^^") && ended.stdout.contains("mine.toml:1:1"),
        "{}",
        ended.stdout
    );
}

#[test]
fn kinds_of_a_folder_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let kind = "category = 'Backups'\n[[event]]\ncode = 'backup.failed'\nsubject = 'Backup Failed'\nbody = 'Backup of {target:host} failed'\n";
    std::fs::write(folder.path().join("backups.toml"), kind).unwrap();
    let ended = run(&[
        "render",
        "--catalogue-dir",
        folder.path().to_str().unwrap(),
        "backup.failed",
        "target=db.example.com",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.lines()[0]["body"], "Backup of db.example.com failed");
}

#[test]
fn completions_manual_and_openapi_are_printed() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            run(&["completions", shell]).stdout.contains("alertwire"),
            "{shell}"
        );
    }
    assert!(run(&["man"]).stdout.contains(".TH alertwire"));
    let document = run(&["openapi"]).lines().remove(0);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/events"]["post"].is_object());
    assert!(document["webhooks"].is_object());
}

#[test]
fn a_wrong_command_line_is_64() {
    for arguments in [
        &["serv"][..],
        &["parse", "--nonsense"],
        &[],
        &["render"],
        &["deliveries", "list", "--status", "ded"],
    ] {
        assert_eq!(run(arguments).code, 64, "{arguments:?}");
    }
    assert_eq!(run(&["--help"]).code, 0);
    assert_eq!(run(&["--version"]).code, 0);
}
