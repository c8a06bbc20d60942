//! `alertwire parse --as …` and `alertwire events show ID --as …`.

use serde_json::{Value, json};

use crate::support::{Ended, KEY, Place, alertwire, run, run_with};

/// The guide's samples, word for word; the third is not valid JSON.
const SAMPLES: [&str; 4] = [
    r#"{
"subject": "New Asset(s) Added",
"body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"
}"#,
    r#"{
"subject": "Asset Ports",
"body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"
}"#,
    r#"{
"subject": "Critical Problems Found",
"body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"
}"#,
    r#"{
"subject": "Login Failure",
"body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"
}"#,
];

fn parsed(payload: &str, arguments: &[&str]) -> Ended {
    let arguments = [&["parse", "--as"], arguments].concat();
    let ended = run_with(alertwire(&arguments), payload.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended
}

fn check(document: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        assert_eq!(
            document.pointer(pointer),
            Some(value),
            "{pointer} of {document:#}"
        );
    }
}

#[test]
fn the_guides_samples_are_ecs() {
    let documents = SAMPLES.map(|sample| parsed(sample, &["ecs"]).lines().remove(0));
    let [asset, port, vulnerability, login] = &documents;
    check(
        asset,
        &[
            ("/event/kind", json!("event")),
            ("/event/category", json!(["host"])),
            ("/event/type", json!(["info"])),
            ("/event/action", json!("asset-added")),
            ("/event/code", json!("New Asset(s) Added")),
            ("/host/ip", json!(["192.168.1.100"])),
            ("/host/hostname", json!("server-01.example.com")),
            ("/host/mac", json!(["00-1B-44-11-3A-B7"])),
            ("/related/ip", json!(["192.168.1.100"])),
            ("/event/original", json!(SAMPLES[0])),
        ],
    );
    assert_eq!(asset["@timestamp"], asset["event"]["ingested"]);
    assert_eq!(asset["labels"]["reading_time_source"], "received");
    check(
        port,
        &[
            ("/event/kind", json!("state")),
            ("/event/category", json!(["host", "network"])),
            ("/event/action", json!("open-port-discovered")),
            ("/server/port", json!(443)),
            ("/destination/port", json!(443)),
            ("/server/ip", json!("192.168.1.100")),
        ],
    );
    check(
        vulnerability,
        &[
            ("/event/kind", json!("alert")),
            ("/vulnerability/id", json!("CVE-2021-44228")),
            ("/vulnerability/enumeration", json!("CVE")),
            ("/vulnerability/severity", json!("critical")),
            ("/package/name", json!("Apache HTTP Server")),
            ("/organization/name", json!("Acme Corporation")),
            ("/labels/reading_decode", json!("repaired")),
        ],
    );
    check(
        login,
        &[
            ("/@timestamp", json!("2024-01-15T10:30:00Z")),
            ("/event/category", json!(["authentication"])),
            ("/event/outcome", json!("failure")),
            ("/user/name", json!("john.doe")),
            ("/source/ip", json!("203.0.113.10")),
            ("/service/name", json!("AzureAD")),
            ("/related/user", json!(["john.doe"])),
        ],
    );
}

#[test]
fn the_guides_samples_are_cef() {
    let heads = [
        "|system.asset_added|New Asset(s) Added|1|",
        "|system.port_open_probe|Asset Ports|3|",
        "|problem.critical|Critical Problems Found|10|",
        "|entra.login_failure|Login Failure|5|",
    ];
    let pairs = [
        &[
            "dst=192.168.1.100",
            "dhost=server-01.example.com",
            "dmac=00:1B:44:11:3A:B7",
        ][..],
        &["dst=192.168.1.100", "dpt=443"],
        &[
            "cs1=CVE-2021-44228 cs1Label=cve",
            "cs2=Apache HTTP Server cs2Label=affectedProduct",
            "customerURI=Acme Corporation",
        ],
        &[
            "end=1705314600000",
            "duser=john.doe",
            "src=203.0.113.10",
            "destinationServiceName=AzureAD",
            "outcome=failure",
        ],
    ];
    for ((sample, head), pairs) in SAMPLES.iter().zip(heads).zip(pairs) {
        let line = parsed(sample, &["cef"]).stdout;
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.starts_with("CEF:0|Alertwire|Alertwire|") && line.contains(head),
            "{line}"
        );
        for pair in pairs {
            assert!(line.contains(&format!(" {pair} ")), "{pair} in {line}");
        }
    }
}

#[test]
fn lines_are_told_one_by_one_and_quarantined_ones_too() {
    let lines = SAMPLES.map(|sample| sample.replace('\n', " ")).join("\n") + "\nhello there\n";
    let ended = run_with(
        alertwire(&["parse", "--lines", "--as", "ocsf", "--company", "Initech"]),
        lines.as_bytes(),
    );
    assert_eq!(ended.code, 65, "one is no alert, as without --as");
    let documents = ended.lines();
    let classes: Vec<_> = documents
        .iter()
        .map(|one| one["class_uid"].as_u64().unwrap())
        .collect();
    assert_eq!(classes, [5001, 5001, 2002, 3002, 0]);
    assert_eq!(documents[0]["device"]["org"]["name"], "Initech");
    // The body names another one: that is told as what it says.
    assert_eq!(documents[2]["device"]["org"]["name"], "Initech");
    assert_eq!(documents[2]["unmapped"]["company"], "Acme Corporation");
    assert_eq!(documents[4]["message"], "hello there");
    assert_eq!(documents[4]["unmapped"]["alertwire"]["decode"], "failed");
}

#[test]
fn tabs_of_leef_reach_the_reader_and_nothing_else_of_a_stranger_does() {
    let payload =
        "{\"subject\": \"a\\u001b]52;c;eA==\\u0007\", \"body\": \"\u{9b}2J\u{202e}x\\ty\"}";
    let line = parsed(payload, &["leef"]).stdout;
    let line = line.trim_end();
    assert!(
        line.contains("\tsev=1\t") && line.ends_with("x y"),
        "{line:?}"
    );
    let steers = |letter: char| letter != '\t' && (letter.is_control() || letter == '\u{202e}');
    assert!(!line.contains(steers), "{line:?}");
}

#[test]
fn a_wrong_format_or_a_flag_that_means_nothing_is_64() {
    for arguments in [
        &["parse", "--as", "xml"][..],
        &["parse", "--as", "ecs", "--spans"],
        &["parse", "--company", "Acme"],
    ] {
        assert_eq!(run(arguments).code, 64, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_stored_event_is_shown_as_a_siem_reads_it() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    api.made("api/v1/companies", json!({"name": "Acme"})).await;
    let records = json!([{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]);
    let event = json!({"event": "system.asset_added", "company": "Acme", "records": records});
    let event = api.raise(event).await;
    let shown = |format: &str| {
        let mut command = alertwire(&["events", "show", &event, "--as", format]);
        command
            .env("ALERTWIRE_URL", &server.url)
            .env("ALERTWIRE_API_KEY", KEY);
        let ended = run_with(command, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stdout);
        ended
    };
    let documents = shown("ecs").lines();
    assert_eq!(documents[1]["host"]["ip"], json!(["10.0.0.2"]));
    assert_eq!(documents[1]["organization"]["name"], "Acme");
    let lines = shown("cef").stdout;
    assert!(lines.contains(" customerURI=Acme "), "{lines}");
    assert!(shown("leef").stdout.contains("\tdomain=Acme\t"));
}
