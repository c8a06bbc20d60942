use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::browser::Browser;
use crate::support::{Server, id, request};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\u{202e}";

/// A source that whoever is on the machine may send to; the path of its intake.
async fn door(server: &Server, company: Option<&str>) -> String {
    let form =
        json!({"name": "Door", "company": company, "authentication": {"addresses": ["127.0.0.1"]}});
    format!("/intake/{}", id(&server.source(form).await))
}

/// Takes a message; gives its receipt.
async fn take(server: &Server, door: &str, body: impl Into<Body>) -> Value {
    let request =
        request(Method::POST, door).header("x-told", HOSTILE.escape_unicode().to_string());
    let receipt = server.send(request.body(body.into()).unwrap()).await;
    receipt.expect(202).json()
}

/// Takes an alert; gives the id of its event.
async fn alert(server: &Server, door: &str, subject: &str, body: &str) -> String {
    let alert = json!({"subject": subject, "body": body}).to_string();
    let receipt = take(server, door, alert).await;
    receipt["events"][0].as_str().unwrap().to_owned()
}

async fn text(server: &Server, browser: &Browser, path: &str) -> String {
    browser.get(server, path).await.expect(200).text()
}

fn rows(page: &str) -> usize {
    page.matches("<a class=\"row\"").count()
}

#[tokio::test]
async fn saved_views_show_what_they_say() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let routed = server.routed("Acme", &target).await;
    let unmapped = server.company("Globex").await;
    let door = door(&server, None).await;
    server.asset_added(&routed.company, "10.0.0.1").await;
    server.asset_added(&unmapped, "10.0.0.2").await;
    alert(&server, &door, "Device Found", "Found device 10.0.0.3").await;
    take(&server, &door, "no JSON at all \u{1}{").await;
    for (path, count, view) in [
        ("/events", 4, "All"),
        ("/events?routing=unassigned_company", 2, "Unassigned"),
        ("/events?routing=unmatched", 1, "Unmatched"),
        ("/events?match=none", 2, "Unrecognised"),
        ("/events?decode=failed", 1, "Quarantine"),
        ("/events?repeated=true", 0, "Duplicates"),
    ] {
        let page = text(&server, &anna, path).await;
        assert_eq!(rows(&page), count, "{path}");
        let here = format!("aria-current=\"page\">{view}</a>");
        assert!(page.contains(&here), "{path}: {page}");
    }
    let page = text(&server, &anna, "/events").await;
    assert!(page.contains(">…</span> pending</a>"), "{page}");
    assert!(page.contains("no mapping"), "{page}");
    let repeated = server.get("/api/v1/events?repeated=x").await;
    repeated.field("?repeated", "");
}

#[tokio::test]
async fn filters_are_chips_that_can_be_taken_off() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let page = text(
        &server,
        &anna,
        "/events?severity=high&filter=field.ip%3D10.0.0.1",
    )
    .await;
    assert!(
        page.contains("Severity at least: <strong>high</strong>"),
        "{page}"
    );
    assert!(page.contains("href=\"/events?severity=high\""), "{page}");
    assert!(page.contains("<details class=\"more\" open>"), "{page}");
    let page = text(&server, &anna, "/events").await;
    assert!(!page.contains("class=\"chip\"") && !page.contains("class=\"more\" open"));
    anna.get(&server, "/events?nonsense=1").await.expect(422);
}

#[tokio::test]
async fn only_who_may_operate_can_tick_rows() {
    let server = Server::start().await;
    server.company("Acme").await;
    server.asset_added("Acme", "10.0.0.1").await;
    let viewer = server.browser("Viewer", Role::Viewer, Scope::All).await;
    let page = text(&server, &viewer, "/events").await;
    assert!(
        !page.contains("name=\"id\"") && !page.contains("/rereads/new"),
        "{page}"
    );
    let operator = server.browser("Operator", Role::Operator, Scope::All).await;
    let page = text(&server, &operator, "/events?severity=info").await;
    assert!(page.contains("type=\"checkbox\" name=\"id\""), "{page}");
    let all = "href=\"/rereads/new?severity=info&#38;preview=1\"";
    assert!(page.contains(all), "{page}");
}

#[tokio::test]
async fn a_list_is_exported_as_it_is_shown() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    server.asset_added(&acme, "10.0.0.1").await;
    server.asset_added(&globex, "10.0.0.2").await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let page = text(&server, &anna, "/events?company=Acme&severity=info").await;
    for (format, media_type) in [
        ("csv", "text/csv"),
        ("jsonl", "application/x-ndjson"),
        ("ecs", "application/x-ndjson"),
        ("ocsf", "application/x-ndjson"),
        ("cef", "text/plain"),
        ("leef", "text/plain"),
    ] {
        let path = format!("/events/export/{format}?severity=info&company=Acme");
        assert!(page.contains(&path.replace('&', "&#38;")), "{page}");
        let file = anna.get(&server, &path).await.expect(200);
        assert!(file.header("content-type").starts_with(media_type));
        assert!(file.header("content-disposition").starts_with("attachment"));
        assert!(file.text().contains("10.0.0.1") && !file.text().contains("10.0.0.2"));
    }
    anna.get(&server, "/events/export/pdf").await.expect(404);
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    let ben = server.browser("Ben", Role::Viewer, own).await;
    let file = ben.get(&server, "/events/export/csv").await.expect(200);
    assert!(!file.text().contains("10.0.0.2"));
    let foreign = "/events/export/csv?company=Globex";
    ben.get(&server, foreign).await.expect(422);
}

#[tokio::test]
async fn a_live_list_is_told_of_rows_and_of_nothing_else() {
    use futures_util::StreamExt as _;
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    let anna = server.browser("Anna", Role::Viewer, own).await;
    let page = text(&server, &anna, "/events?severity=info&live=1").await;
    assert!(
        page.contains("data-tail=\"/events/live?severity=info\""),
        "{page}"
    );
    let live = request(Method::GET, "/events/live?severity=info").header("cookie", &anna.cookie);
    let live = server.open(live.body(Body::empty()).unwrap()).await;
    assert_eq!(live.status(), 200);
    let mut lines = live.into_body().into_data_stream();
    server.asset_added(&globex, "10.0.0.2").await;
    let event = server.asset_added(&acme, "10.0.0.1").await;
    let line = lines.next().await.unwrap().unwrap();
    let line = String::from_utf8(line.to_vec()).unwrap();
    assert!(
        line.contains(&format!("\"path\":\"/events/{event}\"")),
        "{line}"
    );
    assert!(
        line.contains("\"company\":\"Acme\"") && !line.contains("10.0.0.2"),
        "{line}"
    );
    // Whoever opens a stream anew is told of what came meanwhile.
    let later = server.asset_added(&acme, "10.0.0.3").await;
    let again = format!("/events/live?last={event}");
    let again = request(Method::GET, &again).header("cookie", &anna.cookie);
    let again = server.open(again.body(Body::empty()).unwrap()).await;
    let line = again.into_body().into_data_stream().next().await;
    let line = String::from_utf8(line.unwrap().unwrap().to_vec()).unwrap();
    assert!(line.contains(&later), "{line}");
    anna.get(&server, "/events/live?company=Globex")
        .await
        .expect(422);
    anna.get(&server, "/events/live?repeated=true")
        .await
        .expect(422);
    let page = text(&server, &anna, "/events?repeated=true&live=1").await;
    assert!(
        !page.contains("data-tail") && !page.contains("Follow live"),
        "{page}"
    );
    Browser::default()
        .get(&server, "/events/live")
        .await
        .expect(303);
}

#[tokio::test]
async fn an_event_shows_its_message_byte_for_byte() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let door = door(&server, None).await;
    let receipt = take(&server, &door, b"\x00<script>\xff".to_vec()).await;
    let path = format!("/events/{}", receipt["events"][0].as_str().unwrap());
    let page = text(&server, &anna, &path).await;
    assert!(page.contains(">U+0000</span>&#60;script&#62;"), "{page}");
    assert!(page.contains("not all of them are UTF-8"), "{page}");
    let page = text(&server, &anna, &format!("{path}?raw=hex")).await;
    assert!(page.contains("00 3c 73 63 72 69 70 74 3e ff"), "{page}");
    assert!(
        page.contains("x-told") && page.contains("quarantined"),
        "{page}"
    );
    assert!(!page.contains("<script>"), "{page}");
}

#[tokio::test]
async fn an_event_shows_the_template_that_read_it_and_what_others_read() {
    let server = Server::start().await;
    let admin = server.browser("Admin", Role::Admin, Scope::All).await;
    let door = door(&server, None).await;
    let body = "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com";
    let event = alert(&server, &door, "Asset Ports", body).await;
    let path = format!("/events/{event}");
    let page = text(&server, &admin, &path).await;
    assert!(page.contains("<mark title=\"port\">443</mark>"), "{page}");
    assert!(page.contains("Read by the template"), "{page}");
    assert!(
        page.contains("&#34;subject&#34;: &#34;Asset Ports&#34;"),
        "{page}"
    );
    for (word, part) in [
        ("ecs", "&#34;@timestamp&#34;"),
        ("ocsf", "&#34;class_uid&#34;"),
        ("cef", "CEF:"),
        ("leef", "LEEF:"),
        ("nonsense", "&#34;subject&#34;"),
    ] {
        let page = text(&server, &admin, &format!("{path}?as={word}")).await;
        assert!(page.contains(part), "{word}: {page}");
    }
    for act in [
        format!("/rereads/new?id={event}&#38;preview=1"),
        format!("/catalogue/learn?event={event}"),
        "/silences/new?filter=event%3D".to_owned(),
        "/replays/new?unrouted=1".to_owned(),
    ] {
        assert!(page.contains(&act), "{act}: {page}");
    }
    let viewer = server.browser("Viewer", Role::Viewer, Scope::All).await;
    let page = text(&server, &viewer, &path).await;
    for act in [
        "/rereads/new",
        "/catalogue/learn",
        "/silences/new",
        "/replays/new",
    ] {
        assert!(!page.contains(act), "{act}: {page}");
    }
}

#[tokio::test]
async fn a_message_of_several_companies_is_not_shown_to_one_of_them() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    let events = json!([
        {"event": "system.asset_added", "company": acme, "fields": {"ip": "10.0.0.1"}},
        {"event": "system.asset_added", "company": globex, "fields": {"ip": "10.9.9.9"}},
    ]);
    let made = server
        .post("/api/v1/events", events)
        .await
        .expect(202)
        .json();
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    let anna = server.browser("Anna", Role::Operator, own).await;
    let path = format!("/events/{}", id(&made["items"][0]));
    for path in [
        path.clone(),
        format!("{path}?raw=hex"),
        format!("{path}?as=ecs"),
    ] {
        let page = text(&server, &anna, &path).await;
        assert!(page.contains("companies that you do not see"), "{page}");
        assert!(
            !page.contains("10.9.9.9") && !page.contains("31 30 2e 39"),
            "{page}"
        );
    }
    let foreign = format!("/events/{}", id(&made["items"][1]));
    anna.get(&server, &foreign).await.expect(404);
}
