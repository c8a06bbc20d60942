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
