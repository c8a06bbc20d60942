//! Setting an integration up and looking after it, with the real binary on both ends of the command line.

use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{Answer, Authority, Certificate, Target};

use crate::support::{Ended, KEY, Place, Server, alertwire, everything_to, numbered};

/// Runs a command against the server while the test's own runtime goes on: the target answers on it.
async fn ask(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_receiver_with_its_own_authority_login_and_client_certificates_is_checked_step_by_step() {
    let clients = Authority::new();
    let target = Target::start_mutual(&clients).await;
    target.on_path("/login", Answer::json(r#"{"access_token": "t0ken"}"#));
    let server = Place::new().start();
    let files = clients.client(Certificate::Good);
    let credentials = json!({
        "webhook_url": target.url("/hook"), "authentication_url": target.url("/login"), "username": "u", "password": "pass word",
        "ca": target.ca_pem(), "client_certificate": files.certificate, "client_key": files.key,
    });
    let form = json!({"connector": "webhook", "name": "Desk", "credentials": credentials});
    let made = server
        .api()
        .call("POST", "api/v1/integrations", Some(form))
        .await;
    assert_eq!(made.body["status"], "authenticated", "{}", made.body);
    assert!(!made.body.to_string().contains("PRIVATE KEY"));
    let id = made.body["id"].as_str().unwrap();

    let good = ask(&server, &["connect", id]).await;
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let steps: Vec<&str> = good
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(
        steps,
        [
            "url",
            "ca",
            "client_certificate",
            "dns",
            "policy",
            "tcp",
            "tls",
            "login_dns",
            "login_policy",
            "login_tcp",
            "login_tls",
            "login",
            "token",
            "test_alert",
            "status"
        ]
    );

    target.on_path("/hook", Answer::status(403));
    let bad = ask(&server, &["connect", id]).await;
    assert_eq!(bad.code, 1, "{}", bad.stderr);
    assert!(bad.stdout.contains("FAILED  status"), "{}", bad.stdout);
    assert!(
        bad.stdout
            .contains("remedy: The receiver refused the credentials."),
        "{}",
        bad.stdout
    );
    let bad = ask(&server, &["--json", "connect", id]).await;
    assert_eq!(bad.code, 1);
    let [report] = bad.lines().try_into().unwrap();
    let report: Value = report;
    assert_eq!(report["ok"], false);
    assert_eq!(report["steps"].as_array().unwrap().len(), steps.len());

    let nobody = ask(
        &server,
        &["connect", "0190b2f4-0000-7000-8000-000000000000"],
    )
    .await;
    assert_eq!(nobody.code, 65, "{}", nobody.stderr);
}

#[tokio::test]
async fn a_held_integration_is_told_of_and_released() {
    let target = Target::start().await;
    let server = Place::new().start();
    let api = server.api();
    let id = everything_to(
        &api,
        &target.url("/hook"),
        json!({"schedule": ["0s", "0s"]}),
    )
    .await;
    target.answer(Answer::status(410));
    api.raise(numbered(1)).await;
    let path = format!("api/v1/integrations/{id}");
    api.until(&path, |view| {
        (view["gate"]["state"] == "held").then_some(())
    })
    .await;
    // That alert is dead, for its receiver is gone; this one waits for another.
    api.raise(numbered(2)).await;
    let listed = ask(&server, &["integrations", "list"]).await;
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let line = listed
        .stdout
        .lines()
        .find(|line| line.contains(&id))
        .unwrap();
    assert!(
        line.contains("disabled") && line.contains("held (gone) until a person releases it"),
        "{line}"
    );
    let shown = ask(&server, &["integrations", "show", &id]).await;
    assert!(
        shown.stdout.starts_with("Target: disabled; held (gone)"),
        "{}",
        shown.stdout
    );
    target.answer(Answer::ok());
    let released = ask(&server, &["integrations", "release", &id]).await;
    assert_eq!(released.code, 0, "{}", released.stderr);
    assert_eq!(released.stdout.trim(), "Target: authenticated; sends");
    // What waited is delivered now.
    api.until("api/v1/deliveries?status=delivered", |page| {
        (page["items"].as_array()?.len() == 1).then_some(())
    })
    .await;
}
