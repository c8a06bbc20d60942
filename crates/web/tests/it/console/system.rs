use domain::access::{Role, Scope};
use serde_json::json;
use testkit::Target;
use web::{Disk, Room};

use crate::support::Server;

#[tokio::test]
async fn an_admin_sees_the_system_and_proves_the_journal() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.asset_added(&routed.company, "10.0.0.1").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/system").await.expect(200).text();
    for words in [
        "ready",
        "SQLite",
        "127.0.0.0/8",
        "pending",
        "Download support bundle",
        "Verify the journal",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = anna.form_token(&server).await;
    anna.post(&server, "/system/verify", &[("form_token", &token)])
        .await
        .expect(303);
    let page = loop {
        let page = anna.get(&server, "/system").await.expect(200).text();
        if !page.contains("data-refresh") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    assert!(
        page.contains("Everything that was acked is there, unchanged."),
        "{page}"
    );
}

#[tokio::test]
async fn the_support_bundle_holds_no_secret_no_name_and_no_alert() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("canary-company", &target).await;
    let path = format!("/api/v1/integrations/{}", routed.integration);
    let patch = json!({"credentials": {"header_value": "canary-header-9876"}});
    server.patch(&path, patch).await.expect(200);
    let authentication = json!({"basic": {"username": "canary-user", "password": "canary-password"},
        "signature": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}});
    server
        .source(json!({"name": "canary-door", "authentication": authentication}))
        .await;
    server.asset_added(&routed.company, "203.0.113.77").await;
    let anna = server.browser("canary-anna", Role::Admin, Scope::All).await;
    let bundle = anna
        .get(&server, "/system/support-bundle")
        .await
        .expect(200);
    assert!(bundle.header("content-disposition").contains("attachment"));
    let text = bundle.text();
    for secret in [
        "canary",
        "9876",
        "C2FV",
        "203.0.113.77",
        "argon2",
        target.url("/").as_str(),
        &server.admin,
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let bundle = bundle.json();
    assert_eq!(bundle["counts"]["integrations"], 1);
    assert_eq!(bundle["ready"]["ready"], true);
    assert_eq!(bundle["integrations"][0]["connector"], "webhook");
    assert!(bundle["metrics"].is_string() && bundle["version"].is_string());
}

#[tokio::test]
async fn the_system_is_for_admins_of_all_companies() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role, scope) in [
        ("V", Role::Viewer, Scope::All),
        ("O", Role::Operator, Scope::All),
        ("A", Role::Admin, own),
    ] {
        let ben = server.browser(name, role, scope).await;
        for path in ["/system", "/system/support-bundle"] {
            ben.get(&server, path).await.expect(403);
        }
        let token = ben.form_token(&server).await;
        ben.post(&server, "/system/verify", &[("form_token", &token)])
            .await
            .expect(403);
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_is_told_to_admins() {
    const GIB: u64 = 1024 * 1024 * 1024;
    let room = Room {
        free: GIB / 2,
        total: 40 * GIB,
    };
    let server = Server::start_on(Disk::new(move || Some(room)), |_| {}).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/system").await.expect(200).text();
    assert!(page.contains("512 MiB free of 40.0 GiB"), "{page}");
    let page = anna.get(&server, "/").await.expect(200).text();
    let words = "The disk with the state folder has 512 MiB left.";
    assert!(page.contains(words), "{page}");
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let page = vera.get(&server, "/").await.expect(200).text();
    assert!(!page.contains("The disk with the state folder"), "{page}");
}

#[tokio::test]
async fn the_licences_of_what_is_built_in_are_listed_for_admins() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/system/licences").await.expect(200);
    assert!(page.text().contains("axum"));
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    vera.get(&server, "/system/licences").await.expect(403);
}
