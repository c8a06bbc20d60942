//! The lists of what is set up as files.

use std::time::Duration;

use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::Target;

use crate::support::{Server, id};

/// Every list of the kind, and whether it is for admins alone.
const FILES: [(&str, bool); 14] = [
    ("companies", false),
    ("sources", false),
    ("integrations", false),
    ("integrations/{id}/mappings", false),
    ("rules", false),
    ("event-sets", false),
    ("silences", false),
    ("catalog", false),
    ("catalog/kinds", false),
    ("catalog/unknown", false),
    ("catalog/drift", false),
    ("users", true),
    ("keys", true),
    ("audit", true),
];

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_file_has_what_its_list_has_and_goes_on_by_its_cursor() {
    let server = Server::start().await;
    for name in ["=cmd|Acme", "Globex", "Initech"] {
        server.company(name).await;
    }
    let file = server.get("/api/v1/companies/export").await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert_eq!(file.header("alertwire-export-limit"), "1000000");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"companies.jsonl\""
    );
    let all = lines(&file.text());
    let list = server.get("/api/v1/companies").await.json();
    assert_eq!(json!(all[..3]), list["items"]);
    let end = json!({"end": {"companies": 3, "complete": true, "next": null}});
    assert_eq!(all[3], end);
    let part = lines(&server.get("/api/v1/companies/export?limit=2").await.text());
    assert_eq!(part[2]["end"]["complete"], false);
    let next = part[2]["end"]["next"].as_str().unwrap();
    let path = format!("/api/v1/companies/export?cursor={next}");
    assert_eq!(lines(&server.get(&path).await.text())[0], all[2]);
    let found = server.get("/api/v1/companies/export?text=GLO").await;
    assert_eq!(lines(&found.text()).len(), 2);
    let path = "/api/v1/companies/export?format=csv&limit=2";
    let sheet = server.get(path).await.expect(200).text();
    assert!(sheet.starts_with("\"id\",\"name\","), "{sheet}");
    assert!(sheet.contains("\"more: this file ends after 2 companies; cursor="));
    let sheet = server
        .get("/api/v1/companies/export?format=csv")
        .await
        .text();
    assert!(
        sheet.contains("\"'=cmd|Acme\"") && !sheet.contains("more: "),
        "{sheet}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_question_is_a_problem_and_not_half_a_file() {
    let server = Server::start().await;
    for (query, place) in [
        ("format=pdf", "?format"),
        ("limit=0", "?limit"),
        ("mapped=x", "?mapped"),
        ("cursor=x", "?cursor"),
        ("colour=red", "?colour"),
    ] {
        let path = format!("/api/v1/companies/export?{query}");
        server.get(&path).await.field(place, "");
    }
    let path = "/api/v1/catalog/drift/export?cursor=x";
    server.get(path).await.field("?cursor", "no pages");
}

#[tokio::test]
async fn a_file_says_things_by_their_names_and_never_a_secret() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let form = json!({"name": "Tickets", "companies": [routed.company], "connector": "webhook",
        "credentials": {"webhook_url": target.url("/hook"), "header_key": "X-API-Key", "header_value": "canary-1234"}});
    server.made("/api/v1/integrations", form).await;
    server
        .made("/api/v1/keys", json!({"name": "CI", "role": "viewer"}))
        .await;
    let sheet = async |path: &str| {
        let path = format!("/api/v1/{path}/export?format=csv");
        server.get(&path).await.expect(200).text()
    };
    let integrations = sheet("integrations").await;
    assert!(
        integrations.contains("\"Tickets\",\"webhook\",\"authenticated\",\"\",\"true\",\"Acme\""),
        "{integrations}"
    );
    assert!(integrations.contains("\"true\",\"all\""), "{integrations}");
    let rules = sheet("rules").await;
    assert!(
        rules.contains("\"Rule of Acme\",\"To Acme\",\"Set of Acme\",\"\",\"Acme\""),
        "{rules}"
    );
    let mappings = sheet(&format!("integrations/{}/mappings", routed.integration)).await;
    assert!(
        mappings.contains("\"To Acme\",\"Acme\",\"Rule of Acme\",\"true\""),
        "{mappings}"
    );
    for (path, _) in FILES {
        for format in ["csv", "jsonl"] {
            let path = path.replace("{id}", &routed.integration);
            let path = format!("/api/v1/{path}/export?format={format}");
            let file = server.get(&path).await.expect(200).text();
            assert!(
                !file.contains("canary") && !file.contains("digest"),
                "{path}: {file}"
            );
        }
    }
}

#[tokio::test]
async fn whoever_sees_some_companies_gets_files_of_these() {
    let (server, target) = (Server::start().await, Target::start().await);
    let acme = server.routed("Acme", &target).await;
    let globex = server.routed("Globex", &target).await;
    let until = server.clock.now().after(Duration::from_secs(3_600));
    for company in [&acme.company, &globex.company] {
        let form = json!({"name": format!("Door {company}"), "companies": [company], "authentication": {"addresses": ["127.0.0.1"]}});
        server.source(form).await;
        let form = json!({"name": "Work", "filter": "severity>=info", "companies": [company], "until": until, "reason": "r"});
        server.made("/api/v1/silences", form).await;
    }
    let own = Scope::Companies(vec![Server::company_id(&acme.company)]);
    let vera = server.key(Role::Viewer, own).await;
    for (path, is_for_admins) in FILES {
        let path = path.replace("{id}", &globex.integration);
        let path = format!("/api/v1/{path}/export");
        let file = server.call_as(&vera, Method::GET, &path, None).await;
        if is_for_admins {
            file.problem(403);
            continue;
        }
        let text = file.expect(200).text();
        assert!(!text.contains(&globex.company), "{path}: {text}");
    }
    let other = "/api/v1/rules/export?company=Globex";
    let answer = server.call_as(&vera, Method::GET, other, None).await;
    answer.field("?company", "");
    let jobs = "/api/v1/jobs/export";
    let all = json!({"days": 7});
    server.post("/api/v1/rereads", all).await.expect(202);
    let file = server
        .call_as(&vera, Method::GET, jobs, None)
        .await
        .expect(200);
    assert_eq!(lines(&file.text())[0]["end"]["jobs"], 0);
}

#[tokio::test]
async fn jobs_of_every_kind_are_one_file() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.asset_added(&routed.company, "10.0.0.1").await;
    let reread = json!({"query": {"match": "full"}});
    let reread = id(&server
        .post("/api/v1/rereads", reread)
        .await
        .expect(202)
        .json());
    let file = server.get("/api/v1/jobs/export").await.expect(200).text();
    let all = lines(&file);
    assert_eq!(
        (&all[0]["id"], &all[0]["kind"]),
        (&json!(reread), &json!("reread"))
    );
    assert_eq!(all[0]["asked"]["match"], "full");
    let log = server.get("/api/v1/audit?what=reread").await.json();
    assert_eq!(log["items"][0]["name"], "match=full");
    let log = server.get("/api/v1/audit?what=mapping").await.json();
    assert_eq!(log["items"][0]["name"], "Acme → To Acme");
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna.get(&server, "/audit").await.expect(200).text();
    assert!(page.contains("Acme → To Acme"), "{page}");
    let rule = format!("Rule of Acme ({})", routed.rule);
    assert!(page.contains(&rule), "{page}");
    assert!(
        page.contains(&format!("href=\"/rereads/{reread}\"")),
        "{page}"
    );
}
