//! What a reading costs, in process: envelope, routing by subject, extraction.

use std::hint::black_box;

use alertwire_catalogue::{Catalogue, Limits, Match};
use anyhow::{Result, ensure};
use serde_json::json;

use super::Arena;
use crate::figures::{Table, whole};
use crate::machine;

const ADVERSARIAL_BYTES: usize = 64 * 1024;
const ADVERSARIAL_TIMES: u32 = 20;

/// The webhook guide's bodies, word for word; the third is no valid JSON.
const GUIDE: [&str; 4] = [
    r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"}"#,
    r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#,
    r#"{"subject": "Critical Problems Found", "body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#,
    r#"{"subject": "Login Failure", "body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"}"#,
];

/// Subject, opening, and what follows it over and over: openings, introducers and near misses.
type Case = (&'static str, &'static str, &'static str);

const ADVERSARIAL: [Case; 12] = [
    ("Login Failure", "Login Failure for ", "a on service b "),
    (
        "Login Failure",
        "Login Failure for ",
        "a With IPAddress 10.0.0.1 on service AzureAD at 2024-01-15 10:30:00 ",
    ),
    (
        "Login Failure",
        "",
        "Login Failure for a on service AzureAD ",
    ),
    (
        "Critical Problems Found",
        "Critical vulnerabilities detected for asset with IP 10.0.0.1 in company A\n",
        "Product: a. VUL ID: CVE-2021-44228. Severity: High ",
    ),
    (
        "Critical Problems Found",
        "Critical vulnerabilities detected for asset with IP 10.0.0.1 in company ",
        "in company A\nProduct: ",
    ),
    (
        "Critical Problems Found",
        "",
        "Critical vulnerabilities detected for asset with IP 10.0.0.1 in company A Product: b. VUL ID: ",
    ),
    (
        "Certificate Expire in 30 Days",
        "Certificate ",
        "x expires on 2024-02-14 for asset with IP 10.0.0.1 in company y. Port: 443. Issuer: z ",
    ),
    (
        "Job Failed",
        "Job ",
        "a failed for company b. Job ID: c. Description: d at 2024-01-15 ",
    ),
    (
        "New Asset(s) Added",
        "",
        "New asset added with ip 10.0.0.1. Hostname a.b. Mac address 00:1B:44:11:3A:B7\n",
    ),
    ("Asset Ports", "Open Port ", "1, "),
    (
        "New Company Created",
        "New company created with name ",
        ". Source ",
    ),
    (
        "Nobody knows",
        "",
        "Login Failure for x New asset added with ip ",
    ),
];

pub fn run(arena: &Arena) -> Result<()> {
    let catalogue = Catalogue::builtin();
    let guide: Vec<String> = GUIDE.iter().map(|payload| (*payload).to_owned()).collect();
    let whole_catalogue = examples(&catalogue);
    arena.heading("Reading an alert")?;
    let mut table = Table::new(&["What", "Processor time", "Goal", "Steps"]);
    let row = |table: &mut Table, what: String, nanoseconds: f64, goal: &str, steps: u64| {
        table.row(&[
            what,
            format!("{:.2} µs", nanoseconds / 1e3),
            goal.to_owned(),
            whole(steps as f64),
        ]);
    };
    let steps = |payloads: &[String]| {
        payloads
            .iter()
            .map(|payload| steps(&catalogue, payload))
            .sum::<u64>()
            / payloads.len() as u64
    };
    row(
        &mut table,
        "average over the guide's four bodies".into(),
        nanoseconds(&catalogue, &guide, 50_000)?,
        "0.5 µs",
        steps(&guide),
    );
    let what = format!(
        "average over the {} examples of all {} kinds",
        whole_catalogue.len(),
        catalogue.kinds().len()
    );
    row(
        &mut table,
        what,
        nanoseconds(&catalogue, &whole_catalogue, 1_000)?,
        "1 µs",
        steps(&whole_catalogue),
    );
    let (worst, time) = worst(&catalogue);
    let beginning = format!("{}{}", worst.1, worst.2).replace('\n', "⏎");
    let what = format!(
        "the worst of {} adversarial bodies of 64 KiB: `{beginning}…`",
        ADVERSARIAL.len()
    );
    row(
        &mut table,
        what,
        time,
        "5,000 µs",
        steps(&[adversarial(worst)]),
    );
    table.print();
    Ok(())
}

fn examples(catalogue: &Catalogue) -> Vec<String> {
    let kinds = catalogue.kinds().iter();
    let examples = kinds.flat_map(|kind| {
        kind.examples
            .iter()
            .map(|example| (&kind.subject, &example.body))
    });
    examples
        .map(|(subject, body)| json!({"subject": subject, "body": body}).to_string())
        .collect()
}

fn steps(catalogue: &Catalogue, payload: &str) -> u64 {
    let limits = Limits::default();
    catalogue
        .read(payload.as_bytes(), &limits)
        .alerts
        .iter()
        .map(|alert| alert.steps)
        .sum()
}

/// The mean cost of one payload.
fn nanoseconds(catalogue: &Catalogue, payloads: &[String], times: u32) -> Result<f64> {
    let limits = Limits::default();
    for payload in payloads {
        let reading = catalogue.read(payload.as_bytes(), &limits);
        ensure!(
            reading.alerts[0].matched == Match::Full,
            "not read in full: {payload}"
        );
    }
    let one = || {
        for payload in payloads {
            black_box(catalogue.read(black_box(payload.as_bytes()), &limits));
        }
    };
    Ok(machine::processor_nanoseconds(times, one) / payloads.len() as f64)
}

fn adversarial((subject, opening, again): &Case) -> String {
    let body = format!("{opening}{}", again.repeat(ADVERSARIAL_BYTES / again.len()));
    json!({"subject": subject, "body": body}).to_string()
}

/// The body that takes longest, and its nanoseconds.
fn worst(catalogue: &Catalogue) -> (&'static Case, f64) {
    let limits = Limits::default();
    let mut worst = (&ADVERSARIAL[0], 0.0);
    for case in &ADVERSARIAL {
        let payload = adversarial(case);
        let time = machine::processor_nanoseconds(ADVERSARIAL_TIMES, || {
            black_box(catalogue.read(black_box(payload.as_bytes()), &limits));
        });
        if time > worst.1 {
            worst = (case, time);
        }
    }
    worst
}
