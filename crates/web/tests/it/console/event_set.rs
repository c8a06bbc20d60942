use domain::access::{Role, Scope};
use serde_json::json;
use testkit::{Answer, Target};

use super::HOSTILE;
use crate::browser::Browser;
use crate::support::{Server, id};

const ADDED: &str = "system.asset_added";

/// An admin at the tab Event Set of an integration.
struct Tab {
    server: Server,
    anna: Browser,
    token: String,
    integration: String,
    path: String,
    _target: Target,
}

async fn tab() -> Tab {
    let (server, target) = (Server::start().await, Target::start().await);
    let integration = server.integration("Hook", &target).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    Tab {
        token: anna.form_token(&server).await,
        path: format!("/settings/integrations/webhook/{integration}/event-sets"),
        server,
        anna,
        integration,
        _target: target,
    }
}

impl Tab {
    async fn page(&self, path: &str) -> String {
        self.anna.get(&self.server, path).await.expect(200).text()
    }

    async fn post(
        &self,
        path: &str,
        status: u16,
        fields: &[(&str, &str)],
    ) -> crate::support::Answer {
        let fields = [&[("form_token", self.token.as_str())], fields].concat();
        let answer = self.anna.post(&self.server, path, &fields).await;
        answer.expect(status)
    }

    async fn sets(&self) -> serde_json::Value {
        self.server.get("/api/v1/event-sets").await.json()["items"].take()
    }
}

#[tokio::test]
async fn saving_asks_whether_a_rule_is_to_follow_and_keeps_what_was_typed() {
    let tab = tab().await;
    let empty = tab.page(&tab.path).await;
    assert!(empty.contains("No event sets yet") && empty.contains(">Add</a>"));
    let new = format!("{}/new", tab.path);
    let form = tab.page(&new).await;
    for label in [
        "Name",
        "Notify By",
        "System Changes",
        "Certificate Expire in 30 Days",
    ] {
        assert!(form.contains(&format!(">{label}<")), "{label}: {form}");
    }
    let typed = [
        ("name", HOSTILE),
        ("notify_by", "asset"),
        ("events", ADDED),
        ("events", "problem.critical"),
    ];
    let asked = tab.post(&new, 200, &typed).await.text();
    assert!(
        asked.contains("<dialog class=\"box broad\" open data-modal")
            && asked.contains("Confirmation")
    );
    assert!(asked.contains("Create an Integration Profile, or save your event set?"));
    assert!(asked.contains("<option value=\"asset\" selected>"));
    assert!(asked.matches("name=\"events\"").count() > 2);
    assert_eq!(
        asked.matches("\" checked aria-describedby").count(),
        2,
        "{asked}"
    );
    assert_eq!(tab.sets().await, json!([]));
    let profile = [&typed[..], &[("then", "profile")]].concat();
    let made = tab.post(&new, 303, &profile).await;
    let set = id(&tab.sets().await[0]);
    let next = made.header("location").to_owned();
    assert!(
        next.contains(&format!("/rules/new?event_set={set}&told=saved")),
        "{next}"
    );
    let rule = tab.page(&next).await;
    assert!(
        rule.contains(&format!("<option value=\"{set}\" selected>")),
        "{rule}"
    );
    let other = [&typed[1..], &[("name", "Other"), ("then", "save")]].concat();
    let made = tab.post(&new, 303, &other).await;
    assert_eq!(made.header("location"), format!("{}?told=saved", tab.path));
    let list = tab.page(made.header("location")).await;
    assert!(list.contains("Saved.") && list.contains("Other") && !list.contains(HOSTILE));
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_asked() {
    let tab = tab().await;
    tab.server.event_set("Taken").await;
    let new = format!("{}/new", tab.path);
    let check = async |fields: &[(&str, &str)], status, words: &str| {
        let fields = [&[("notify_by", "event")], fields].concat();
        let page = tab.post(&new, status, &fields).await.text();
        assert!(page.contains(words), "{words}: {page}");
        assert!(!page.contains("Confirmation"), "{page}");
    };
    check(&[("name", "New")], 422, "at least one event").await;
    check(&[("name", " "), ("events", ADDED)], 422, "aria-invalid").await;
    check(
        &[("name", "taken"), ("events", ADDED)],
        409,
        "is taken by another event set",
    )
    .await;
    check(
        &[("name", "New"), ("events", "no.such")],
        422,
        "there is no event",
    )
    .await;
    let twice = [("name", "Taken"), ("events", ADDED), ("then", "save")];
    check(&twice, 409, "is taken").await;
    assert_eq!(tab.sets().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_set_that_was_changed_meanwhile_is_not_overwritten_unseen() {
    let tab = tab().await;
    let set = tab.server.event_set("Set").await;
    let path = format!("{}/{set}", tab.path);
    let mark = |page: &str| {
        let rest = page.split("name=\"mark\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let seen = mark(&tab.page(&path).await);
    let api = format!("/api/v1/event-sets/{set}");
    tab.server
        .patch(&api, json!({"name": "Theirs"}))
        .await
        .expect(200);
    let save = |mark: &str| {
        let fields = [
            ("name", "Mine"),
            ("notify_by", "event"),
            ("events", ADDED),
            ("then", "save"),
        ];
        let mark = mark.to_owned();
        (fields, mark)
    };
    let (fields, old) = save(&seen);
    let fields_old = [&fields[..], &[("mark", old.as_str())]].concat();
    let refused = tab.post(&path, 409, &fields_old).await.text();
    assert!(refused.contains("changed by somebody else") && refused.contains("value=\"Mine\""));
    let now = mark(&refused);
    let fields_now = [&fields[..], &[("mark", now.as_str())]].concat();
    tab.post(&path, 303, &fields_now).await;
    assert_eq!(tab.sets().await[0]["name"], "Mine");
}

#[tokio::test]
async fn a_set_goes_when_no_rule_uses_it() {
    let tab = tab().await;
    let set = tab.server.event_set("Set").await;
    let rules = format!("/api/v1/integrations/{}/rules", tab.integration);
    let form = json!({"name": "Everything", "event_set_id": set});
    let rule = tab.server.made(&rules, form).await;
    let ask = format!("{}?remove={set}", tab.path);
    let in_use = tab.page(&ask).await;
    assert!(
        in_use.contains("is in use") && in_use.contains("Everything"),
        "{in_use}"
    );
    assert!(!in_use.contains("Remove 1 event set"));
    let remove = format!("{}/{set}/remove", tab.path);
    tab.post(&remove, 409, &[]).await;
    tab.server
        .delete(&format!("{rules}/{rule}"))
        .await
        .expect(204);
    let asked = tab.page(&ask).await;
    assert!(
        asked.contains("Remove 1 event set") && asked.contains("2 events"),
        "{asked}"
    );
    let gone = tab.post(&remove, 303, &[]).await;
    assert_eq!(
        gone.header("location"),
        format!("{}?told=removed", tab.path)
    );
    tab.anna.get(&tab.server, &ask).await.expect(404);
    tab.anna
        .get(&tab.server, &format!("{}/{set}", tab.path))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_changed_set_is_tried_on_stored_events_first() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let sets = server.get("/api/v1/event-sets").await.json();
    let path = format!(
        "/settings/integrations/webhook/{}/event-sets/{}",
        routed.integration,
        id(&sets["items"][0])
    );
    let form = anna.get(&server, &path).await.expect(200).text();
    let rest = form.split("name=\"mark\" value=\"").nth(1).unwrap();
    let token = anna.form_token(&server).await;
    let fields = [
        ("form_token", token.as_str()),
        ("mark", rest.split('"').next().unwrap()),
        ("name", "Set of Acme"),
        ("notify_by", "event"),
        ("events", "problem.critical"),
        ("then", "try"),
    ];
    let tried = anna.post(&server, &path, &fields).await.expect(200).text();
    assert!(
        tried.contains("<dt>Would no longer be sent</dt><dd>1</dd>"),
        "{tried}"
    );
    assert!(tried.contains("nowhere: no rule"), "{tried}");
    assert_eq!(server.get("/api/v1/event-sets").await.json(), sets);
}

#[tokio::test]
async fn who_may_not_change_sees_no_button_and_is_refused() {
    let tab = tab().await;
    let set = tab.server.event_set("Set").await;
    let ben = tab.server.browser("Ben", Role::Operator, Scope::All).await;
    let list = ben.get(&tab.server, &tab.path).await.expect(200).text();
    assert!(list.contains("Set") && !list.contains(">Add</a>") && !list.contains("?remove="));
    let asked = format!("{}?remove={set}", tab.path);
    let asked = ben.get(&tab.server, &asked).await.expect(200).text();
    assert!(!asked.contains("<dialog class=\"box\" open"), "{asked}");
    let token = ben.form_token(&tab.server).await;
    let fields = [
        ("form_token", token.as_str()),
        ("name", "X"),
        ("events", ADDED),
    ];
    for path in ["new", &set, &format!("{set}/remove")] {
        let path = format!("{}/{path}", tab.path);
        ben.post(&tab.server, &path, &fields).await.expect(403);
        if !path.ends_with("/remove") {
            ben.get(&tab.server, &path).await.expect(403);
        }
    }
}

#[tokio::test]
async fn the_steps_wait_for_the_credentials_and_are_their_integration_s_alone() {
    let (server, target) = (Server::start().await, Target::start().await);
    let good = server.integration("Good", &target).await;
    target.answer(Answer::status(500));
    let bad = server.integration("Bad", &target).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let path = |id: &str| format!("/settings/integrations/webhook/{id}");
    for step in ["event-sets", "rules", "mappings", "rules/new"] {
        let sent = anna
            .get(&server, &format!("{}/{step}", path(&bad)))
            .await
            .expect(303);
        let credentials = format!("{}/credentials?told=not-authenticated", path(&bad));
        assert_eq!(sent.header("location"), credentials);
        anna.get(&server, &format!("{}/{step}", path(&good)))
            .await
            .expect(200);
        let other = format!("/settings/integrations/slack/{good}/{step}");
        anna.get(&server, &other).await.expect(404);
    }
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let own = format!("/api/v1/integrations/{good}");
    server
        .patch(&own, json!({"companies": [acme]}))
        .await
        .expect(200);
    let scope = Scope::Companies(vec![Server::company_id(&globex)]);
    let ben = server.browser("Ben", Role::Viewer, scope).await;
    for step in ["event-sets", "rules", "mappings"] {
        ben.get(&server, &format!("{}/{step}", path(&good)))
            .await
            .expect(404);
    }
}
