use std::time::Duration;

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Routed, Server, id};

const HOUR: Duration = Duration::from_secs(3_600);

/// Two companies with an integration each, and a third without; two events of each.
struct Story {
    server: Server,
    acme: Routed,
    globex: Routed,
    events: Vec<String>,
    _target: Target,
}

async fn story() -> Story {
    let (server, target) = (Server::start().await, Target::start().await);
    let acme = server.routed("Acme", &target).await;
    let globex = server.routed("Globex", &target).await;
    server.company("Unmapped").await;
    let mut events = Vec::new();
    for (number, company) in ["Acme", "Acme", "Globex", "Globex", "Unmapped", "Unmapped"]
        .into_iter()
        .enumerate()
    {
        events.push(
            server
                .asset_added(company, &format!("10.0.0.{number}"))
                .await,
        );
        server.clock.advance(Duration::from_secs(60));
    }
    Story {
        server,
        acme,
        globex,
        events,
        _target: target,
    }
}

impl Story {
    async fn ask(&self, form: Value) -> Value {
        let answer = self
            .server
            .post("/api/v1/what-if", form)
            .await
            .expect(200)
            .json();
        let sum: u64 = ["same", "gained", "lost", "moved"]
            .map(|key| answer[key].as_u64().unwrap())
            .iter()
            .sum();
        assert_eq!(answer["events"], sum);
        answer
    }

    async fn change(&self, change: Value) -> Value {
        self.ask(json!({"days": 1, "change": change})).await
    }
}

#[track_caller]
fn check(answer: &Value, same: u64, gained: u64, lost: u64, moved: u64) {
    let found = ["same", "gained", "lost", "moved"].map(|key| answer[key].as_u64().unwrap());
    assert_eq!(found, [same, gained, lost, moved], "{answer}");
}

#[tokio::test]
async fn with_an_empty_change_everything_is_the_same() {
    let story = story().await;
    let answer = story.ask(json!({})).await;
    check(&answer, 6, 0, 0, 0);
    assert_eq!(
        (&answer["complete"], answer["read"].as_u64()),
        (&json!(true), Some(6))
    );
    assert_eq!(answer["reasons"]["before"], json!({"no_mapping": 2}));
    assert_eq!(answer["reasons"]["before"], answer["reasons"]["after"]);
    assert_eq!(
        (
            answer["companies_without_mapping"].as_u64(),
            &answer["examples"]
        ),
        (Some(1), &json!([]))
    );
    let counts = answer["integrations"].as_array().unwrap();
    assert!(
        counts
            .iter()
            .all(|one| one["before"] == 2 && one["after"] == 2),
        "{answer}"
    );
}

#[tokio::test]
async fn a_removed_rule_loses_exactly_what_it_carried() {
    let story = story().await;
    let answer = story
        .change(json!({"remove": {"rules": [story.acme.rule]}}))
        .await;
    check(&answer, 4, 0, 2, 0);
    let example = &answer["examples"][0];
    assert_eq!(example["event_id"], story.events[1].as_str());
    assert_eq!(
        (example["company"]["name"].as_str(), &example["after"]),
        (Some("Acme"), &json!([]))
    );
    assert_eq!(
        example["before"],
        json!([{"id": story.acme.integration, "name": "To Acme"}])
    );
    assert_eq!(
        (&example["reason_before"], example["reason_after"].as_str()),
        (&Value::Null, Some("no_rule"))
    );
    // Nothing was changed by the question.
    check(&story.ask(json!({})).await, 6, 0, 0, 0);
    let mapping = json!({"integration_id": story.globex.integration, "company": "Globex"});
    let answer = story
        .change(json!({"remove": {"mappings": [mapping]}}))
        .await;
    check(&answer, 4, 0, 2, 0);
    assert_eq!(answer["companies_without_mapping"], 2);
    let answer = story
        .change(json!({"remove": {"integrations": [story.acme.integration]}}))
        .await;
    check(&answer, 4, 0, 2, 0);
}

#[tokio::test]
async fn new_things_of_one_change_may_name_each_other() {
    let story = story().await;
    let change = json!({
        "event_sets": [{"name": "Assets", "events": ["system.asset_added"]}],
        "rules": [{"integration_id": story.globex.integration, "name": "All assets", "event_set_id": "Assets"}],
        "mappings": [{"integration_id": story.globex.integration, "company": "all", "rules": ["All assets"], "create_webhook_alert": true}],
    });
    let answer = story.change(change).await;
    check(&answer, 2, 4, 0, 0);
    assert_eq!(
        (
            answer["companies_without_mapping"].as_u64(),
            answer["reasons"]["after"]
                .as_object()
                .map(|words| words.len())
        ),
        (Some(0), Some(0))
    );
    let to_globex = answer["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == story.globex.integration.as_str());
    assert_eq!(to_globex.unwrap()["after"], 6);
}

#[tokio::test]
async fn known_things_are_changed_where_the_entry_names_it() {
    let story = story().await;
    let stricter = json!({"rules": [{"id": story.acme.rule, "matchers": ["severity>=critical"]}]});
    check(&story.change(stricter).await, 4, 0, 2, 0);
    let list = story.server.get("/api/v1/event-sets").await.json();
    let sets: Vec<Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| json!({"id": id(set), "events": ["system.port_open_probe"]}))
        .collect();
    check(&story.change(json!({"event_sets": sets})).await, 2, 0, 4, 0);
    let off = json!({"mappings": [{"integration_id": story.acme.integration, "company": story.acme.company, "create_webhook_alert": false}]});
    let answer = story.change(off).await;
    check(&answer, 4, 0, 2, 0);
    assert_eq!(answer["reasons"]["after"]["mapping_off"], 2);
}

#[tokio::test]
async fn a_new_silence_is_tried_all_through_and_a_known_one_where_it_held() {
    let story = story().await;
    let until = story.server.clock.now().after(HOUR);
    let new = json!({"silences": [{"filter": "company=Acme", "until": until}]});
    let answer = story.change(new).await;
    check(&answer, 4, 0, 2, 0);
    assert_eq!(answer["reasons"]["after"]["silenced"], 2);
    let form = json!({"name": "N", "filter": "company=Acme", "until": until, "reason": "R"});
    let silence = story.server.made("/api/v1/silences", form).await;
    story.server.asset_added("Acme", "10.0.0.9").await;
    check(
        &story
            .change(json!({"remove": {"silences": [silence]}}))
            .await,
        6,
        1,
        0,
        0,
    );
    let wider = json!({"silences": [{"id": silence, "filter": "company=Globex"}]});
    check(&story.change(wider).await, 6, 1, 0, 0);
}

#[tokio::test]
async fn time_and_filter_say_which_events_are_compared() {
    let story = story().await;
    let answer = story
        .ask(json!({"filter": "company=Acme", "change": {"remove": {"rules": [story.acme.rule]}}}))
        .await;
    check(&answer, 0, 0, 2, 0);
    assert_eq!(answer["read"], 6);
    let now = story.server.clock.now();
    let since = now.before(Duration::from_secs(150));
    assert_eq!(story.ask(json!({"since": since})).await["events"], 2);
    let earlier = json!({"since": now.before(HOUR), "until": since});
    assert_eq!(story.ask(earlier).await["events"], 4);
    story.server.clock.advance(25 * HOUR);
    assert_eq!(story.ask(json!({})).await["events"], 0);
    assert_eq!(story.ask(json!({"days": 2})).await["events"], 6);
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_named_by_its_place() {
    let story = story().await;
    let bad = async |form: Value, pointer: &str, words: &str| {
        story
            .server
            .post("/api/v1/what-if", form)
            .await
            .field(pointer, words);
    };
    bad(json!({"days": 31}), "/days", "1 to 30").await;
    bad(
        json!({"days": 1, "since": "2024-01-01T00:00:00Z"}),
        "/days",
        "beside",
    )
    .await;
    bad(
        json!({"until": "2024-01-01T00:00:00Z"}),
        "/since",
        "missing",
    )
    .await;
    bad(json!({"filter": "severty=high"}), "/filter", "severity").await;
    let change = async |change: Value, pointer: &str, words: &str| {
        bad(json!({"change": change}), pointer, words).await;
    };
    change(
        json!({"remove": {"rules": ["x"]}}),
        "/change/remove/rules/0",
        "no rule",
    )
    .await;
    change(
        json!({"rules": [{"id": story.acme.rule}, {"name": "R"}]}),
        "/change/rules/1/integration_id",
        "new one needs it",
    )
    .await;
    change(
        json!({"rules": [{"id": story.acme.rule, "matchers": ["company=Acme"]}]}),
        "/change/rules/0/matchers/0",
        "must not ask",
    )
    .await;
    change(
        json!({"rules": [{"id": story.acme.rule, "integration_id": story.acme.integration}]}),
        "/change/rules/0/integration_id",
        "new rule alone",
    )
    .await;
    change(
        json!({"event_sets": [{"name": "S", "events": ["system.asset_aded"]}]}),
        "/change/event_sets/0/events/0",
        "did you mean",
    )
    .await;
    change(
        json!({"mappings": [{"integration_id": story.acme.integration, "company": "all"}]}),
        "/change/mappings/0/rules",
        "new one needs it",
    )
    .await;
    change(json!({"mappings": [{"integration_id": story.acme.integration, "company": "all", "rules": [story.globex.rule]}]}), "/change/mappings/0/rules/0", "of this integration").await;
    change(
        json!({"silences": [{"filter": "severity>=low"}]}),
        "/change/silences/0/until",
        "new one needs it",
    )
    .await;
    change(
        json!({"silences": [{"fitler": "severity>=low"}]}),
        "/change/silences/0/fitler",
        "did you mean",
    )
    .await;
    let many = vec![story.acme.rule.clone(); 1_001];
    change(
        json!({"remove": {"rules": many}}),
        "/change/remove/rules",
        "at most 1000",
    )
    .await;
}

#[tokio::test]
async fn a_viewer_may_ask_about_the_events_of_its_companies() {
    let story = story().await;
    let scope = Scope::Companies(vec![Server::company_id(&story.acme.company)]);
    let viewer = story.server.key(Role::Viewer, scope).await;
    let ask = async |form: Value| {
        story
            .server
            .call_as(&viewer, Method::POST, "/api/v1/what-if", Some(&form))
            .await
    };
    let answer = ask(json!({"change": {"remove": {"rules": [story.acme.rule]}}}))
        .await
        .expect(200);
    check(&answer.json(), 0, 0, 2, 0);
    assert!(!answer.text().contains("Globex"), "{}", answer.text());
    assert_eq!(answer.json()["companies_without_mapping"], 0);
    let other = json!({"mappings": [{"integration_id": story.acme.integration, "company": "Globex", "rules": []}]});
    ask(json!({"change": other}))
        .await
        .field("/change/mappings/0/company", "no company");
}

#[tokio::test]
async fn a_question_reads_no_more_than_its_bounds() {
    let server = Server::start_with(|settings| settings.what_if_events = 3).await;
    server.company("Acme").await;
    for number in 0..5 {
        server
            .asset_added("Acme", &format!("10.0.0.{number}"))
            .await;
        server.clock.advance(Duration::from_secs(1));
    }
    let answer = server
        .post("/api/v1/what-if", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (answer["read"].as_u64(), &answer["complete"]),
        (Some(3), &json!(false))
    );
    let oldest = server.clock.now().before(Duration::from_secs(3));
    assert_eq!(answer["oldest_examined"], json!(oldest));
    let server = Server::start_with(|settings| {
        (settings.what_if_time, settings.what_ifs) = (Duration::ZERO, 1);
    })
    .await;
    server.company("Acme").await;
    for number in 0..251 {
        server
            .asset_added("Acme", &format!("10.0.{}.{}", number / 200, number % 200))
            .await;
    }
    let answer = server
        .post("/api/v1/what-if", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (answer["read"].as_u64(), &answer["complete"]),
        (Some(250), &json!(false))
    );
    let none = Server::start_with(|settings| settings.what_ifs = 0).await;
    none.post("/api/v1/what-if", json!({})).await.problem(429);
}
