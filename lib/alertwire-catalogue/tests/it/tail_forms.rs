//! Forms that senders have been seen to write, or that their neighbours write.

use alertwire_catalogue::{AlertReading, Catalogue, Limits, Match, Record};

/// Reads a body, and gives its records as JSON.
fn read(subject: &str, body: &str) -> (Match, String) {
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(subject, body, &Limits::default());
    (
        alert.matched,
        serde_json::to_string(&alert.records).expect("records are plain"),
    )
}

fn full(subject: &str, body: &str, records: &str) {
    assert_eq!(
        read(subject, body),
        (Match::Full, records.to_owned()),
        "{body}"
    );
}

fn partial(subject: &str, body: &str, records: &str) {
    assert_eq!(
        read(subject, body),
        (Match::Partial, records.to_owned()),
        "{body}"
    );
}

const ASSET: &str = "New Asset(s) Added";
const PORTS: &str = "Asset Ports";
const CRITICAL: &str = "Critical Problems Found";
const LOGIN: &str = "Login Failure";

#[test]
fn several_assets_stand_one_on_a_line_or_run_together() {
    let two = r#"[{"ip":"10.0.0.1","hostname":"a"},{"ip":"10.0.0.2"}]"#;
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a\nNew asset added with ip 10.0.0.2",
        two,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a\r\n\r\nNew asset added with ip 10.0.0.2\r\n",
        two,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a. New asset added with ip 10.0.0.2",
        two,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a.\\nNew asset added with ip 10.0.0.2",
        two,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a<br>New asset added with ip 10.0.0.2",
        two,
    );
    full(
        ASSET,
        "2 new assets added: New asset added with ip 10.0.0.1. Hostname a\nNew asset added with ip 10.0.0.2",
        two,
    );
}

#[test]
fn addresses_come_in_many_spellings() {
    full(
        ASSET,
        "NEW ASSET ADDED WITH IP 2001:DB8:0:0::1. HOSTNAME Db-1. MAC ADDRESS 00-1b-44-11-3a-b7",
        r#"[{"ip":"2001:db8::1","hostname":"Db-1","mac":"00:1B:44:11:3A:B7"}]"#,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Mac address 001b.4411.3ab7",
        r#"[{"ip":"10.0.0.1","mac":"00:1B:44:11:3A:B7"}]"#,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Mac address 001B44113AB7",
        r#"[{"ip":"10.0.0.1","mac":"00:1B:44:11:3A:B7"}]"#,
    );
    full(
        ASSET,
        "New asset added with ip ::ffff:10.0.0.1",
        r#"[{"ip":"::ffff:10.0.0.1"}]"#,
    );
    partial(
        ASSET,
        "New asset added with ip fe80::1.",
        r#"[{"ip":"fe80::1"}]"#,
    );
}

#[test]
fn words_for_nothing_leave_the_field_out() {
    for nothing in ["N/A", "n/a", "-", "unknown", "Unknown", ""] {
        full(
            ASSET,
            &format!("New asset added with ip 10.0.0.1. Hostname {nothing}. Mac address {nothing}"),
            r#"[{"ip":"10.0.0.1"}]"#,
        );
        full(
            PORTS,
            &format!("Open Port 443 Discovered for Asset 10.0.0.1, hostname {nothing}"),
            r#"[{"port":443,"ip":"10.0.0.1"}]"#,
        );
    }
    full(
        CRITICAL,
        "Critical vulnerabilities detected for asset with IP 10.0.0.1, hostname N/A in company Unknown\nProduct: -. VUL ID: CVE-2021-44228. Severity: High",
        r#"[{"ip":"10.0.0.1","vul_id":"CVE-2021-44228","severity":"high"}]"#,
    );
    full(
        LOGIN,
        "Login Failure for bob With IPAddress N/A on service AzureAD",
        r#"[{"user":"bob","service":"AzureAD"}]"#,
    );
    full(
        LOGIN,
        "Login Failure for bob With IPAddress  on service AzureAD",
        r#"[{"user":"bob","service":"AzureAD"}]"#,
    );
}

#[test]
fn a_host_name_may_be_an_address_or_end_in_a_dot() {
    full(
        PORTS,
        "Open Port 443 Discovered for Asset 10.0.0.1, hostname 10.0.0.1",
        r#"[{"port":443,"ip":"10.0.0.1","hostname":"10.0.0.1"}]"#,
    );
    full(
        PORTS,
        "Open Port 443 Discovered for Asset fe80::1, hostname FE80::1",
        r#"[{"port":443,"ip":"fe80::1","hostname":"fe80::1"}]"#,
    );
    full(
        ASSET,
        "New asset added with ip 10.0.0.1. Hostname a.example.. Mac address 00:1B:44:11:3A:B7",
        r#"[{"ip":"10.0.0.1","hostname":"a.example","mac":"00:1B:44:11:3A:B7"}]"#,
    );
}

#[test]
fn ports_have_protocols_and_lists() {
    full(
        PORTS,
        "Open Port 53/UDP Discovered for Asset 10.0.0.1",
        r#"[{"port":53,"protocol":"udp","ip":"10.0.0.1"}]"#,
    );
    full(
        PORTS,
        "Open Port 80, 443 Discovered for Asset 10.0.0.1, hostname a",
        r#"[{"port":80,"ip":"10.0.0.1","hostname":"a"},{"port":443,"ip":"10.0.0.1","hostname":"a"}]"#,
    );
    full(
        PORTS,
        "Open Port 80 Discovered for Asset 10.0.0.1, hostname a\nOpen Port 443/tcp Discovered for Asset 10.0.0.2",
        r#"[{"port":80,"ip":"10.0.0.1","hostname":"a"},{"port":443,"protocol":"tcp","ip":"10.0.0.2"}]"#,
    );
    assert_eq!(
        read(PORTS, "Open Port 70000 Discovered for Asset 10.0.0.1").0,
        Match::None
    );
}

#[test]
fn one_asset_may_have_several_products_and_ids() {
    let head = "Critical vulnerabilities detected for asset with IP 10.0.0.1 in company Smith, Jones \"and\" Co. in London";
    let common = r#""ip":"10.0.0.1","company":"Smith, Jones \"and\" Co. in London""#;
    let expected = format!(
        r#"[{{{common},"product":"nginx 1.18.0","vul_id":"CVE-2021-23017","severity":"critical"}},{{{common},"product":"OpenSSL","vul_id":"CVE-2022-3602","severity":"high"}},{{{common},"product":"OpenSSL","vul_id":"CVE-2022-3786","severity":"high"}}]"#
    );
    for between in ["\n", "\r\n", "\\n", "\\ ", "<br/>\n"] {
        let body = format!(
            "{head}{between}Product: nginx 1.18.0. VUL ID: CVE-2021-23017. Severity: Critical{between}Product: OpenSSL. VUL ID: cve-2022-3602, CVE-2022-3786. Severity: HIGH"
        );
        full(CRITICAL, &body, &expected);
    }
}

#[test]
fn users_are_read_as_written() {
    for user in [
        "john.doe",
        "john.doe@acme.example",
        "ACME\\jdoe",
        "ACME\\new user",
        "John van Dyk",
        "CN=John,OU=Staff",
        "a on b",
        "O'Neil \"Jack\"",
        "\\\\server\\share",
        "Zoë",
        "for",
    ] {
        let body = format!(
            "Login Failure for {user} With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"
        );
        let catalogue = Catalogue::builtin();
        let alert = catalogue.read_alert(LOGIN, &body, &Limits::default());
        assert_eq!(
            (alert.matched, alert.records[0].text("user")),
            (Match::Full, Some(user))
        );
        assert!(alert.ambiguous.is_empty());
    }
}

#[test]
fn times_come_in_many_forms() {
    for (written, canonical) in [
        ("2024-01-15 10:30:00 UTC", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
        ("2024-01-15 10:30:00", "2024-01-15T10:30:00Z"),
        ("2024-01-15 10:30", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:30:00.250+01:00", "2024-01-15T09:30:00.25Z"),
        ("2024-01-15 10:30:00 -0530", "2024-01-15T16:00:00Z"),
        ("2024-01-15 10:30:00.000 GMT", "2024-01-15T10:30:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
    ] {
        let body = format!("Login Failure for bob on service AzureAD at {written}");
        let catalogue = Catalogue::builtin();
        let alert = catalogue.read_alert(LOGIN, &body, &Limits::default());
        assert_eq!(
            (alert.matched, alert.records[0].text("timestamp")),
            (Match::Full, Some(canonical)),
            "{written}"
        );
        let span = alert
            .spans
            .iter()
            .find(|span| span.field == "timestamp")
            .unwrap();
        assert_eq!(
            span.assumed_utc,
            !written.contains(['Z', 'U', 'G', '+']) && !written.contains(" -"),
            "{written}"
        );
    }
}

#[test]
fn what_stands_behind_a_tight_field_is_left_over() {
    for (rest, kept) in [
        (".", "."),
        (". ", "."),
        (" (seen before)", " (seen before)"),
        (". Owner: Bob\nmore", ". Owner: Bob\nmore"),
    ] {
        let body = format!("Open Port 443 Discovered for Asset 10.0.0.1, hostname a{rest}");
        let catalogue = Catalogue::builtin();
        let alert = catalogue.read_alert(PORTS, &body, &Limits::default());
        let whole = rest == "." || rest == ". ";
        assert_eq!(
            alert.matched,
            if whole { Match::Full } else { Match::Partial },
            "{body}"
        );
        assert_eq!(alert.remainder(), if whole { "" } else { kept });
        assert_eq!(alert.records[0].text("hostname"), Some("a"));
    }
    partial(
        LOGIN,
        "Login Failure for bob on service AzureAD at noon",
        r#"[{"user":"bob","service":"AzureAD"}]"#,
    );
    assert_eq!(read(LOGIN, "Login Failure for bob").0, Match::None);
}

#[test]
fn a_full_stop_behind_a_service_does_not_change_whose_login_it_is() {
    let catalogue = Catalogue::builtin();
    for (rest, code, matched) in [
        (".", "entra.login_failure", Match::Partial),
        (". Try again", "entra.login_failure", Match::Partial),
        (" at noon", "entra.login_failure", Match::Partial),
        (" B2C", "audit.login_failure", Match::Full),
    ] {
        let body = format!("Login Failure for bob on service AzureAD{rest}");
        let alert = catalogue.read_alert(LOGIN, &body, &Limits::default());
        assert_eq!(
            (alert.kind.map(|kind| kind.code.as_str()), alert.matched),
            (Some(code), matched),
            "{body}"
        );
    }
    full(
        PORTS,
        "Open Port 443 Discovered for Asset 10.0.0.1, hostname unknown.",
        r#"[{"port":443,"ip":"10.0.0.1"}]"#,
    );
}

#[test]
fn white_space_around_and_within_changes_nothing() {
    full(
        PORTS,
        "  \r\n Open Port  443 Discovered  for Asset\t10.0.0.1,  hostname a \n\n",
        r#"[{"port":443,"ip":"10.0.0.1","hostname":"a"}]"#,
    );
}

fn kind(subject: &str, body: &str) -> Option<String> {
    let catalogue = Catalogue::builtin();
    let alert: AlertReading<'_> = catalogue.read_alert(subject, body, &Limits::default());
    alert.kind.map(|kind| kind.code.clone())
}

#[test]
fn subjects_are_found_in_any_case_and_spacing() {
    for subject in [
        "Critical Problems Found",
        "critical  problems found ",
        "CRITICAL VULNERABILITIES FOUND",
        "Critical Severity Vulnerabilities Found",
        "Critical Problems Found.",
    ] {
        assert_eq!(
            kind(subject, "").as_deref(),
            Some("problem.critical"),
            "{subject}"
        );
    }
    assert_eq!(
        kind(
            "A logon was attempted using explicit credentials (Success)",
            ""
        )
        .as_deref(),
        Some("ad.logon_explicit")
    );
    assert_eq!(
        kind("a user account was locked out(success)", "").as_deref(),
        Some("ad.user_locked")
    );
    assert_eq!(kind("Critical Problem", ""), None);
    assert_eq!(kind("", ""), None);
}

#[test]
fn the_service_decides_whose_login_it_is() {
    for (service, code) in [
        ("AzureAD", "entra"),
        ("azure ad", "entra"),
        ("Microsoft 365", "entra"),
        ("ActiveDirectory", "ad"),
        ("AD", "ad"),
        ("Okta", "audit"),
        ("AD Connect", "audit"),
        ("AzureAD B2C", "audit"),
    ] {
        for word in ["Failure", "Success"] {
            let body = format!(
                "Login {word} for bob With IPAddress 10.0.0.1 on service {service} at 2024-01-15 10:30:00 UTC"
            );
            assert_eq!(
                kind(&format!("Login {word}"), &body),
                Some(format!("{code}.login_{}", word.to_lowercase())),
                "{service}"
            );
        }
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_ambiguous() {
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(
        LOGIN,
        "Login Failure for a on service b on service c",
        &Limits::default(),
    );
    assert_eq!(alert.matched, Match::Full);
    let found: Vec<String> = alert
        .ambiguous
        .iter()
        .map(|found| {
            format!(
                "{}: {} or {}",
                found.field,
                found.readings[0].as_ref().unwrap(),
                found.readings[1].as_ref().unwrap()
            )
        })
        .collect();
    assert_eq!(
        found,
        ["user: a or a on service b", "service: b on service c or c"]
    );
    assert!(!alert.is_certain(0, "user"));
}

#[test]
fn an_unknown_subject_suggests_and_does_not_route() {
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(
        "Something New",
        "New asset added with ip 10.0.0.1. Hostname a",
        &Limits::default(),
    );
    assert!(alert.kind.is_none());
    assert_eq!(alert.matched, Match::None);
    assert_eq!(alert.suggested.unwrap().code, "system.asset_added");
    assert_eq!(alert.records, Vec::<Record>::new());
    assert!(
        catalogue
            .read_alert("Something New", "hello", &Limits::default())
            .suggested
            .is_none()
    );
}

#[test]
fn an_unrecognised_body_still_names_its_entities() {
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(ASSET, "Asset 10.0.0.1 (00-1b-44-11-3a-b7) a.example.com bob@acme.example http://x.example/y CVE-2021-44228 443/tcp 2024-01-15 10:30:00 UTC", &Limits::default());
    assert_eq!(alert.matched, Match::None);
    assert_eq!(alert.kind.unwrap().code, "system.asset_added");
    let entities = serde_json::to_string(&alert.entities(&Limits::default())).unwrap();
    assert_eq!(
        entities,
        r#"{"ip":["10.0.0.1"],"mac":["00:1B:44:11:3A:B7"],"cve":["CVE-2021-44228"],"host":["a.example.com"],"port":["443/tcp"],"email":["bob@acme.example"],"url":["http://x.example/y"],"timestamp":["2024-01-15T10:30:00Z"]}"#
    );
}
