use std::time::Duration;

use domain::access::{Actor, Role, Scope};
use domain::silence::{SILENCES, Silence};
use domain::{SilenceId, Timestamp};
use http::Method;
use serde_json::{Value, json};
use store::Change;
use testkit::Target;

use crate::support::{Server, id};

const HOUR: Duration = Duration::from_secs(3_600);

/// A silence of an hour for everything of these companies.
fn form(server: &Server, companies: &[&str]) -> Value {
    json!({"name": "Patch night", "filter": "severity>=info", "companies": companies,
        "until": server.clock.now().after(HOUR), "reason": "Servers restart"})
}

fn with(mut form: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        form[name] = value.clone();
    }
    form
}

#[tokio::test]
async fn a_silenced_event_is_kept_counted_and_explained() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.routed("Globex", &target).await;
    let silence = server
        .post("/api/v1/silences", form(&server, &["Acme"]))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (silence["state"].as_str(), silence["silenced"].is_null()),
        (Some("active"), true)
    );
    assert!(silence["author"]["key"]["name"].is_string(), "{silence}");
    let muted = server.asset_added("Acme", "10.0.0.1").await;
    let heard = server.asset_added("Globex", "10.0.0.2").await;
    let event = server.get(&format!("/api/v1/events/{muted}")).await.json();
    assert_eq!(event["unrouted_reason"], "silenced");
    assert_eq!(
        event["silence"],
        json!({"id": id(&silence), "name": "Patch night"})
    );
    let event = server.get(&format!("/api/v1/events/{heard}")).await.json();
    assert_eq!(
        (event["routing"].as_str(), &event["silence"]),
        (Some("routed"), &Value::Null)
    );
    let trace = server
        .get(&format!("/api/v1/events/{muted}/trace"))
        .await
        .json();
    let hops = trace["hops"].as_array().unwrap();
    let hop = hops.iter().find(|hop| hop["hop"] == "silence").unwrap();
    assert_eq!(hop["silence"]["id"], silence["id"]);
    assert_eq!(hop["silence"]["until"], silence["until"]);
    let path = format!("/api/v1/silences/{}", id(&silence));
    let counted = server.get(&path).await.expect(200).json();
    assert_eq!(
        (counted["silenced"].as_u64(), &counted["silenced_more"]),
        (Some(1), &json!(false))
    );
    for query in [
        format!("silence={}", id(&silence)),
        "routing=silenced".to_owned(),
    ] {
        let list = server
            .get(&format!("/api/v1/events?{query}"))
            .await
            .expect(200)
            .json();
        let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(ids, [muted.as_str()], "{query}");
    }
    server
        .get("/api/v1/events?silence=x")
        .await
        .field("?silence", "not an id");
}

#[tokio::test]
async fn a_silence_ends_by_hand_or_by_its_time_and_releases_nothing() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    let silence = server.made("/api/v1/silences", form(&server, &[])).await;
    server.clock.advance(Duration::from_secs(1));
    let other = server
        .made(
            "/api/v1/silences",
            with(
                form(&server, &[]),
                json!({"from": server.clock.now().after(HOUR / 2)}),
            ),
        )
        .await;
    let path = format!("/api/v1/silences/{silence}");
    let muted = server.asset_added("Acme", "10.0.0.1").await;
    let list = async |state: &str| {
        let list = server.get(&format!("/api/v1/silences?state={state}")).await;
        let list = list.expect(200).json();
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(id)
            .collect::<Vec<_>>()
    };
    assert_eq!(list("active").await, [silence.as_str()]);
    assert_eq!(list("scheduled").await, [other.as_str()]);
    let ended = server
        .post(&format!("{path}/end"), json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (ended["state"].as_str(), &ended["window"]),
        (Some("ended"), &Value::Null)
    );
    let again = server
        .post(&format!("{path}/end"), json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(again["ended_at"], ended["ended_at"]);
    let heard = server.asset_added("Acme", "10.0.0.2").await;
    for (event, routing) in [(&muted, "unrouted"), (&heard, "routed")] {
        let event = server.get(&format!("/api/v1/events/{event}")).await.json();
        assert_eq!(event["routing"], routing);
    }
    server
        .patch(&path, json!({"reason": "More"}))
        .await
        .problem(409);
    server.clock.advance(2 * HOUR);
    assert_eq!(list("ended").await, [other.as_str(), silence.as_str()]);
    server
        .get("/api/v1/silences?state=over")
        .await
        .field("?state", "active, scheduled, ended");
    let audit = server.get("/api/v1/audit?limit=1").await.json();
    assert_eq!(
        (
            audit["items"][0]["action"].as_str(),
            audit["items"][0]["what"].as_str()
        ),
        (Some("end"), Some("silence"))
    );
    server
        .call_as(&server.admin, Method::DELETE, &path, None)
        .await
        .expect(204);
    server.get(&path).await.problem(404);
    let event = server.get(&format!("/api/v1/events/{muted}")).await.json();
    assert_eq!(event["silence"], json!({"id": silence, "name": null}));
}

#[tokio::test]
async fn a_silence_is_changed_where_the_patch_names_it() {
    let server = Server::start().await;
    let window = with(
        form(&server, &[]),
        json!({"repeat": "daily", "repeat_until": server.clock.now().after(72 * HOUR)}),
    );
    let made = server
        .post("/api/v1/silences", window)
        .await
        .expect(201)
        .json();
    let path = format!("/api/v1/silences/{}", id(&made));
    let until = server.clock.now().after(2 * HOUR);
    let patch = json!({"until": until, "filter": "event=system.*"});
    let changed = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(changed["until"], json!(until));
    assert_eq!(
        (changed["filter"].as_str(), changed["repeat"].as_str()),
        (Some("event=system.*"), Some("daily"))
    );
    assert_eq!(changed["name"], made["name"]);
    let once = server
        .patch(&path, json!({"repeat": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&once["repeat"], &once["repeat_until"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(server.get(&path).await.json()["ends_at"], json!(until));
    server.clock.advance(HOUR);
    server
        .patch(&path, json!({"until": server.clock.now()}))
        .await
        .field("/until", "has passed");
}

#[tokio::test]
async fn a_bad_silence_is_named_by_its_fields() {
    let server = Server::start().await;
    let now = server.clock.now();
    let check = async |changes: Value, pointer: &str, words: &str| {
        let form = with(form(&server, &[]), changes);
        server
            .post("/api/v1/silences", form)
            .await
            .field(pointer, words);
    };
    check(
        json!({"filter": "severty>=high"}),
        "/filter",
        "did you mean `severity`?",
    )
    .await;
    check(json!({"filter": ""}), "/filter", "at least one term").await;
    check(json!({"reason": " "}), "/reason", "must not be empty").await;
    check(json!({"reason": "x".repeat(501)}), "/reason", "500").await;
    check(json!({"until": "tomorrow"}), "/until", "RFC 3339").await;
    check(json!({"until": now}), "/until", "after `from`").await;
    check(
        json!({"until": now.after(367 * 24 * HOUR)}),
        "/until",
        "a year",
    )
    .await;
    check(
        json!({"companies": ["Acmee"]}),
        "/companies/0",
        "no company",
    )
    .await;
    check(json!({"repeat": "daily"}), "/repeat_until", "is missing").await;
    check(
        json!({"repeat_until": now.after(HOUR)}),
        "/repeat",
        "is missing",
    )
    .await;
    check(
        json!({"repeat": "monthly", "repeat_until": now.after(HOUR)}),
        "/repeat",
        "daily",
    )
    .await;
    check(json!({"untill": now}), "/untill", "did you mean `until`?").await;
    let query = server
        .post("/api/v1/silences?dry_run=true&days=31", form(&server, &[]))
        .await;
    query.field("?days", "1 to 30");
}

#[tokio::test]
async fn an_operator_of_some_companies_silences_those_alone() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let scope = Scope::Companies(vec![Server::company_id(&acme)]);
    let own = server.key(Role::Operator, scope.clone()).await;
    let viewer = server.key(Role::Viewer, scope).await;
    let make = async |key: &str, form: &Value| {
        server
            .call_as(key, Method::POST, "/api/v1/silences", Some(form))
            .await
    };
    make(&own, &form(&server, &[]))
        .await
        .field("/companies", "at least one company");
    make(&own, &form(&server, &["Globex"]))
        .await
        .field("/companies/0", "no company");
    make(&viewer, &form(&server, &["Acme"])).await.problem(403);
    let mine = id(&make(&own, &form(&server, &["Acme"]))
        .await
        .expect(201)
        .json());
    let other = server
        .made("/api/v1/silences", form(&server, &["Globex"]))
        .await;
    let shared = server
        .made("/api/v1/silences", form(&server, &["Acme", "Globex"]))
        .await;
    let all = server.made("/api/v1/silences", form(&server, &[])).await;
    let list = server
        .call_as(&own, Method::GET, "/api/v1/silences", None)
        .await
        .expect(200)
        .json();
    let seen: Vec<_> = list["items"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(seen.len(), 3);
    assert!(!seen.contains(&other));
    let view = server
        .call_as(
            &own,
            Method::GET,
            &format!("/api/v1/silences/{shared}"),
            None,
        )
        .await
        .json();
    assert_eq!(view["companies"], json!([acme]));
    for (silence, status) in [(&other, 404), (&shared, 403), (&all, 403)] {
        let path = format!("/api/v1/silences/{silence}");
        let patch = json!({"reason": "Mine now"});
        server
            .call_as(&own, Method::PATCH, &path, Some(&patch))
            .await
            .problem(status);
        server
            .call_as(&own, Method::POST, &format!("{path}/end"), None)
            .await
            .problem(status);
        server
            .call_as(&own, Method::DELETE, &path, None)
            .await
            .problem(status);
    }
    let path = format!("/api/v1/silences/{mine}");
    let wider = json!({"companies": []});
    server
        .call_as(&own, Method::PATCH, &path, Some(&wider))
        .await
        .field("/companies", "at least one");
    server
        .call_as(&viewer, Method::POST, &format!("{path}/end"), None)
        .await
        .problem(403);
    server
        .call_as(&own, Method::POST, &format!("{path}/end"), None)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_have_muted_and_makes_nothing() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.routed("Globex", &target).await;
    server.company("Unmapped").await;
    server.asset_added("Acme", "10.0.0.1").await;
    server.clock.advance(26 * HOUR);
    let muted = server.asset_added("Acme", "10.0.0.2").await;
    server.asset_added("Globex", "10.0.0.3").await;
    server.asset_added("Unmapped", "10.0.0.4").await;
    let ask = async |query: &str, form: Value| {
        let path = format!("/api/v1/silences?dry_run=true{query}");
        server.post(&path, form).await.expect(200).json()
    };
    let acme = with(form(&server, &[]), json!({"filter": "company=Acme"}));
    let day = ask("", acme.clone()).await;
    assert_eq!(
        (day["events"].as_u64(), day["muted"].as_u64()),
        (Some(3), Some(1))
    );
    assert_eq!(day["examples"][0]["event_id"], muted.as_str());
    assert_eq!(
        (
            &day["complete"],
            day["examples"][0]["company"]["name"].as_str()
        ),
        (&json!(true), Some("Acme"))
    );
    assert_eq!(ask("&days=2", acme.clone()).await["muted"], 2);
    // A window of other hours would have muted nothing.
    let now = server.clock.now();
    let window = with(
        acme,
        json!({"from": now.after(HOUR), "until": now.after(2 * HOUR), "repeat": "daily", "repeat_until": now.after(90 * HOUR)}),
    );
    assert_eq!(ask("", window).await["muted"], 0);
    assert_eq!(
        server.get("/api/v1/silences").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn silences_are_not_without_bound() {
    let server = Server::start().await;
    let now = server.clock.now();
    let silence = |number: usize, until: Timestamp| Silence {
        id: SilenceId::from_bytes(u128::try_from(number).unwrap().to_be_bytes()),
        name: "One of many".to_owned(),
        filter: "event=job.*".parse().unwrap(),
        companies: Vec::new(),
        from: now.before(HOUR),
        until,
        repeat: None,
        reason: "Load".to_owned(),
        author: Actor::Local,
        created_at: now,
        ended_at: None,
    };
    let many = (1..=SILENCES).map(|number| Change::InsertSilence(silence(number, now.after(HOUR))));
    let over = Change::InsertSilence(silence(SILENCES + 1, now));
    let changes = many.chain([over]).collect();
    server
        .app
        .store()
        .change_all(changes, &Actor::Local, now)
        .await
        .unwrap();
    let problem = server
        .post("/api/v1/silences", form(&server, &[]))
        .await
        .problem(409);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("1000 silences"),
        "{problem}"
    );
    server.clock.advance(2 * HOUR);
    server
        .post("/api/v1/silences", form(&server, &[]))
        .await
        .expect(201);
    let page = server
        .get("/api/v1/silences?limit=1000")
        .await
        .expect(200)
        .json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1_000);
    assert!(page["next"].is_string());
}
