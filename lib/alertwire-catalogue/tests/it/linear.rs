//! The work of a reading grows with the length of the body and no faster, however the body is made.

use alertwire_catalogue::{Catalogue, Limits, Match};

/// Steps for each byte of a body, over all candidates, wordings and both orders.
const STEPS_A_BYTE: u64 = 64;

/// Bodies that make backtracking readers crawl: openings, introducers and near misses, over and over.
fn adversarial() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("Login Failure", "Login Failure for ", "a on service b "),
        (
            "Login Failure",
            "Login Failure for ",
            "a With IPAddress 10.0.0.1 on service AzureAD at 2024-01-15 10:30:00 ",
        ),
        ("Login Failure", "Login Failure for ", "x"),
        ("Login Failure", "Login Failure for ", " "),
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
            "New Asset(s) Added",
            "New asset added with ip 10.0.0.1. Hostname ",
            "a.",
        ),
        ("Asset Ports", "Open Port ", "1, "),
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
            "Entra ID Sync Failed",
            "Entra ID sync failed for company ",
            "a. Tenant b. Error: c at \\\\n",
        ),
        (
            "Nobody knows",
            "",
            "Login Failure for x New asset added with ip ",
        ),
    ]
}

fn steps(subject: &str, opening: &str, again: &str, length: usize) -> u64 {
    let body = format!("{opening}{}", again.repeat(length / again.len()));
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(subject, &body, &Limits::default());
    assert!(!alert.exhausted, "{subject}: {opening}{again}…");
    alert.steps
}

#[test]
fn the_steps_of_adversarial_bodies_grow_with_their_length() {
    for (subject, opening, again) in adversarial() {
        for length in [1, 2, 4, 8, 16, 32, 64].map(|kibibytes| kibibytes * 1024) {
            let steps = steps(subject, opening, again, length);
            assert!(
                steps <= STEPS_A_BYTE * length as u64 + 1000,
                "{steps} steps for {length} bytes of {subject}: {opening}{again}…"
            );
        }
    }
}

#[test]
fn a_reading_that_needs_too_many_steps_is_given_up_and_says_so() {
    let body = format!("Login Failure for {}", "a on service b ".repeat(1000));
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(
        "Login Failure",
        &body,
        &Limits {
            steps: 1000,
            ..Limits::default()
        },
    );
    assert!(alert.exhausted);
    assert_eq!(alert.matched, Match::None);
    assert_eq!(alert.kind.unwrap().code, "entra.login_failure");
}

#[test]
fn a_body_with_too_many_records_is_given_up_and_says_so() {
    let body = vec!["New asset added with ip 10.0.0.1"; 30].join("\n");
    let catalogue = Catalogue::builtin();
    let alert = catalogue.read_alert(
        "New Asset(s) Added",
        &body,
        &Limits {
            records: 20,
            ..Limits::default()
        },
    );
    assert!(alert.exhausted);
    assert!(alert.records.is_empty());
    assert_eq!(
        catalogue
            .read_alert("New Asset(s) Added", &body, &Limits::default())
            .records
            .len(),
        30
    );
}
