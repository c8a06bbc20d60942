use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;

use crate::browser::Browser;
use crate::support::{Server, id, request};

const WORDINGS: &str = "[[extend]]
code = 'system.asset_added'
aliases = ['Device Found']
variants = ['Found device {ip:ip}']
";

/// A company with a source, and an event of it that nothing understands; both ids.
async fn unread(server: &Server) -> (String, String) {
    let acme = server.company("Acme").await;
    let form =
        json!({"name": "Door", "company": acme, "authentication": {"addresses": ["127.0.0.1"]}});
    let door = format!("/intake/{}", id(&server.source(form).await));
    let alert = json!({"subject": "Device Found", "body": "Found device 10.0.0.1"});
    let request = request(Method::POST, &door).body(Body::from(alert.to_string()));
    let receipt = server.send(request.unwrap()).await.expect(202).json();
    (acme, receipt["events"][0].as_str().unwrap().to_owned())
}

async fn teach(server: &Server) {
    let file = json!({"file": WORDINGS});
    server.post("/api/v1/catalog/kinds", file).await.expect(201);
}

/// Posts a form of theirs.
async fn send(
    server: &Server,
    browser: &Browser,
    path: &str,
    fields: &[(&str, &str)],
) -> crate::support::Answer {
    let token = browser.form_token(server).await;
    let token = [("form_token", token.as_str())];
    browser.post(server, path, &[&token, fields].concat()).await
}

#[tokio::test]
async fn a_re_reading_is_looked_at_before_it_begins() {
    let server = Server::start().await;
    let (_, event) = unread(&server).await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let preview = format!("/rereads/new?id={event}&preview=1");
    let page = ben.get(&server, &preview).await.expect(200).text();
    assert!(page.contains("Nothing would be different"), "{page}");
    assert!(!page.contains("value=\"begin\""), "{page}");
    teach(&server).await;
    let chosen = [("id", event.as_str()), ("then", "preview")];
    for page in [
        ben.get(&server, &preview).await,
        ben.get(&server, "/rereads/new?match=none&days=7&preview=1")
            .await,
        ben.get(&server, "/rereads/new?preview=1").await,
        send(&server, &ben, "/rereads/new", &chosen).await,
    ] {
        let page = page.expect(200).text();
        assert!(page.contains("1 event fits"), "{page}");
        assert!(
            page.contains("newly understood") && page.contains("system.asset_added"),
            "{page}"
        );
        assert!(page.contains("Re-read 1 event</button>"), "{page}");
    }
    let jobs = server.get("/api/v1/rereads").await.expect(200).json();
    assert_eq!(jobs["items"], json!([]));
}

#[tokio::test]
async fn a_re_reading_begins_and_is_steered_and_its_page_survives_a_reload() {
    let server = Server::start().await;
    unread(&server).await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let page = ben.get(&server, "/jobs").await.expect(200).text();
    assert!(
        page.contains("No jobs yet") && !page.contains("data-refresh"),
        "{page}"
    );
    let fields = [
        ("match", "none"),
        ("route", "on"),
        ("rate", "5"),
        ("then", "begin"),
    ];
    let begun = send(&server, &ben, "/rereads/new", &fields)
        .await
        .expect(303);
    let path = begun.header("location").to_owned();
    for path in [path.as_str(), path.as_str()] {
        let page = ben.get(&server, path).await.expect(200).text();
        assert!(
            page.contains("data-refresh") && page.contains("match: none"),
            "{page}"
        );
        assert!(
            page.contains("go where today&#39;s rules send them")
                || page.contains("go where today's rules"),
            "{page}"
        );
        assert!(page.contains("href=\"/events?match=none\""), "{page}");
    }
    let list = ben.get(&server, "/jobs").await.expect(200).text();
    assert!(
        list.contains(&format!("href=\"{path}\"")) && list.contains("data-refresh"),
        "{list}"
    );
    let order = format!("{path}/order");
    for (asked, state) in [("pause", "paused"), ("resume", "running")] {
        send(&server, &ben, &order, &[("order", asked)])
            .await
            .expect(303);
        let page = ben.get(&server, &path).await.expect(200).text();
        assert!(page.contains(&format!("</span> {state}</span>")), "{page}");
    }
    let ask = ben
        .get(&server, &format!("{path}?ask=cancel"))
        .await
        .expect(200)
        .text();
    assert!(
        ask.contains("<dialog class=\"box\" open") && ask.contains("1 of 1 events"),
        "{ask}"
    );
    send(&server, &ben, &order, &[("order", "cancel")])
        .await
        .expect(303);
    send(&server, &ben, &order, &[("order", "pause")])
        .await
        .expect(303);
    send(&server, &ben, &order, &[("order", "dance")])
        .await
        .expect(404);
    let page = ben
        .get(&server, &format!("{path}?ask=cancel"))
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("cancelled") && !page.contains("<dialog class=\"box\" open"),
        "{page}"
    );
    assert!(
        !page.contains("data-refresh") && !page.contains("/order"),
        "{page}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_again_is_said_beside_its_field() {
    let server = Server::start().await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    for (fields, words) in [
        ([("days", "31"), ("then", "preview")], "1 to 30"),
        ([("days", "x"), ("then", "preview")], "invalid type"),
        (
            [("filter", "severty=high"), ("then", "begin")],
            "did you mean",
        ),
        ([("company", "Nobody"), ("then", "begin")], ""),
        (
            [("severity", "loud"), ("then", "preview")],
            "query/severity",
        ),
    ] {
        let page = send(&server, &ben, "/rereads/new", &fields).await;
        let page = page.expect(422).text();
        assert!(page.contains(words), "{fields:?}: {page}");
        let (name, value) = fields[0];
        assert!(
            page.contains(&format!("value=\"{value}\"")),
            "{name} is kept: {page}"
        );
    }
    let nobody = "0190b7a0-0000-7000-8000-000000000000";
    let gone = format!("/rereads/new?id={nobody}&preview=1");
    ben.get(&server, &gone).await.expect(404);
}

#[tokio::test]
async fn a_viewer_sees_jobs_and_begins_none_and_others_see_nothing_of_them() {
    let server = Server::start().await;
    let (acme, event) = unread(&server).await;
    let globex = server.company("Globex").await;
    let only = |company: &str| Scope::Companies(vec![Server::company_id(company)]);
    let ben = server.browser("Ben", Role::Operator, only(&acme)).await;
    let fields = [("days", "7"), ("then", "begin")];
    let begun = send(&server, &ben, "/rereads/new", &fields)
        .await
        .expect(303);
    let path = begun.header("location").to_owned();
    let anna = server.browser("Anna", Role::Viewer, only(&acme)).await;
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(!page.contains("/order"), "{page}");
    assert!(
        anna.get(&server, "/jobs")
            .await
            .expect(200)
            .text()
            .contains(&path)
    );
    anna.get(&server, "/rereads/new").await.expect(403);
    send(&server, &anna, "/rereads/new", &fields)
        .await
        .expect(403);
    let order = format!("{path}/order");
    send(&server, &anna, &order, &[("order", "cancel")])
        .await
        .expect(403);
    ben.post(&server, &order, &[("order", "cancel")])
        .await
        .expect(403);
    let cleo = server.browser("Cleo", Role::Operator, only(&globex)).await;
    cleo.get(&server, &path).await.expect(404);
    assert!(
        !cleo
            .get(&server, "/jobs")
            .await
            .expect(200)
            .text()
            .contains(&path)
    );
    send(&server, &cleo, &order, &[("order", "cancel")])
        .await
        .expect(404);
    let preview = format!("/rereads/new?id={event}&preview=1");
    cleo.get(&server, &preview).await.expect(404);
    let page = cleo
        .get(&server, "/rereads/new?preview=1")
        .await
        .expect(200);
    assert!(page.text().contains("0 events fit"), "{}", page.text());
}
