use std::time::Duration;

use serde_json::{Value, json};

use super::search::by;
use crate::support::{Answer, Server, id};

async fn export(server: &Server, filter: &str, rest: &str) -> Answer {
    let path = by(filter).replace("/events?", "/events/export?");
    server.get(&format!("{path}&{rest}")).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    let lines = answer.text();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Events of one company, oldest first.
async fn events(server: &Server, count: usize) -> Vec<String> {
    server.company("=cmd|'/c calc'!A1").await;
    let mut ids = Vec::new();
    for number in 1..=count {
        // Ids of one millisecond have no order.
        server.clock.advance(Duration::from_millis(1));
        ids.push(
            server
                .asset_added("=cmd|'/c calc'!A1", &format!("10.0.0.{number}"))
                .await,
        );
    }
    ids
}

#[tokio::test]
async fn an_export_in_json_ends_with_a_line_that_says_so() {
    let server = Server::start().await;
    let ids = events(&server, 3).await;
    let answer = export(&server, "event=system.*", "order=oldest")
        .await
        .expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"events.jsonl\""
    );
    assert_eq!(answer.header("alertwire-export-limit"), "1000000");
    let all = lines(&answer);
    assert_eq!(all[..3].iter().map(id).collect::<Vec<_>>(), ids);
    assert_eq!(
        all[0],
        server.get("/api/v1/events").await.json()["items"][2]
    );
    assert_eq!(
        all[3],
        json!({"end": {"events": 3, "complete": true, "next": null}})
    );
    let nothing = lines(&export(&server, "event=nothing", "").await);
    assert_eq!(
        nothing,
        [json!({"end": {"events": 0, "complete": true, "next": null}})]
    );
}

#[tokio::test]
async fn an_export_that_reached_its_limit_goes_on_by_its_cursor() {
    let server = Server::start().await;
    let ids = events(&server, 3).await;
    let first = lines(&export(&server, "severity>=info", "limit=2").await);
    assert_eq!(
        (id(&first[0]), id(&first[1])),
        (ids[2].clone(), ids[1].clone())
    );
    assert_eq!(first[2]["end"]["complete"], false);
    let cursor = first[2]["end"]["next"].as_str().unwrap();
    let second = lines(
        &export(
            &server,
            "severity>=info",
            &format!("limit=2&cursor={cursor}"),
        )
        .await,
    );
    assert_eq!(
        (id(&second[0]), &second[1]["end"]["complete"]),
        (ids[0].clone(), &json!(true))
    );
    let csv = export(&server, "severity>=info", "format=csv&limit=1")
        .await
        .text();
    let last = csv.lines().last().unwrap();
    assert!(
        last.starts_with("\"more: this file ends after 1 events; cursor="),
        "{csv}"
    );
}

#[tokio::test]
async fn an_export_longer_than_a_page_is_whole() {
    let server = Server::start().await;
    let ids = events(&server, 205).await;
    let all = lines(&export(&server, "text=asset", "order=oldest").await);
    assert_eq!(all[..205].iter().map(id).collect::<Vec<_>>(), ids);
    assert_eq!(all.len(), 206);
}

#[tokio::test]
async fn a_table_has_a_row_for_each_record_and_no_formula() {
    let server = Server::start().await;
    server.company("=cmd|'/c calc'!A1").await;
    let event = json!({"event": "system.asset_added", "company": "=cmd|'/c calc'!A1",
        "records": [{"ip": "10.0.0.1", "hostname": "web-1"}, {"ip": "10.0.0.2"}]});
    server.post("/api/v1/events", event).await.expect(202);
    let answer = export(&server, "severity>=info", "format=csv&fields=ip,hostname")
        .await
        .expect(200);
    assert_eq!(
        answer.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    let text = answer.text();
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert!(
        rows[0].ends_with(",\"record\",\"field.ip\",\"field.hostname\""),
        "{text}"
    );
    assert!(rows[1].ends_with(",\"1\",\"10.0.0.1\",\"web-1\""), "{text}");
    assert!(rows[2].ends_with(",\"2\",\"10.0.0.2\",\"\""), "{text}");
    assert_eq!((rows.len(), rows[3]), (4, ""));
    assert!(text.contains(",\"'=cmd|'/c calc'!A1\","), "{text}");
    let raw = export(&server, "severity>=info", "format=csv&raw=true")
        .await
        .text();
    assert!(raw.contains(",\"=cmd|'/c calc'!A1\","), "{raw}");
    assert!(
        raw.contains(",\"{\"\"hostname\"\":\"\"web-1\"\",\"\"ip\"\":\"\"10.0.0.1\"\"}\"\r\n")
            || raw
                .contains(",\"{\"\"ip\"\":\"\"10.0.0.1\"\",\"\"hostname\"\":\"\"web-1\"\"}\"\r\n"),
        "{raw}"
    );
}

#[tokio::test]
async fn an_export_that_cannot_be_read_says_what_to_do() {
    let server = Server::start().await;
    for (rest, field, says) in [
        ("format=xls", "?format", "one of jsonl"),
        ("order=best", "?order", "`newest` or `oldest`"),
        ("limit=1000001", "?limit", "1 to 1000000"),
        ("limit=0", "?limit", "1 to 1000000"),
        ("fields=ip", "?fields", "format=csv"),
        ("raw=true", "?raw", "format=csv"),
        ("format=csv&raw=yes", "?raw", "`true` or `false`"),
        ("format=csv&fields=,", "?fields", "at least one"),
    ] {
        export(&server, "severity>=info", rest)
            .await
            .field(field, says);
    }
    let many = format!("format=csv&fields={}", "a,".repeat(51));
    export(&server, "severity>=info", &many)
        .await
        .field("?fields", "at most 50");
    export(&server, "severty>=info", "")
        .await
        .field("?filter", "did you mean");
    export(&server, "severity>=info", "cursor=nonsense")
        .await
        .problem(422);
}

#[tokio::test]
async fn as_many_exports_as_may_be_are_under_way() {
    let server = Server::start_with(|settings| settings.exports = 0).await;
    let refused = export(&server, "severity>=info", "").await;
    assert_eq!(refused.header("retry-after"), "5");
    refused.problem(429);
}

#[tokio::test]
async fn an_export_for_a_siem_is_a_line_for_each_record_and_nothing_else() {
    let server = Server::start().await;
    server.company("Acme").await;
    for ip in ["10.0.0.1", "10.0.0.2"] {
        server.asset_added("Acme", ip).await;
    }
    let cef = export(&server, "company=Acme", "order=oldest&format=cef").await;
    assert!(cef.header("content-disposition").contains("events.log"));
    let text = cef.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("CEF:0|") && lines[0].contains("dst=10.0.0.1"),
        "{text}"
    );
    assert!(lines[1].contains("dst=10.0.0.2"), "{text}");
    let ecs = export(&server, "company=Acme", "order=oldest&format=ecs")
        .await
        .text();
    let first: serde_json::Value = serde_json::from_str(ecs.lines().next().unwrap()).unwrap();
    assert_eq!(
        first["host"]["ip"],
        serde_json::json!(["10.0.0.1"]),
        "{first}"
    );
    assert_eq!(first["organization"]["name"], "Acme");
    assert_eq!(ecs.lines().count(), 2);
    let refused = export(&server, "company=Acme", "format=ecs&raw=true").await;
    refused.field("?raw", "csv");
}
