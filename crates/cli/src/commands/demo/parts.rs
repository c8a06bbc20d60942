//! What is played: the guide's four samples, and one event of every kind.

use alertwire_catalogue::{Catalogue, Limits, Record};

/// The samples of the webhook guide, word for word; the third is not valid JSON, as it stands there.
const GUIDE: [&str; 4] = [
    r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"}"#,
    r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#,
    r#"{"subject": "Critical Problems Found", "body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#,
    r#"{"subject": "Login Failure", "body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"}"#,
];

/// One event to be played.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) code: String,
    pub(super) records: Vec<Record>,
}

pub(super) fn all(catalogue: &Catalogue) -> Vec<Part> {
    let limits = Limits::default();
    let samples = GUIDE
        .iter()
        .flat_map(|payload| catalogue.read(payload.as_bytes(), &limits).alerts);
    let samples = samples.filter_map(|alert| {
        Some(Part {
            code: alert.kind?.code.clone(),
            records: alert.records,
        })
    });
    let kinds = catalogue.kinds().iter().filter_map(|kind| {
        let example = kind.examples.first()?;
        Some(Part {
            code: kind.code.clone(),
            records: example.records.clone(),
        })
    });
    samples.chain(kinds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_and_every_kind_are_played() {
        let catalogue = Catalogue::builtin();
        let parts = all(&catalogue);
        assert_eq!(parts.len(), GUIDE.len() + catalogue.kinds().len());
        let samples: Vec<&str> = parts[..4].iter().map(|part| part.code.as_str()).collect();
        assert_eq!(
            samples[..3],
            [
                "system.asset_added",
                "system.port_open_probe",
                "problem.critical"
            ]
        );
        assert!(parts.iter().all(|part| !part.records.is_empty()));
    }
}
