use domain::access::{Role, Scope};
use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::browser::Browser;
use crate::support::{Server, id};

const NEW: &str = "/settings/integrations/webhook/new";

fn typed(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("name", "Service desk"),
        ("webhook_url", url),
        ("header_key", "X-API-Key"),
        ("header_value", "a-long-secret-value"),
        ("which", "all"),
        ("method", "json"),
    ]
}

/// Saves a new webhook, and gives the path of its pages.
async fn save(anna: &Browser, server: &Server, fields: &[(&str, &str)]) -> String {
    let saved = anna.act(server, NEW, fields).await.expect(303);
    let path = saved
        .header("location")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    path.strip_suffix("/credentials").unwrap().to_owned()
}

async fn view(server: &Server, path: &str) -> Value {
    let id = path.rsplit('/').next().unwrap();
    server
        .get(&format!("/api/v1/integrations/{id}"))
        .await
        .json()
}

#[tokio::test]
async fn the_tabs_come_when_the_credentials_are_saved_and_authenticated() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let text = async |path: &str| anna.get(&server, path).await.expect(200).text();
    assert!(text("/settings/integrations").await.contains("Not set up"));
    assert!(
        text("/settings/integrations/webhook")
            .await
            .contains("No webhooks yet")
    );
    let form = text(NEW).await;
    for label in [
        "Name",
        "Webhook URL",
        "Webhook Authentication URL",
        "Webhook Username",
        "Webhook Password",
        "Authentication Header Key",
        "Authentication Header Value",
    ] {
        assert!(form.contains(&format!(">{label}</label>")), "{label}");
    }
    assert!(form.contains("<legend>Selected Associated Companies</legend>"));
    assert!(!form.contains("/event-sets"));
    target.answer(Answer::status(401));
    let url = target.url("/hook");
    let path = save(&anna, &server, &typed(&url)).await;
    let credentials = format!("{path}/credentials");
    let page = text(&credentials).await;
    assert!(
        page.contains("Error Sending Request for URL") && page.contains("401"),
        "{page}"
    );
    assert!(!page.contains("/event-sets") && !page.contains("a-long-secret-value"));
    assert!(text("/settings/integrations").await.contains("Incomplete"));
    target.answer(Answer::ok());
    let mut test = typed(&url);
    test.retain(|(name, _)| *name != "header_value");
    test.push(("then", "test"));
    let tested = anna.act(&server, &credentials, &test).await.expect(303);
    let page = text(tested.header("location")).await;
    assert!(page.contains("Saved and authenticated"), "{page}");
    for tab in ["event-sets", "rules", "mappings"] {
        assert!(page.contains(&format!("href=\"{path}/{tab}\"")), "{tab}");
    }
    assert!(text("/settings/integrations").await.contains("Active"));
    assert!(
        text("/settings/integrations/webhook")
            .await
            .contains("127.0.0.1")
    );
}

#[tokio::test]
async fn only_what_is_other_is_changed_and_secrets_stay() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    server.company("Acme").await;
    let url = target.url("/hook");
    let path = save(&anna, &server, &typed(&url)).await;
    let before = target.received().len();
    let mut other = typed(&url);
    other[0].1 = "Pager";
    other[3].1 = "";
    other[4].1 = "some";
    other.extend([
        ("companies", "Acme"),
        ("timeout", "5s"),
        ("schedule", "0s, 1m"),
    ]);
    let credentials = format!("{path}/credentials");
    let saved = anna.act(&server, &credentials, &other).await.expect(303);
    assert!(saved.header("location").ends_with("told=saved"));
    assert_eq!(target.received().len(), before, "it was not tried again");
    let now = view(&server, &path).await;
    assert_eq!(now["name"], "Pager");
    assert_eq!(now["status"], "authenticated");
    assert_eq!(now["companies"].as_array().unwrap().len(), 1);
    assert_eq!(now["delivery"]["schedule"], json!(["0s", "1m"]));
    assert_eq!(now["credentials"]["header_value"]["set"], true);
    let page = anna.get(&server, &credentials).await.expect(200).text();
    assert!(
        page.contains("set, ends with") && page.contains("value=\"0s, 1m\""),
        "{page}"
    );
    other.retain(|(name, _)| *name != "companies");
    let none = anna.act(&server, &credentials, &other).await;
    assert!(none.expect(422).text().contains("tick at least one"));
}

#[tokio::test]
async fn another_host_asks_for_the_secrets_again() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let other = Target::start().await;
    let (url, elsewhere) = (target.url("/hook"), other.url("/hook"));
    let path = save(&anna, &server, &typed(&url)).await;
    let credentials = format!("{path}/credentials");
    let mut moved = typed(&elsewhere);
    moved[3].1 = "";
    let page = anna
        .act(&server, &credentials, &moved)
        .await
        .expect(422)
        .text();
    assert!(
        page.contains("typed again") && page.contains(&elsewhere),
        "{page}"
    );
    assert!(other.received().is_empty());
    let saved = anna.act(&server, &credentials, &typed(&elsewhere)).await;
    saved.expect(303);
    assert_eq!(view(&server, &path).await["status"], "authenticated");
}

#[tokio::test]
async fn a_page_with_script_tries_the_credentials_itself() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let url = target.url("/hook");
    let mut live = typed(&url);
    live.push(("live", "1"));
    let saved = anna.act(&server, NEW, &live).await.expect(303);
    let page = saved.header("location").to_owned();
    assert!(page.ends_with("/credentials?check=1"), "{page}");
    assert!(target.received().is_empty());
    let page = anna.get(&server, &page).await.expect(200).text();
    assert!(
        page.contains("data-check=\"/api/v1/integrations/"),
        "{page}"
    );
}

#[tokio::test]
async fn finish_says_what_failed_and_marks_the_set_up_as_incomplete() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let url = target.url("/hook");
    let path = save(&anna, &server, &typed(&url)).await;
    let finish = format!("{path}/finish");
    anna.get(&server, &finish).await.expect(200);
    let before = target.received().len();
    let page = anna.act(&server, &finish, &[]).await.expect(200).text();
    assert!(page.contains("The set-up is complete"), "{page}");
    target.answer(Answer::status(503));
    let page = anna.act(&server, &finish, &[]).await.expect(502).text();
    assert_eq!(target.received().len(), before + 2, "one test alert each");
    assert!(
        !page.contains("Active") && !page.contains("/event-sets"),
        "{page}"
    );
    for wanted in [
        "Error Sending Request for URL",
        &url,
        "Review the Whitelisting page",
        "Incomplete",
        "503",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert_eq!(view(&server, &path).await["status"], "failed");
    let refused = anna.act(&server, &finish, &[]).await.expect(303);
    assert!(
        refused
            .header("location")
            .contains("told=not-authenticated")
    );
}

#[tokio::test]
async fn an_integration_is_switched_rotated_and_removed_by_its_name() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let url = target.url("/hook");
    let mut fields = typed(&url);
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    fields.push(("signing_secret", secret));
    let path = save(&anna, &server, &fields).await;
    let act = async |what: &str, fields: &[(&str, &str)]| {
        anna.act(&server, &format!("{path}/{what}"), fields).await
    };
    act("switch", &[("to", "off")]).await.expect(303);
    assert_eq!(view(&server, &path).await["status"], "disabled");
    act("switch", &[("to", "on")]).await.expect(303);
    let page = act("signing-secret", &[("overlap", "soon")]).await;
    let page = page.expect(422).text();
    assert!(
        page.contains("value=\"soon\"") && !page.contains(secret),
        "{page}"
    );
    let page = act("signing-secret", &[("overlap", "1h")])
        .await
        .expect(200)
        .text();
    assert!(page.contains("whsec_") && !page.contains(secret), "{page}");
    let page = anna
        .get(&server, &format!("{path}/credentials"))
        .await
        .expect(200)
        .text();
    assert!(page.contains("The former secret signs too"), "{page}");
    act("signing-secret/end", &[]).await.expect(303);
    act("release", &[]).await.expect(303);
    let asked = anna
        .get(&server, &format!("{path}/remove"))
        .await
        .expect(200)
        .text();
    assert!(
        asked.contains("<dialog open") && asked.contains("0 integration rules"),
        "{asked}"
    );
    act("remove", &[("name", "Pager")]).await.expect(422);
    act("remove", &[("name", "Service desk")]).await.expect(303);
    anna.get(&server, &format!("{path}/credentials"))
        .await
        .expect(404);
}

#[tokio::test]
async fn viewers_and_other_companies_change_nothing() {
    let (server, target) = (Server::start().await, Target::start().await);
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let form = json!({"connector": "webhook", "name": "Globex desk", "companies": ["Globex"],
        "credentials": {"webhook_url": target.url("/hook")}});
    let hidden = id(&server
        .post("/api/v1/integrations", form)
        .await
        .expect(201)
        .json());
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    let ben = server.browser("Ben", Role::Admin, own).await;
    let list = ben.get(&server, "/settings/integrations/webhook").await;
    assert!(!list.expect(200).text().contains("Globex desk"));
    let path = format!("/settings/integrations/webhook/{hidden}");
    ben.get(&server, &format!("{path}/credentials"))
        .await
        .expect(404);
    ben.get(&server, NEW).await.expect(403);
    let url = target.url("/hook");
    ben.act(&server, NEW, &typed(&url)).await.expect(403);
    let viewer = server.browser("Vera", Role::Viewer, Scope::All).await;
    let page = viewer
        .get(&server, &format!("{path}/credentials"))
        .await
        .expect(200)
        .text();
    assert!(
        !page.contains(">Save</button>") && !page.contains("Switch off"),
        "{page}"
    );
    for what in [
        "credentials",
        "switch",
        "finish",
        "remove",
        "signing-secret",
        "release",
    ] {
        viewer
            .act(&server, &format!("{path}/{what}"), &[])
            .await
            .expect(403);
    }
    viewer
        .get(&server, "/settings/integrations/other")
        .await
        .expect(404);
}

#[tokio::test]
async fn whoever_sees_one_company_learns_no_name_of_another() {
    let (server, target) = (Server::start().await, Target::start().await);
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let form = json!({"connector": "webhook", "name": "Shared desk", "companies": ["Acme", "Globex"],
        "credentials": {"webhook_url": target.url("/hook")}});
    let made = server.post("/api/v1/integrations", form).await.expect(201);
    let path = format!("/settings/integrations/webhook/{}", id(&made.json()));
    let own = || Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role) in [
        ("Vera", Role::Viewer),
        ("Otto", Role::Operator),
        ("Ben", Role::Admin),
    ] {
        let one = server.browser(name, role, own()).await;
        for page in [
            format!("{path}/credentials"),
            "/settings/integrations/webhook".to_owned(),
        ] {
            let page = one.get(&server, &page).await.expect(200).text();
            assert!(!page.contains("Globex"), "{name}: {page}");
        }
        let page = one
            .get(&server, &format!("{path}/credentials"))
            .await
            .text();
        assert!(page.contains("value=\"Acme\" checked"), "{page}");
        assert!(page.contains("fields form two whole\" disabled"), "{page}");
        one.act(&server, &format!("{path}/release"), &[])
            .await
            .expect(403);
    }
}

#[tokio::test]
async fn the_list_names_the_last_delivery() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let list = async |browser: &Browser| {
        let page = browser.get(&server, "/settings/integrations/webhook").await;
        page.expect(200).text()
    };
    server.routed("Acme", &target).await;
    assert!(!list(&anna).await.contains("href=\"/deliveries/"));
    server.asset_added("Acme", "192.0.2.7").await;
    let page = list(&anna).await;
    assert!(
        page.contains("href=\"/deliveries/") && page.contains("pending"),
        "{page}"
    );
}
