//! The receiving half as a sender meets it: the guide's samples to sources of several kinds, and sources by the command line.

use serde_json::{Value, json};

use crate::support::{Api, KEY, Place, Server, alertwire, run_with};

const SECRET: &str = "the secret of the sender";
/// The guide's samples, word for word; the third is not valid JSON.
const SAMPLES: [(&str, &str, &str); 4] = [
    (
        "system.asset_added",
        "ok",
        "{\n\"subject\": \"New Asset(s) Added\",\n\"body\": \"New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7\"\n}",
    ),
    (
        "system.port_open_probe",
        "ok",
        "{\n\"subject\": \"Asset Ports\",\n\"body\": \"Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com\"\n}",
    ),
    (
        "problem.critical",
        "repaired",
        "{\n\"subject\": \"Critical Problems Found\",\n\"body\": \"Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical\"\n}",
    ),
    (
        "entra.login_failure",
        "ok",
        "{\n\"subject\": \"Login Failure\",\n\"body\": \"Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC\"\n}",
    ),
];

/// A source; answers its intake URL.
async fn source(api: &Api, form: Value) -> String {
    let made = api.call("POST", "api/v1/sources", Some(form)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["intake_url"].as_str().unwrap().to_owned()
}

/// The event that comes of a message which `sender` posts.
async fn event(
    api: &Api,
    sender: &Api,
    intake: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> Value {
    let sent = sender.send("POST", intake, body.into(), headers).await;
    let receipt = sent.unwrap();
    assert_eq!(receipt.status, 202, "{}", receipt.body);
    let event = receipt.body["events"][0].as_str().unwrap();
    api.get(&format!("api/v1/events/{event}")).await
}

async fn samples_are_read(api: &Api, sender: &Api, intake: &str, headers: &[(&str, &str)]) {
    for (kind, decode, sample) in SAMPLES {
        let event = event(api, sender, intake, sample, headers).await;
        assert_eq!(
            (&event["event"], &event["decode"]),
            (&json!(kind), &json!(decode))
        );
        assert_eq!(event["match"], "full", "{event}");
        let journal = event["journal_id"].as_str().unwrap();
        let raw = format!("api/v1/journal/{journal}/raw");
        let raw = api.call("GET", &raw, None).await;
        assert_eq!(raw.bytes, sample.as_bytes(), "byte for byte");
    }
}

#[tokio::test]
async fn the_guides_samples_come_in_by_a_header_and_by_a_token() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let header = json!({"key": "X-API-Key", "value": SECRET});
    let by_header = source(
        &api,
        json!({"name": "Header", "authentication": {"header": header}}),
    );
    let by_header = by_header.await;
    samples_are_read(&api, &api, &by_header, &[("x-api-key", SECRET)]).await;
    let login = json!({"username": "scanner", "password": SECRET});
    let by_token = source(
        &api,
        json!({"name": "Token", "authentication": {"login": login}}),
    );
    let by_token = by_token.await;
    let ask = login.to_string().into_bytes();
    let json_type = [("content-type", "application/json")];
    let token = api
        .send("POST", &format!("{by_token}/token"), ask, &json_type)
        .await;
    let token = token.unwrap().body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    samples_are_read(&api, &api.by(&token), &by_token, &[]).await;
    let stranger = api.by("another token");
    let stranger = stranger.send("POST", &by_token, b"{}".to_vec(), &[]);
    assert_eq!(stranger.await.unwrap().status, 401);
}

#[tokio::test]
async fn one_source_speaks_for_three_companies_and_for_no_fourth() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    for company in ["Acme Corporation", "Globex", "Initech", "Umbrella"] {
        api.made("api/v1/companies", json!({"name": company})).await;
    }
    let form = json!({
        "name": "Scanner", "company": "Initech", "companies": ["Acme Corporation", "Globex", "Initech"],
        "company_rules": [
            {"when": {"hostname": "gx-*"}, "company": "Globex"},
            {"when": {"address": "10.9.0.0/16"}, "company": "Initech"},
        ],
        "authentication": {"header": {"key": "X-API-Key", "value": SECRET}},
    });
    let intake = source(&api, form).await;
    let headers = [("x-api-key", SECRET)];
    let asset = |ip: &str, host: &str| {
        let body =
            format!("New asset added with ip {ip}. Hostname {host}. Mac address 00:1B:44:11:3A:B7");
        json!({"subject": "New Asset(s) Added", "body": body}).to_string()
    };
    let vulnerability = |company: &str| SAMPLES[2].2.replace("Acme Corporation", company);
    for (body, company) in [
        (vulnerability("Acme Corporation"), "Acme Corporation"),
        (asset("192.0.2.1", "gx-web-1.example.com"), "Globex"),
        (asset("10.9.1.1", "web-1.example.com"), "Initech"),
        (vulnerability("Globex"), "Globex"),
        (vulnerability("Umbrella"), "Initech"),
    ] {
        let event = event(&api, &api, &intake, &body, &headers).await;
        assert_eq!(event["company"]["name"], company, "{body}");
    }
}

fn ask(server: &Server, arguments: &[&str], input: &str) -> String {
    let mut command = alertwire(arguments);
    command
        .env("ALERTWIRE_URL", &server.url)
        .env("ALERTWIRE_API_KEY", KEY);
    let ended = run_with(command, input.as_bytes());
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

#[tokio::test]
async fn a_source_is_made_shown_and_rotated_by_the_command_line() {
    let place = Place::new();
    let server = place.start();
    let api = server.api();
    let made = ask(
        &server,
        &["sources", "create", "Scanner", "--header", "X-API-Key"],
        "",
    );
    let id = made.lines().next().unwrap().to_owned();
    for words in ["Webhook URL", "Authentication Header Key", "(leave empty)"] {
        assert!(made.contains(words), "{words}: {made}");
    }
    let line = made
        .lines()
        .find(|line| line.contains("Header Value"))
        .unwrap();
    let first = line.split_whitespace().last().unwrap().to_owned();
    let intake = format!("intake/{id}");
    let post = async |secret: &str| {
        let headers = [("x-api-key", secret)];
        let sent = api
            .send("POST", &intake, SAMPLES[0].2.into(), &headers)
            .await;
        sent.unwrap().status
    };
    assert_eq!(post(&first).await, 202);
    let rotate = ["sources", "rotate", &id, "--way", "header"];
    let file = ["--secret-file", "-", "--overlap", "2h"];
    ask(
        &server,
        &[&rotate[..], &file].concat(),
        "a secret of my own\n",
    );
    assert_eq!(
        (post(&first).await, post("a secret of my own").await),
        (202, 202)
    );
    let shown = ask(&server, &["sources", "show", &id], "");
    assert!(
        shown.contains("the former secret of header is good for 1h 59m more"),
        "{shown}"
    );
    ask(&server, &[&rotate[..], &["--end"]].concat(), "");
    assert_eq!(post(&first).await, 401);
    let generated = ask(&server, &rotate, "");
    assert_eq!(post(generated.trim()).await, 202);
    let settings = ask(&server, &["sources", "sender-settings", &id], "");
    assert!(
        settings.contains("(the secret you set, ends in"),
        "{settings}"
    );
    let list = ask(&server, &["sources", "list", "--json"], "");
    let list: Value = serde_json::from_str(&list).unwrap();
    let activity = &list["items"][0]["activity"];
    assert_eq!(
        (&activity["accepted"], &activity["refused"]),
        (&json!(4), &json!(1))
    );
}
