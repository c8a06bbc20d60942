use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;
use testkit::Target;

use crate::support::{Server, id};

/// Everything of one company, each with a name that nothing else has.
struct Tenant {
    key: String,
    mark: &'static str,
    paths: Vec<String>,
}

async fn tenant(server: &Server, target: &Target, mark: &'static str, ip: &str) -> Tenant {
    let company = server.company(mark).await;
    let credentials = json!({"webhook_url": target.url(&format!("/{mark}"))});
    let form = json!({"connector": "webhook", "name": format!("Hook {mark}"), "credentials": credentials, "companies": [company]});
    let integration = server.made("/api/v1/integrations", form).await;
    let set = server.event_set(&format!("Set {mark}")).await;
    let rules = format!("/api/v1/integrations/{integration}/rules");
    let rule = server
        .made(
            &rules,
            json!({"name": format!("Rule {mark}"), "event_set_id": set}),
        )
        .await;
    let mappings = format!("/api/v1/integrations/{integration}/mappings");
    server
        .put(
            &format!("{mappings}/{company}"),
            json!({"rules": [rule], "create_webhook_alert": true}),
        )
        .await
        .expect(200);
    let authentication = json!({"header": {"key": "X-Key", "value": "sesame"}});
    let source = server.source(json!({"name": format!("Door {mark}"), "companies": [company], "authentication": authentication})).await;
    let form = json!({"name": format!("Silence {mark}"), "filter": "severity>=critical", "companies": [company],
        "until": server.clock.now().after(std::time::Duration::from_secs(3_600)), "reason": format!("For {mark}")});
    let silence = server.made("/api/v1/silences", form).await;
    let event = server.asset_added(&company, ip).await;
    let view = server.get(&format!("/api/v1/events/{event}")).await.json();
    let journal = view["journal_id"].as_str().unwrap();
    let list = server
        .get(&format!("/api/v1/deliveries?event={event}"))
        .await
        .json();
    let delivery = id(&list["items"][0]);
    Tenant {
        key: server
            .key(
                Role::Operator,
                Scope::Companies(vec![Server::company_id(&company)]),
            )
            .await,
        mark,
        paths: vec![
            format!("/api/v1/companies/{company}"),
            format!("/api/v1/integrations/{integration}"),
            format!("{rules}/{rule}"),
            rules,
            format!("{mappings}/{company}"),
            mappings,
            format!("/api/v1/sources/{}", id(&source)),
            format!("/api/v1/sources/{}/sender-settings", id(&source)),
            format!("/api/v1/silences/{silence}"),
            format!("/api/v1/events/{event}"),
            format!("/api/v1/events/{event}/trace"),
            format!("/api/v1/journal/{journal}"),
            format!("/api/v1/journal/{journal}/raw"),
            format!("/api/v1/deliveries/{delivery}"),
        ],
    }
}

const LISTS: [&str; 6] = [
    "/api/v1/companies",
    "/api/v1/integrations",
    "/api/v1/sources",
    "/api/v1/silences",
    "/api/v1/events",
    "/api/v1/deliveries",
];

#[tokio::test]
async fn another_company_s_things_are_not_there() {
    let (server, target) = (Server::start().await, Target::start().await);
    let tenants = [
        tenant(&server, &target, "Acme", "10.1.1.1").await,
        tenant(&server, &target, "Globex", "10.2.2.2").await,
    ];
    for (own, other) in [(&tenants[0], &tenants[1]), (&tenants[1], &tenants[0])] {
        for path in &own.paths {
            server
                .call_as(&own.key, Method::GET, path, None)
                .await
                .expect(200);
        }
        for path in &other.paths {
            server
                .call_as(&own.key, Method::GET, path, None)
                .await
                .problem(404);
        }
        for path in LISTS {
            let list = server
                .call_as(&own.key, Method::GET, path, None)
                .await
                .expect(200);
            assert_eq!(list.json()["items"].as_array().unwrap().len(), 1, "{path}");
            assert!(!list.text().contains(other.mark), "{path}: {}", list.text());
        }
        let retry = format!("{}/retry", other.paths.last().unwrap());
        server
            .call_as(&own.key, Method::POST, &retry, None)
            .await
            .problem(404);
        let event = json!({"event": "system.asset_added", "company": other.mark, "fields": {"ip": "10.0.0.1"}});
        let refused = server
            .call_as(&own.key, Method::POST, "/api/v1/events", Some(&event))
            .await;
        refused.field("/company", "no company");
        server
            .call_as(&own.key, Method::GET, "/api/v1/audit", None)
            .await
            .problem(403);
        for (method, path) in [
            (Method::PATCH, &own.paths[0]),
            (Method::DELETE, &own.paths[0]),
            (Method::DELETE, &other.paths[1]),
        ] {
            let refused = server
                .call_as(&own.key, method, path, Some(&json!({})))
                .await;
            refused.problem(403);
        }
        server
            .call_as(&own.key, Method::GET, "/api/v1/configuration", None)
            .await
            .problem(403);
        server
            .call_as(&own.key, Method::GET, "/metrics", None)
            .await
            .problem(403);
        let query = format!("/api/v1/events?company={}", other.mark);
        server
            .call_as(&own.key, Method::GET, &query, None)
            .await
            .field("?company", "no company");
    }
}

#[tokio::test]
async fn unassigned_things_belong_to_nobody_in_particular() {
    let (server, target) = (Server::start().await, Target::start().await);
    let own = tenant(&server, &target, "Acme", "10.1.1.1").await;
    let source = server
        .source(json!({"name": "Open door", "authentication": {"addresses": ["127.0.0.1"]}}))
        .await;
    let body =
        r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100"}"#;
    let request = crate::support::request(Method::POST, &format!("/intake/{}", id(&source)));
    let receipt = server
        .send(request.body(axum::body::Body::from(body)).unwrap())
        .await
        .expect(202)
        .json();
    let event = receipt["events"][0].as_str().unwrap();
    for path in [
        format!("/api/v1/events/{event}"),
        format!("/api/v1/journal/{}", id(&receipt)),
        format!("/api/v1/sources/{}", id(&source)),
    ] {
        server.get(&path).await.expect(200);
        server
            .call_as(&own.key, Method::GET, &path, None)
            .await
            .problem(404);
    }
}

/// Every way to look at events, with a filter in the place of `FILTER`.
const VIEWS: [&str; 6] = [
    "/api/v1/events?filter=FILTER",
    "/api/v1/events/export?filter=FILTER",
    "/api/v1/events/export?filter=FILTER&order=oldest",
    "/api/v1/events/export?filter=FILTER&format=csv",
    "/api/v1/events/export?filter=FILTER&format=csv&fields=ip&raw=true",
    "/api/v1/events/stream?filter=FILTER",
];

#[tokio::test]
async fn no_search_export_or_stream_shows_another_company_s_events() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    let (server, target) = (Server::start().await, Target::start().await);
    let tenants = [
        tenant(&server, &target, "Acme", "10.1.1.1").await,
        tenant(&server, &target, "Globex", "10.2.2.2").await,
    ];
    for indexed in [false, true] {
        for (own, other) in [(&tenants[0], &tenants[1]), (&tenants[1], &tenants[0])] {
            let event = |tenant: &Tenant| {
                let path = tenant.paths.iter().find(|path| path.contains("/events/"));
                path.unwrap().rsplit('/').next().unwrap().to_owned()
            };
            let company = other.paths[0].rsplit('/').next().unwrap();
            let words = ["10.1.1.1", "10.2.2.2"];
            let theirs = words[usize::from(other.mark == "Globex")];
            let (own_id, other_id) = (event(own), event(other));
            let nobody = "company=nobody".to_owned();
            let blind = [
                format!("company={}", other.mark),
                format!("company={company}"),
                format!("company={}*", &other.mark[..3]),
                format!("source=\"Door {}\" company!={}", other.mark, own.mark),
                format!("text={theirs}"),
                format!("field.ip={theirs}"),
                format!("company!={}", own.mark),
                nobody.clone(),
            ];
            let open = [
                format!("company!={}", other.mark),
                format!("text!={theirs}"),
                "severity>=info".to_owned(),
            ];
            for (filter, is_shown) in blind
                .iter()
                .map(|one| (one, false))
                .chain(open.iter().map(|one| (one, true)))
            {
                let filter: String =
                    url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
                for view in VIEWS {
                    let path = view.replace("FILTER", &filter);
                    let mut request = crate::support::request(Method::GET, &path)
                        .header("authorization", format!("Bearer {}", own.key));
                    if view.contains("stream") {
                        // From the beginning of time.
                        request =
                            request.header("last-event-id", "00000000-0000-7000-8000-000000000000");
                    }
                    let request = request.body(axum::body::Body::empty()).unwrap();
                    let answer = web::router(server.app.clone())
                        .oneshot(request)
                        .await
                        .unwrap();
                    assert_eq!(answer.status(), 200, "{path}");
                    let mut body = answer.into_body().into_data_stream();
                    let mut text = String::new();
                    while let Some(part) = body.next().await {
                        text.push_str(&String::from_utf8_lossy(&part.unwrap()));
                        if view.contains("stream") {
                            break; // It goes on for ever; there is one event to tell of, or to pass over.
                        }
                    }
                    let shown = match view.contains("stream") {
                        true => text.contains("data:"),
                        false => text.contains(&own_id),
                    };
                    assert_eq!(shown, is_shown, "{path} {indexed}: {text}");
                    for secret in [&other_id[..], other.mark, theirs] {
                        assert!(!text.contains(secret), "{path}: {text}");
                    }
                }
            }
            // Another company's name is as good as one that nobody has.
            let by = |filter: &str| format!("/api/v1/events?filter={filter}");
            let ask = async |path: String| {
                server
                    .call_as(&own.key, Method::GET, &path, None)
                    .await
                    .text()
            };
            assert_eq!(
                ask(by(&format!("company%3D{}", other.mark))).await,
                ask(by("company%3Dnobody")).await
            );
        }
        server.app.store().index_search(100).await.unwrap();
    }
}
