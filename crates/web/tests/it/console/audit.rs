use domain::access::{Role, Scope};

use crate::support::Server;

#[tokio::test]
async fn the_log_says_who_changed_what_and_is_exported() {
    let server = Server::start().await;
    let company = server.company("=Acme").await;
    let patch = serde_json::json!({"name": "=Globex"});
    server
        .patch(&format!("/api/v1/companies/{company}"), patch)
        .await
        .expect(200);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna
        .get(&server, "/audit?what=company&actor=")
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("<del><span class=\"off\">was </span>=Acme</del>"),
        "{page}"
    );
    assert!(
        page.contains("<ins><span class=\"off\">is </span>=Globex</ins>"),
        "{page}"
    );
    assert!(page.contains(&format!("/companies/{company}")), "{page}");
    let none = anna
        .get(&server, "/audit?what=replay")
        .await
        .expect(200)
        .text();
    assert!(none.contains("No line fits"), "{none}");
    anna.get(&server, "/audit?since=x").await.expect(422);
    let csv = anna
        .get(&server, "/api/v1/audit/export?what=company&format=csv")
        .await
        .expect(200);
    assert!(
        csv.header("content-disposition")
            .contains("audit-lines.csv")
    );
    assert_eq!(csv.text().lines().count(), 3, "{}", csv.text());
    let jsonl = anna
        .get(&server, "/api/v1/audit/export?what=company&format=jsonl")
        .await
        .expect(200)
        .text();
    let lines: Vec<serde_json::Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["detail"]["changes"]["/name"]["new"], "=Globex");
    assert_eq!(lines[2]["end"]["complete"], true);
    anna.get(&server, "/api/v1/audit/export?format=pdf")
        .await
        .expect(422);
}

#[tokio::test]
async fn going_back_shows_the_difference_first() {
    let server = Server::start().await;
    server.company("Acme").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let page = anna
        .get(&server, "/audit?what=company")
        .await
        .expect(200)
        .text();
    let path = page.split("/audit/rollback?epoch=").nth(1).unwrap();
    let epoch = path.split('"').next().unwrap().to_owned();
    let path = format!("/audit/rollback?epoch={epoch}");
    let page = anna.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("1 thing would change") && page.contains("removed"),
        "{page}"
    );
    let present = page.split("name=\"present\" value=\"").nth(1).unwrap();
    let present = present.split('"').next().unwrap().to_owned();
    let token = anna.form_token(&server).await;
    let fields = [
        ("form_token", token.as_str()),
        ("epoch", &epoch),
        ("present", &present),
    ];
    let globex = server.company("Globex").await;
    anna.post(&server, "/audit/rollback", &fields)
        .await
        .expect(409);
    server
        .get(&format!("/api/v1/companies/{globex}"))
        .await
        .expect(200);
    let page = anna.get(&server, &path).await.expect(200).text();
    let present = page.split("name=\"present\" value=\"").nth(1).unwrap();
    let present = present.split('"').next().unwrap().to_owned();
    let fields = [
        ("form_token", token.as_str()),
        ("epoch", &epoch),
        ("present", &present),
    ];
    anna.post(&server, "/audit/rollback", &fields)
        .await
        .expect(303);
    assert_eq!(
        server.get("/api/v1/companies").await.json()["items"],
        serde_json::json!([])
    );
    anna.get(&server, "/audit/rollback?epoch=x")
        .await
        .expect(422);
    anna.get(&server, "/audit/rollback?epoch=999999")
        .await
        .expect(422);
}

#[tokio::test]
async fn the_log_is_for_admins_of_all_companies() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let own = Scope::Companies(vec![Server::company_id(&acme)]);
    for (name, role, scope) in [
        ("V", Role::Viewer, Scope::All),
        ("O", Role::Operator, Scope::All),
        ("A", Role::Admin, own),
    ] {
        let ben = server.browser(name, role, scope).await;
        for path in [
            "/audit",
            "/api/v1/audit/export?format=csv",
            "/audit/rollback?epoch=1",
        ] {
            ben.get(&server, path).await.expect(403);
        }
        let token = ben.form_token(&server).await;
        let fields = [
            ("form_token", token.as_str()),
            ("epoch", "1"),
            ("present", "1"),
        ];
        ben.post(&server, "/audit/rollback", &fields)
            .await
            .expect(403);
    }
}
