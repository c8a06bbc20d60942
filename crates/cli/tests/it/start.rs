//! Starting: what is made, what is told, what is refused.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{KEY, PATIENCE, Place, Server, alertwire, looked, run_with};

#[tokio::test]
async fn state_folder_and_key_file_are_the_owners_alone() {
    let place = Place::new();
    let _server = place.start();
    let mode = |name: &str| {
        place
            .state()
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("key"), 0o600);
    assert!(place.state().join("alertwire.db").is_file());
}

#[tokio::test]
async fn the_first_start_tells_a_set_up_token_once() {
    let place = Place::new();
    let start = || {
        let mut command = place.serve();
        command.env_remove("ALERTWIRE_SETUP__API_KEY");
        Server::start(command, place.folder.path())
    };
    let server = start();
    let token = server.said["setup_token"].as_str().unwrap().to_owned();
    let api = server.api().by(&token);
    let key = api
        .call(
            "POST",
            "api/v1/keys",
            Some(json!({"name": "me", "role": "admin"})),
        )
        .await;
    assert_eq!(key.status, 201, "{}", key.body);
    let key = key.body["key"].as_str().unwrap();
    assert_eq!(
        server
            .api()
            .by(key)
            .call("GET", "api/v1/companies", None)
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .api()
            .by("aw_wrong")
            .call("GET", "api/v1/companies", None)
            .await
            .status,
        401
    );
    assert!(!server.log().contains(&token), "secrets are not logged");
    server.kill().await;
    let again = start();
    assert_eq!(again.said["setup_token"], Value::Null);
    assert_eq!(again.said["setup_url"], Value::Null);
    assert_eq!(
        again
            .api()
            .by(key)
            .call("GET", "api/v1/companies", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_configured_key_is_the_first_admin_key() {
    let place = Place::new()
        .with("ALERTWIRE_LOG__FORMAT", "json")
        .with("ALERTWIRE_LOG__LEVEL", "debug");
    let server = place.start();
    assert_eq!(server.said["setup_token"], Value::Null);
    let company = server
        .api()
        .call("POST", "api/v1/companies", Some(json!({"name": "Acme"})))
        .await;
    assert_eq!(company.status, 201);
    let log = server.log();
    assert!(!log.contains(KEY));
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["time"].is_string() && line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_key_made_beside_the_database_is_known_to_the_server() {
    let place = Place::new();
    let mut command = alertwire(&[
        "key",
        "create",
        "first",
        "--json",
        "--state-dir",
        place.state().to_str().unwrap(),
    ]);
    command.env("ALERTWIRE_LOG__LEVEL", "error");
    let made = run_with(command, b"");
    assert_eq!(made.code, 0, "{}", made.stderr);
    let server = place.start();
    let api = server.api().by(made.lines()[0]["key"].as_str().unwrap());
    assert_eq!(api.call("GET", "api/v1/companies", None).await.status, 200);
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new().with("ALERTWIRE_LISTEN", &taken.local_addr().unwrap().to_string());
    let ended = run_with(place.serve(), b"");
    assert_eq!(ended.code, 69, "{}", ended.stderr);
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
    assert!(!place.state().exists());
}

#[tokio::test]
async fn another_sealing_key_is_refused() {
    let place = Place::new();
    place.start().kill().await;
    std::fs::remove_file(place.state().join("key")).unwrap();
    let ended = run_with(place.serve(), b"");
    assert_eq!(ended.code, 78, "{}", ended.stderr);
    assert!(ended.stderr.contains("key"), "{}", ended.stderr);
}

#[test]
fn split_roles_on_sqlite_are_refused() {
    for role in ["web", "dispatch"] {
        let ended = run_with(Place::new().with("ALERTWIRE_ROLES", role).serve(), b"");
        assert_eq!(ended.code, 78);
        assert!(ended.stderr.contains("PostgreSQL"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn split_roles_share_one_postgresql() {
    let Some(web) = crate::whole_loop::postgres().await else {
        return;
    };
    let target = testkit::Target::start().await;
    let state = web.state();
    let database = web.database.clone();
    let web = web.with("ALERTWIRE_ROLES", "web");
    let server = web.start();
    let other = Place {
        database,
        ..Place::new()
    }
    .with("ALERTWIRE_ROLES", "dispatch")
    .with("ALERTWIRE_KEY_FILE", state.join("key").to_str().unwrap());
    let dispatcher = Server::start(other.serve(), other.folder.path());
    assert_eq!(dispatcher.url, "");
    crate::support::everything_to(&server.api(), &target.url("/hook"), json!({})).await;
    server.api().raise(crate::support::numbered(1)).await;
    server.api().settled().await;
    assert_eq!(target.received().len(), 2, "the test alert and the event");
}

#[tokio::test]
async fn a_sound_installation_passes_the_doctor() {
    let place = Place::new();
    let server = place.start();
    let mut command = alertwire(&["doctor", "--json"]);
    let listen = server.url.trim_start_matches("http://").to_owned();
    command
        .env("ALERTWIRE_STATE_DIR", place.state())
        .env("ALERTWIRE_LISTEN", listen);
    let ended = tokio::task::spawn_blocking(move || run_with(command, b""))
        .await
        .unwrap();
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let mut command = alertwire(&["doctor"]);
    command
        .env("ALERTWIRE_STATE_DIR", "/nonexistent/state")
        .env("ALERTWIRE_LISTEN", "127.0.0.1:1");
    let ended = run_with(command, b"");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("NO"), "{}", ended.stdout);
}

#[tokio::test]
async fn https_is_served_and_a_new_certificate_is_taken_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let renew = || {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    };
    renew();
    let place = Place::new()
        .with("ALERTWIRE_TLS__CERT", certificate.to_str().unwrap())
        .with("ALERTWIRE_TLS__KEY", key.to_str().unwrap());
    let server = place.start();
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let (trusted, url) = (folder.path().join("trusted.pem"), server.url.clone());
    let healthy = || {
        let mut command = alertwire(&["healthcheck", "--url", &url]);
        command.env("ALERTWIRE_CA", &trusted);
        run_with(command, b"").code
    };
    std::fs::copy(&certificate, &trusted).unwrap();
    assert_eq!(healthy(), 0);
    renew();
    std::fs::copy(&certificate, &trusted).unwrap();
    assert_eq!(
        healthy(),
        69,
        "the old certificate is not the one that is trusted now"
    );
    server.signal("HUP");
    looked(PATIENCE, "the new certificate is served", async || {
        (healthy() == 0).then_some(())
    })
    .await;
    std::fs::write(&key, "no key").unwrap();
    server.signal("HUP");
    let refused = async || server.log().contains("old certificate stays").then_some(());
    looked(PATIENCE, "the bad key is refused", refused).await;
    assert_eq!(healthy(), 0);
}
