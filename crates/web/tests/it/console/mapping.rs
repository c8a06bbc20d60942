use domain::access::{Role, Scope};
use serde_json::{Value, json};
use testkit::Target;

use super::HOSTILE;
use crate::browser::Browser;
use crate::support::{Answer, Routed, Server};

/// An admin at the tab Company Mapping; Acme is mapped, two others are not.
struct Tab {
    server: Server,
    anna: Browser,
    token: String,
    routed: Routed,
    others: [String; 2],
    path: String,
    _target: Target,
}

async fn tab() -> Tab {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let others = [
        server.company("Globex").await,
        server.company(HOSTILE).await,
    ];
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    Tab {
        token: anna.form_token(&server).await,
        path: format!(
            "/settings/integrations/webhook/{}/mappings",
            routed.integration
        ),
        server,
        anna,
        routed,
        others,
        _target: target,
    }
}

impl Tab {
    async fn page(&self, path: &str) -> String {
        self.anna.get(&self.server, path).await.expect(200).text()
    }

    async fn post(&self, path: &str, status: u16, fields: &[(&str, &str)]) -> Answer {
        let fields = [&[("form_token", self.token.as_str())], fields].concat();
        let answer = self.anna.post(&self.server, path, &fields).await;
        answer.expect(status)
    }

    async fn mapping(&self, company: &str) -> Value {
        let of = &self.routed.integration;
        let path = format!("/api/v1/integrations/{of}/mappings/{company}");
        self.server.get(&path).await.json()
    }
}

#[tokio::test]
async fn several_companies_are_mapped_at_once_and_shown_as_selected() {
    let tab = tab().await;
    let page = tab.page(&tab.path).await;
    for words in [
        "Selected Companies",
        "Create Webhook Alert",
        "Integration Rules",
        ">Finish</button>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(HOSTILE));
    let [globex, hostile] = &tab.others;
    let fields = [
        ("companies", globex.as_str()),
        ("companies", hostile),
        ("rules", &tab.routed.rule),
    ];
    let saved = tab.post(&tab.path, 303, &fields).await;
    assert_eq!(
        saved.header("location"),
        format!("{}?told=saved#selected", tab.path)
    );
    for company in &tab.others {
        let mapping = tab.mapping(company).await;
        assert_eq!(mapping["create_webhook_alert"], false);
        assert_eq!(mapping["rules"], json!([tab.routed.rule]));
    }
    let page = tab.page(&tab.path).await;
    assert_eq!(page.matches("off: mapped, silent").count(), 2, "{page}");
}

#[tokio::test]
async fn what_is_missing_is_said_and_what_was_ticked_stays() {
    let tab = tab().await;
    let [globex, _] = &tab.others;
    let check = async |fields: &[(&str, &str)], words: &str| {
        let page = tab.post(&tab.path, 422, fields).await.text();
        assert!(page.contains(words), "{words}: {page}");
        page
    };
    check(&[("rules", &tab.routed.rule)], "tick at least one company").await;
    let page = check(&[("companies", globex)], "tick at least one rule").await;
    assert!(
        page.contains(&format!("value=\"{globex}\" checked")),
        "{page}"
    );
    let both = [
        ("companies", "all"),
        ("companies", globex.as_str()),
        ("rules", &tab.routed.rule),
    ];
    check(&both, "either all companies or some").await;
    let nobody = [("companies", "nobody"), ("rules", tab.routed.rule.as_str())];
    check(&nobody, "there is no company").await;
}

#[tokio::test]
async fn mappings_are_replaced_only_when_that_was_asked() {
    let tab = tab().await;
    let acme = tab.routed.company.as_str();
    let fields = [
        ("companies", acme),
        ("companies", &tab.others[0]),
        ("rules", &tab.routed.rule),
    ];
    let asked = tab.post(&tab.path, 200, &fields).await.text();
    assert!(
        asked.contains("Replace 1 mapping?") && asked.contains("1 of the 2 companies"),
        "{asked}"
    );
    assert_eq!(tab.mapping(acme).await["create_webhook_alert"], true);
    let saved = [&fields[..], &[("then", "save")]].concat();
    tab.post(&tab.path, 303, &saved).await;
    assert_eq!(tab.mapping(acme).await["create_webhook_alert"], false);
    let all = [
        ("companies", "all"),
        ("rules", &tab.routed.rule),
        ("create_webhook_alert", "on"),
    ];
    tab.post(&tab.path, 303, &all).await;
    assert_eq!(tab.mapping("all").await["create_webhook_alert"], true);
}

#[tokio::test]
async fn a_mapping_is_changed_and_removed() {
    let tab = tab().await;
    let acme = tab.routed.company.as_str();
    let form = tab.page(&format!("{}?edit={acme}", tab.path)).await;
    assert!(form.contains("Edit the mapping of Acme") && !form.contains("name=\"companies\""));
    assert!(form.contains("id=\"create_webhook_alert\" name=\"create_webhook_alert\" type=\"checkbox\" value=\"on\" checked"), "{form}");
    let own = format!("{}/{acme}", tab.path);
    let silent = [("rules", tab.routed.rule.as_str())];
    tab.post(&own, 303, &silent).await;
    assert_eq!(tab.mapping(acme).await["create_webhook_alert"], false);
    let bare = tab.post(&own, 422, &[]).await.text();
    assert!(bare.contains("Edit the mapping of Acme"), "{bare}");
    let ask = format!("{}?remove={acme}", tab.path);
    let asked = tab.page(&ask).await;
    assert!(asked.contains("Remove the mapping of Acme?"), "{asked}");
    tab.post(&format!("{own}/remove"), 303, &[]).await;
    tab.anna.get(&tab.server, &ask).await.expect(404);
    tab.post(&format!("{own}/remove"), 404, &[]).await;
}

#[tokio::test]
async fn a_mapping_is_tried_on_stored_events_first() {
    let tab = tab().await;
    tab.server.asset_added("Globex", "10.0.0.1").await;
    let fields = [
        ("companies", tab.others[0].as_str()),
        ("rules", &tab.routed.rule),
        ("create_webhook_alert", "on"),
        ("then", "try"),
    ];
    let tried = tab.post(&tab.path, 200, &fields).await.text();
    assert!(
        tried.contains("<dt>Would be sent in addition</dt><dd>1</dd>"),
        "{tried}"
    );
    assert!(tried.contains(&format!("value=\"{}\" checked", tab.others[0])));
    assert_eq!(tab.mapping(&tab.others[0]).await["status"], 404);
}

#[tokio::test]
async fn companies_beyond_those_offered_are_found_by_name() {
    let tab = tab().await;
    for number in 0..200 {
        tab.server.company(&format!("Company {number:03}")).await;
    }
    let page = tab.page(&tab.path).await;
    assert!(page.contains("3 more: find them by name"), "{page}");
    let found = tab.page(&format!("{}?find=globex", tab.path)).await;
    // All companies are always offered.
    assert_eq!(found.matches("name=\"companies\"").count(), 2, "{found}");
}

#[tokio::test]
async fn a_company_s_viewer_sees_their_own_mapping_and_no_form() {
    let tab = tab().await;
    let fields = [
        ("companies", tab.others[0].as_str()),
        ("rules", &tab.routed.rule),
    ];
    tab.post(&tab.path, 303, &fields).await;
    let scope = Scope::Companies(vec![Server::company_id(&tab.routed.company)]);
    let ben = tab.server.browser("Ben", Role::Admin, scope).await;
    let page = ben.get(&tab.server, &tab.path).await.expect(200).text();
    assert!(page.contains("Acme") && !page.contains("Globex"), "{page}");
    for button in [">Save<", ">Finish<", "?edit=", "?remove="] {
        assert!(!page.contains(button), "{button}: {page}");
    }
    let token = ben.form_token(&tab.server).await;
    let acme = format!("{}/{}", tab.path, tab.routed.company);
    for path in [&tab.path, &acme, &format!("{acme}/remove")] {
        let fields = [("form_token", token.as_str()), ("rules", &tab.routed.rule)];
        ben.post(&tab.server, path, &fields).await.expect(403);
    }
}
