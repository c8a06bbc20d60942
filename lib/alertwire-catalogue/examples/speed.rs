//! Prints what a reading costs: `cargo run --release -p alertwire-catalogue --example speed`.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use alertwire_catalogue::{Catalogue, Limits, Match};

/// Short rounds, of which the least disturbed counts: a busy machine takes the processor away from the long ones.
const ROUNDS: usize = 400;

const GUIDE: [&str; 4] = [
    r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"}"#,
    r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#,
    r#"{"subject": "Critical Problems Found", "body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#,
    r#"{"subject": "Login Failure", "body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"}"#,
];

/// The envelope alone, as `serde_json` reads it: the limit that the figures are measured against.
#[derive(serde::Deserialize)]
struct Letter<'a> {
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    body: std::borrow::Cow<'a, str>,
}

fn main() -> io::Result<()> {
    let catalogue = Catalogue::builtin();
    let guide: Vec<String> = GUIDE.iter().map(|payload| (*payload).to_owned()).collect();
    let whole: Vec<String> = catalogue
        .kinds()
        .iter()
        .flat_map(|kind| {
            kind.examples.iter().map(|example| {
                serde_json::json!({"subject": kind.subject, "body": example.body}).to_string()
            })
        })
        .collect();
    let mut out = io::stdout().lock();
    let envelope = (0..ROUNDS)
        .map(|_| time(|| (0..200).for_each(|_| envelope(&guide[0]))))
        .min();
    let envelope = envelope.unwrap_or_default().as_secs_f64() * 1e9 / 200.0;
    writeln!(
        out,
        "{envelope:>8.0} ns  serde_json, the envelope of the first alone"
    )?;
    for payload in &guide {
        writeln!(
            out,
            "{:>8.0} ns  {}",
            nanoseconds(&catalogue, std::slice::from_ref(payload), 200),
            &payload[..40]
        )?;
    }
    writeln!(
        out,
        "{:>8.0} ns  average over the guide's four",
        nanoseconds(&catalogue, &guide, 200)
    )?;
    writeln!(
        out,
        "{:>8.0} ns  average over all {} examples",
        nanoseconds(&catalogue, &whole, 8),
        whole.len()
    )?;
    let mut worst = (Duration::ZERO, String::new());
    for (subject, opening, again) in ADVERSARIAL {
        let body = format!("{opening}{}", again.repeat(64 * 1024 / again.len()));
        let payload = serde_json::json!({"subject": subject, "body": body}).to_string();
        let taken = (0..20)
            .map(|_| time(|| read(&catalogue, &payload, false)))
            .min()
            .unwrap_or_default();
        worst = worst.max((taken, format!("{subject}: {opening}{again:?}…")));
    }
    writeln!(
        out,
        "{:>8.2} ms  worst adversarial body of 64 KiB ({})",
        worst.0.as_secs_f64() * 1e3,
        worst.1
    )
}

const ADVERSARIAL: [(&str, &str, &str); 16] = [
    ("Login Failure", "Login Failure for ", "a on service b "),
    (
        "Login Failure",
        "Login Failure for ",
        "a With IPAddress 10.0.0.1 on service AzureAD at 2024-01-15 10:30:00 ",
    ),
    ("Login Failure", "Login Failure for ", "x"),
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
        "Critical vulnerabilities detected for asset with IP 10.0.0.1 in company A\n",
        "Product: a. VUL ID: CVE-2021-44228, ",
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
        "Certificate Expire in 30 Days",
        "Certificate x expires on 2024-02-14 for asset with IP 10.0.0.1 in company ",
        ". Port: . Issuer: ",
    ),
    (
        "Job Failed",
        "Job ",
        "a failed for company b. Job ID: c. Description: d at 2024-01-15 ",
    ),
    (
        "Job Failed",
        "Job a failed. Description: ",
        "\n at 2024-01-15 10:30:00\n",
    ),
    (
        "New Asset(s) Added",
        "",
        "New asset added with ip 10.0.0.1. Hostname a.b. Mac address 00:1B:44:11:3A:B7\n",
    ),
    (
        "New Company Created",
        "New company created with name ",
        ". Source ",
    ),
    (
        "A member was added to a security-enabled group",
        "A member was added to a security-enabled group for ",
        "a on service b. Target c. Group d ",
    ),
    (
        "Nobody knows",
        "",
        "Login Failure for x New asset added with ip ",
    ),
];

/// The mean time of one payload, in the quickest of many short rounds.
fn nanoseconds(catalogue: &Catalogue, payloads: &[String], times: u32) -> f64 {
    let round = || {
        time(|| {
            (0..times).for_each(|_| {
                payloads
                    .iter()
                    .for_each(|payload| read(catalogue, payload, true))
            })
        })
    };
    let quickest = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    quickest.as_secs_f64() * 1e9 / f64::from(times) / payloads.len() as f64
}

fn envelope(payload: &str) {
    if let Ok(letter) = serde_json::from_str::<Letter<'_>>(black_box(payload)) {
        black_box((letter.subject, letter.body));
    }
}

fn read(catalogue: &Catalogue, payload: &str, known: bool) {
    let limits = Limits::default();
    let reading = black_box(catalogue.read(black_box(payload.as_bytes()), &limits));
    assert!(!known || reading.alerts[0].matched == Match::Full);
}

fn time(work: impl FnOnce()) -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock is what this program is for"
    )]
    let start = Instant::now();
    work();
    start.elapsed()
}
