use std::time::Duration;

use axum::body::Body;
use domain::access::{Role, Scope};
use domain::{AttemptId, DeliveryId};
use http::Method;
use serde_json::json;
use store::{Attempt, Settlement, Settling, Store};
use testkit::Target;

use crate::support::{Routed, Server, id, request};

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// A delivery of an event of this company.
pub async fn sent(server: &Server, routed: &Routed, ip: &str) -> String {
    let event = server.asset_added(&routed.company, ip).await;
    let list = format!("/api/v1/deliveries?event={event}");
    id(&server.get(&list).await.json()["items"][0])
}

#[tokio::test]
async fn a_list_has_views_chips_and_rows_to_tick() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let delivery = sent(&server, &routed, "10.0.0.1").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let page = ben.get(&server, "/deliveries").await.expect(200).text();
    for wanted in [
        "Failed</a>",
        "Retrying</a>",
        "Parked</a>",
        "0/10",
        "now</time>",
        &format!("name=\"id\" value=\"{delivery}\""),
        "Replay the ticked",
        "/api/v1/deliveries/export?format=csv",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let path = format!(
        "/deliveries?integration={}&status=pending",
        routed.integration
    );
    let page = ben.get(&server, &path).await.expect(200).text();
    assert!(page.contains("<strong>To Acme</strong>"), "{page}");
    assert!(page.contains("Replay all that match"), "{page}");
    assert!(
        page.contains("<code class=\"hint\">system.asset_added</code>"),
        "{page}"
    );
    let slow = "/deliveries?kind=system.*&text=asset&code=5xx&category=Jobs&took_millis=5000";
    let page = ben.get(&server, slow).await.expect(200).text();
    for wanted in [
        "Event: <strong>system.*</strong>",
        "Subject: <strong>asset</strong>",
        "Code: <strong>5xx</strong>",
        "Took at least: <strong>5000 ms</strong>",
        "aria-current=\"page\">Slow</a>",
        "No delivery fits",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    ben.get(&server, "/deliveries?code=many").await.expect(422);
    let none = ben
        .get(&server, "/deliveries?failing=true")
        .await
        .expect(200);
    assert!(none.text().contains("No delivery fits"));
    ben.get(&server, "/deliveries?failing=perhaps")
        .await
        .expect(422);
    let viewer = server.browser("Vera", Role::Viewer, Scope::All).await;
    let page = viewer.get(&server, "/deliveries").await.expect(200).text();
    assert!(
        !page.contains("Replay") && !page.contains("type=\"checkbox\""),
        "{page}"
    );
}

#[tokio::test]
async fn ticked_deliveries_are_replayed_by_a_job_that_says_how_far_it_is() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let first = sent(&server, &routed, "10.0.0.1").await;
    let second = sent(&server, &routed, "10.0.0.2").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let ticked = [("id", first.as_str()), ("id", second.as_str())];
    let preview = [&ticked[..], &[("then", "preview")]].concat();
    let page = ben.act(&server, "/replays/new", &preview).await.expect(200);
    let page = page.text();
    for wanted in [
        "2 deliveries fit",
        "2 that were chosen",
        "To Acme",
        "Replay 2</button>",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let none = server.get("/api/v1/replays").await.json();
    assert_eq!(none["items"], json!([]));
    let begin = [&ticked[..], &[("then", "begin"), ("rate", "1")]].concat();
    let begun = ben.act(&server, "/replays/new", &begin).await.expect(303);
    let job = begun.header("location").to_owned();
    let page = ben.get(&server, &job).await.expect(200).text();
    assert!(
        page.contains("data-refresh") && page.contains(">Pause</button>"),
        "{page}"
    );
    let order = format!("{job}/order");
    ben.act(&server, &order, &[("order", "pause")])
        .await
        .expect(303);
    let page = ben.get(&server, &job).await.expect(200).text();
    assert!(
        page.contains(">Resume</button>") && !page.contains("data-refresh"),
        "{page}"
    );
    let asks = ben.get(&server, &format!("{job}?ask=cancel")).await.text();
    assert!(
        asks.contains("<dialog") && asks.contains("2 of 2"),
        "{asks}"
    );
    ben.act(&server, &order, &[("order", "cancel")])
        .await
        .expect(303);
    let page = ben.get(&server, &job).await.expect(200).text();
    assert!(
        page.contains("cancelled") && !page.contains("<dialog class=\"box\" open"),
        "{page}"
    );
    ben.act(&server, &order, &[("order", "forget")])
        .await
        .expect(404);
}

#[tokio::test]
async fn a_replay_is_looked_at_before_it_begins_and_its_faults_stand_beside_the_fields() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    sent(&server, &routed, "10.0.0.1").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let form = ben.get(&server, "/replays/new").await.expect(200).text();
    assert!(form.contains("See what would be sent"), "{form}");
    let dead = ben
        .get(&server, "/replays/new?status=dead")
        .await
        .expect(200);
    assert!(dead.text().contains("Nothing would be sent"));
    let bad = ben
        .get(&server, "/replays/new?since=yesterday")
        .await
        .expect(422);
    let bad = bad.text();
    assert!(
        bad.contains("aria-invalid") && bad.contains("value=\"yesterday\""),
        "{bad}"
    );
    let unrouted = ben
        .get(&server, "/replays/new?unrouted=1")
        .await
        .expect(200);
    assert!(unrouted.text().contains("events fit"));
    let pace = [("status", "pending"), ("then", "begin"), ("rate", "fast")];
    let bad = ben
        .act(&server, "/replays/new", &pace)
        .await
        .expect(422)
        .text();
    assert!(bad.contains("Replay 1</button>"), "{bad}");
    let viewer = server.browser("Vera", Role::Viewer, Scope::All).await;
    viewer.get(&server, "/replays/new").await.expect(403);
    viewer.act(&server, "/replays/new", &pace).await.expect(403);
}

#[tokio::test]
async fn a_replay_of_many_asks_for_the_integration_s_name() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    for number in 0..101 {
        server
            .asset_added(&routed.company, &format!("10.0.0.{number}"))
            .await;
    }
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let page = ben
        .get(&server, "/replays/new?status=pending")
        .await
        .expect(200);
    assert!(page.text().contains("Type <strong>To Acme</strong>"));
    let begin = |typed| [("status", "pending"), ("then", "begin"), ("confirm", typed)];
    let refused = ben
        .act(&server, "/replays/new", &begin("Acme"))
        .await
        .expect(422);
    assert!(refused.text().contains("nothing was sent"));
    let none = server.get("/api/v1/replays").await.json();
    assert_eq!(none["items"], json!([]));
    ben.act(&server, "/replays/new", &begin("To Acme"))
        .await
        .expect(303);
}

#[tokio::test]
async fn attempts_are_shown_compared_and_told_as_curl() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let delivery = sent(&server, &routed, "10.0.0.1").await;
    try_it(&server, &routed, &delivery, 500).await;
    try_it(&server, &routed, &delivery, 503).await;
    let path = format!("/deliveries/{delivery}");
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let page = ben.get(&server, &path).await.expect(200).text();
    for wanted in [
        "Why it failed",
        "What to do:",
        "id=\"attempt-2\" open",
        "<rect class=\"dns\"",
        "curl -X POST",
        "--data-raw",
        "data-refresh",
        "Try now",
        "#http_5xx",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(
        !page.contains("canary-secret-1234") && !page.contains("<img src=x"),
        "{page}"
    );
    assert!(!page.contains("Disable webhook"), "{page}");
    for asked in ["compare=1,2", "compare=1&compare=2"] {
        let page = ben
            .get(&server, &format!("{path}?{asked}"))
            .await
            .expect(200);
        let page = page.text();
        assert!(
            page.contains(">changed</span>") && page.contains("parts differ"),
            "{page}"
        );
    }
    let viewer = server.browser("Vera", Role::Viewer, Scope::All).await;
    let page = viewer.get(&server, &path).await.expect(200).text();
    assert!(
        !page.contains("curl -X POST") && !page.contains("Try now"),
        "{page}"
    );
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(page.contains("Disable webhook"), "{page}");
    let failing = ben
        .get(&server, "/deliveries?failing=true")
        .await
        .expect(200);
    assert!(failing.text().contains("<strong>503</strong>"));
}

#[tokio::test]
async fn replays_and_files_hold_nothing_of_another_company() {
    let (server, target) = (Server::start().await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    let foreign = sent(&server, &globex, "10.9.9.9").await;
    let own = sent(&server, &acme, "10.1.1.1").await;
    let all = server.post("/api/v1/replays", json!({"filter": {"status": "pending"}}));
    let all = id(&all.await.expect(202).json());
    let scope = Scope::Companies(vec![Server::company_id(&acme.company)]);
    let anna = server.browser("Anna", Role::Operator, scope).await;
    anna.get(&server, &format!("/replays/{all}"))
        .await
        .expect(404);
    let order = format!("/replays/{all}/order");
    anna.act(&server, &order, &[("order", "cancel")])
        .await
        .expect(404);
    let chosen = format!("/replays/new?id={foreign}");
    let page = anna.get(&server, &chosen).await.expect(200).text();
    assert!(page.contains("0 deliveries fit"), "{page}");
    let file = anna
        .get(&server, "/api/v1/deliveries/export")
        .await
        .expect(200);
    assert!(file.text().contains(&own) && !file.text().contains(&foreign));
}

#[tokio::test]
async fn a_replay_takes_what_the_list_means_and_no_more() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let failed = sent(&server, &routed, "10.0.0.1").await;
    sent(&server, &routed, "10.0.0.2").await;
    try_it(&server, &routed, &failed, 503).await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    for query in [
        "code=503",
        "took_millis=9",
        "kind=system.*&code=5xx",
        "text=NEW%20asset&code=503",
    ] {
        let path = format!("/replays/new?{query}");
        let page = ben.get(&server, &path).await.expect(200).text();
        assert!(page.contains("1 delivery fits"), "{query}: {page}");
    }
}

#[tokio::test]
async fn a_list_can_be_followed_unless_it_has_an_end() {
    let (server, target) = (Server::start_with(quick).await, Target::start().await);
    let (acme, globex) = (
        server.routed("Acme", &target).await,
        server.routed("Globex", &target).await,
    );
    sent(&server, &acme, "10.0.0.1").await;
    let own = Scope::Companies(vec![Server::company_id(&acme.company)]);
    let anna = server.browser("Anna", Role::Viewer, own).await;
    let page = anna.get(&server, "/deliveries?code=5xx").await.text();
    assert!(
        page.contains("data-live=\"/deliveries/live?code=5xx\""),
        "{page}"
    );
    assert!(page.contains("data-scripted hidden"), "{page}");
    let page = anna.get(&server, "/deliveries?live=1").await.text();
    assert!(page.contains("data-tail=\"/deliveries/live\""), "{page}");
    assert!(page.contains("data-standing=\"pending 0\""), "{page}");
    let past = "/deliveries?live=1&until=2030-01-01T00:00:00Z";
    let page = anna.get(&server, past).await.expect(200).text();
    assert!(!page.contains("data-tail") && !page.contains("data-live"));
    anna.get(&server, "/deliveries/live?until=2030-01-01T00:00:00Z")
        .await
        .expect(422);
    anna.get(&server, "/deliveries/live?company=Globex")
        .await
        .expect(422);
    let nobody = crate::browser::Browser::default();
    nobody.get(&server, "/deliveries/live").await.expect(303);

    let live = request(Method::GET, "/deliveries/live").header("cookie", &anna.cookie);
    let live = server.open(live.body(Body::empty()).unwrap()).await;
    assert_eq!(live.status(), 200);
    let mut lines = live.into_body().into_data_stream();
    let begun = told(&mut lines).await;
    assert!(begun.starts_with("id: "), "{begun}");
    sent(&server, &globex, "10.9.9.9").await;
    let made = sent(&server, &acme, "10.0.0.2").await;
    let line = told(&mut lines).await;
    for wanted in [
        &format!("\"path\":\"/deliveries/{made}\""),
        "\"company\":\"Acme\"",
        "\"kind\":\"system.asset_added\"",
        "\"planned\":10",
    ] {
        assert!(line.contains(wanted), "{wanted}: {line}");
    }
    try_it(&server, &acme, &made, 503).await;
    let line = told(&mut lines).await;
    assert!(
        line.contains(&made) && line.contains("\"code\":503"),
        "{line}"
    );
}

/// Looks at once for what has happened.
fn quick(settings: &mut web::Settings) {
    settings.stream_look = Duration::from_millis(5);
}

/// The next line of a stream.
async fn told(lines: &mut axum::body::BodyDataStream) -> String {
    use futures_util::StreamExt as _;
    let line = lines.next().await.unwrap().unwrap();
    String::from_utf8(line.to_vec()).unwrap()
}

/// What an owner writes after an attempt that the target answered with this.
pub async fn try_it(server: &Server, routed: &Routed, delivery: &str, code: u16) {
    let (store, now): (&Store, _) = (server.app.store(), server.clock.now());
    let wanted = [routed.integration.parse().unwrap()];
    let taken = store.take_leases(&wanted, Duration::from_secs(60), now);
    let lease = *taken.await.unwrap().first().unwrap();
    let id: DeliveryId = delivery.parse().unwrap();
    let attempt = Attempt {
        id: server.app.dice().roll(|rng| AttemptId::new(now, rng)),
        delivery: id,
        number: 1,
        started_at: now,
        duration_micros: 9_000,
        outcome: "failed".to_owned(),
        cause: Some("http_5xx".to_owned()),
        detail: Some(format!("the receiver answered {code}")),
        status_code: Some(code),
        address: Some("192.0.2.1:443".to_owned()),
        timings: json!({"dns": 1.0, "connect": 2.0, "first_byte": 3.0, "total": 9.0}),
        request_headers: vec![("X-API-Key".to_owned(), "[hidden]".to_owned())],
        response_headers: vec![("x-error".to_owned(), HOSTILE.to_owned())],
        response_body: HOSTILE.to_owned(),
    };
    let state = delivery::Delivery {
        attempts: 1,
        ..delivery::Delivery::new(now)
    };
    let settlement = Settlement {
        delivery: id,
        state,
        attempt: Some(attempt),
    };
    let settled = store.settle_all(vec![Settling::new(lease, vec![settlement], None)]);
    assert_eq!(settled.await.unwrap(), [true]);
}

#[tokio::test]
async fn a_delivery_is_cancelled_after_it_was_asked() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let delivery = sent(&server, &routed, "10.0.0.1").await;
    let path = format!("/deliveries/{delivery}");
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let page = ben.get(&server, &path).await.expect(200).text();
    let ask = format!("/deliveries/cancel?id={delivery}");
    assert!(page.contains(&format!("href=\"{ask}\"")), "{page}");
    let page = ben.get(&server, &ask).await.expect(200).text();
    assert!(page.contains("Give up 1 delivery to To Acme?"), "{page}");
    assert!(!page.contains("id=\"typed\""), "{page}");
    let chosen = [("id", delivery.as_str()), ("then", "cancel")];
    let done = ben.act(&server, "/deliveries/cancel", &chosen).await;
    let done = done.expect(303).header("location").to_owned();
    assert_eq!(done, format!("{path}?told=cancelled"));
    let page = ben.get(&server, &done).await.expect(200).text();
    for wanted in [
        "A person cancelled it",
        "Try now",
        "</span> cancelled</span>",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(!page.contains("Cancel…"), "{page}");
    let page = ben.get(&server, &ask).await.expect(200).text();
    assert!(page.contains("Nothing that fits waits"), "{page}");
    let viewer = server.browser("Vera", Role::Viewer, Scope::All).await;
    viewer.get(&server, &ask).await.expect(403);
    viewer
        .act(&server, "/deliveries/cancel", &chosen)
        .await
        .expect(403);
    let admin = server.browser("Ada", Role::Admin, Scope::All).await;
    let page = admin.get(&server, &path).await.expect(200).text();
    let audit = format!("/audit?what=delivery&amp;target={delivery}");
    assert!(page.contains(&audit), "{page}");
}

#[tokio::test]
async fn many_are_cancelled_by_name_and_no_company_s_but_one_s_own() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    for number in 0..101 {
        let ip = format!("10.0.0.{number}");
        server.asset_added(&routed.company, &ip).await;
    }
    let other = server.routed("Globex", &target).await;
    let theirs = sent(&server, &other, "10.0.1.1").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let list = format!("/deliveries?integration={}", routed.integration);
    let page = ben.get(&server, &list).await.expect(200).text();
    assert!(page.contains("Cancel all that wait"), "{page}");
    let ask = format!("/deliveries/cancel?integration={}", routed.integration);
    let page = ben.get(&server, &ask).await.expect(200).text();
    assert!(
        page.contains("Give up 101 deliveries to To Acme?"),
        "{page}"
    );
    let cancel = |typed| {
        let meant = ("integration", routed.integration.as_str());
        [meant, ("then", "cancel"), ("typed", typed)]
    };
    let refused = ben
        .act(&server, "/deliveries/cancel", &cancel("Acme"))
        .await
        .expect(422);
    assert!(refused.text().contains("nothing was cancelled"));
    let done = ben
        .act(&server, "/deliveries/cancel", &cancel("To Acme"))
        .await
        .expect(303);
    let page = ben.get(&server, done.header("location")).await.text();
    assert!(page.contains("cancelled</span>"), "{page}");
    let left = server.get("/api/v1/deliveries?status=pending").await.json();
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
    let bad = ben.get(&server, "/deliveries/cancel?status=dead").await;
    assert!(bad.expect(422).text().contains("pending or parked"));
    let acme = Scope::Companies(vec![routed.company.parse().unwrap()]);
    let own = server.browser("Olga", Role::Operator, acme).await;
    let hidden = format!("/deliveries/cancel?id={theirs}");
    let page = own.get(&server, &hidden).await.expect(200).text();
    assert!(page.contains("Nothing that fits waits"), "{page}");
}
