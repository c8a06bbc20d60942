//! `alertwire parse` and `render`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{BINARY, alertwire, read_all, run, run_with};

/// The guide's samples, word for word; the third is not valid JSON.
const ASSET: &str = r#"{
"subject": "New Asset(s) Added",
"body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"
}"#;
const PORT: &str = r#"{
"subject": "Asset Ports",
"body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"
}"#;
const VULNERABILITY: &str = r#"{
"subject": "Critical Problems Found",
"body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"
}"#;
const LOGIN: &str = r#"{
"subject": "Login Failure",
"body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"
}"#;

fn parsed(payload: &str, arguments: &[&str]) -> Value {
    let ended = run_with(
        alertwire(&[&["parse"], arguments].concat()),
        payload.as_bytes(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1);
    ended.lines().remove(0)
}

#[test]
fn the_guides_asset_sample_is_read() {
    let answer = parsed(ASSET, &[]);
    assert_eq!(answer["event"], "system.asset_added");
    assert_eq!(
        (&answer["decode"], &answer["match"]),
        (&json!("ok"), &json!("full"))
    );
    assert_eq!(
        answer["records"],
        json!([{"ip": "192.168.1.100", "hostname": "server-01.example.com", "mac": "00:1B:44:11:3A:B7"}])
    );
}

#[test]
fn the_answer_is_the_documented_one() {
    let answer = parsed(PORT, &[]);
    let expected = json!({
        "subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com",
        "decode": "ok", "repairs": [], "event": "system.port_open_probe", "category": "System Changes", "severity": "low",
        "match": "full", "records": [{"port": 443, "ip": "192.168.1.100", "hostname": "server-01.example.com"}],
        "alternatives": ["system.port_open_external"], "ambiguous": [],
        "entities": {"ip": ["192.168.1.100"], "host": ["server-01.example.com"]}, "remainder": "",
    });
    assert_eq!(answer, expected);
}

#[test]
fn the_guides_broken_sample_is_repaired() {
    let answer = parsed(VULNERABILITY, &[]);
    assert_eq!(
        (&answer["decode"], &answer["event"]),
        (&json!("repaired"), &json!("problem.critical"))
    );
    let record = &answer["records"][0];
    assert_eq!(record["company"], "Acme Corporation");
    assert_eq!(record["product"], "Apache HTTP Server");
    assert_eq!(record["vul_id"], "CVE-2021-44228");
    assert_eq!(record["severity"], "critical");
    assert_eq!(answer["repairs"].as_array().unwrap().len(), 1);
}

#[test]
fn the_guides_login_sample_is_read() {
    let answer = parsed(LOGIN, &[]);
    assert_eq!(answer["subject"], "Login Failure");
    assert_eq!(answer["records"][0]["user"], "john.doe");
    assert_eq!(answer["records"][0]["ip"], "203.0.113.10");
}

#[test]
fn spans_stand_in_the_body() {
    let answer = parsed(PORT, &["--spans"]);
    let (body, span) = (
        answer["body"].as_str().unwrap(),
        &answer["spans"][0]["hostname"],
    );
    let [start, end] =
        ["start", "end"].map(|name| usize::try_from(span[name].as_u64().unwrap()).unwrap());
    assert_eq!(&body[start..end], "server-01.example.com");
}

#[test]
fn lines_keep_their_order_however_many_there_are() {
    let payload = |number: usize| {
        format!(
            "{{\"subject\": \"Asset Ports\", \"body\": \"Open Port {number} Discovered for Asset 10.0.0.1\"}}\r\n\n"
        )
    };
    let input: String = (1..5_000).map(payload).collect();
    let ended = run_with(alertwire(&["parse", "--lines"]), input.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ports: Vec<u64> = ended
        .lines()
        .iter()
        .map(|answer| answer["records"][0]["port"].as_u64().unwrap())
        .collect();
    assert_eq!(ports, (1..5_000).collect::<Vec<u64>>());
}

#[test]
fn a_failed_decode_is_told_and_makes_the_code_65() {
    let ended = run_with(
        alertwire(&["parse", "--lines"]),
        b"hello there\n{\"subject\": \"Unknown Thing\", \"body\": \"x\"}\n",
    );
    assert_eq!(ended.code, 65);
    let answers = ended.lines();
    assert_eq!(
        (&answers[0]["decode"], &answers[0]["body"]),
        (&json!("failed"), &json!("hello there"))
    );
    assert_eq!(
        (
            &answers[1]["decode"],
            &answers[1]["event"],
            &answers[1]["match"]
        ),
        (&json!("ok"), &Value::Null, &json!("none"))
    );
}

#[test]
fn nothing_of_a_payload_reaches_the_terminal_unescaped() {
    let hostile = "{\"subject\": \"a\\u001b]52;c;eA==\\u0007\", \"body\": \"\u{9b}2J\u{202e}\"}";
    let ended = run_with(alertwire(&["parse"]), hostile.as_bytes());
    assert!(
        !ended
            .stdout
            .trim_end()
            .chars()
            .any(|letter| letter.is_control() || letter == '\u{202e}'),
        "{:?}",
        ended.stdout
    );
    assert_eq!(ended.lines()[0]["body"], "\u{9b}2J\u{202e}");
}

#[test]
fn a_file_that_is_not_there_is_66() {
    let ended = run(&["parse", "/nonexistent/alert.json"]);
    assert_eq!(ended.code, 66);
    assert!(ended.stderr.contains("/nonexistent/alert.json"));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = std::process::Command::new(BINARY)
        .args(["parse", "--lines"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..20_000 {
        if std::io::Write::write_all(&mut stdin, b"{\"subject\": \"a\", \"body\": \"b\"}\n")
            .is_err()
        {
            break;
        }
    }
    drop(stdin);
    let stderr = read_all(child.stderr.take().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert_eq!(stderr, "");
}

#[test]
fn what_is_rendered_reads_back() {
    let ended = run(&[
        "render",
        "system.asset_added",
        "ip=192.168.1.100",
        "mac=00-1b-44-11-3a-b7",
        "hostname=web.example.com",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let answer = parsed(&ended.stdout, &[]);
    assert_eq!(
        answer["records"],
        json!([{"ip": "192.168.1.100", "hostname": "web.example.com", "mac": "00:1B:44:11:3A:B7"}])
    );
}

#[test]
fn an_unknown_code_or_field_is_64_with_the_nearest_name() {
    for (arguments, near) in [
        (
            &["render", "system.aset_added", "ip=10.0.0.1"][..],
            "`system.asset_added`",
        ),
        (
            &["render", "system.asset_added", "ip=10.0.0.1", "hostnme=a"][..],
            "`hostname`",
        ),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, 64, "{arguments:?}");
        assert!(ended.stderr.contains(near), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_value_that_does_not_fit_is_65() {
    let ended = run(&["render", "system.asset_added", "ip=not-an-address"]);
    assert_eq!(ended.code, 65);
    assert!(ended.stderr.contains("`ip`"), "{}", ended.stderr);
}
