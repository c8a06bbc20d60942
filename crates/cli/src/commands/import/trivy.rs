//! The JSON of Trivy (`--format json`), schema version 2.

use std::io::BufRead;
use std::net::IpAddr;

use alertwire_catalogue::Catalogue;
use domain::{Severity, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::finding::{Asset, Finding, is_cve};
use super::input::whole;
use crate::exit::Failure;

const SCHEMA: u64 = 2;

/// What the command line says of the asset, for a report does not know everything.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) hostname: Option<String>,
    pub(super) ip: IpAddr,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    schema_version: u64,
    #[serde(default)]
    artifact_name: String,
    created_at: Option<String>,
    /// Null when nothing was found.
    results: Option<Vec<Found>>,
}

/// What was found in one target: the packages of the system, a lock file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    vulnerabilities: Option<Vec<Vulnerability>>,
    misconfigurations: Option<Vec<IgnoredAny>>,
    secrets: Option<Vec<IgnoredAny>>,
    licenses: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "PkgName", default)]
    package: String,
    #[serde(rename = "InstalledVersion", default)]
    version: String,
    #[serde(rename = "Severity", default)]
    severity: String,
}

pub(super) fn read(reader: impl BufRead) -> Result<Report, Failure> {
    let bytes = whole(reader)?;
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::data(format!(
            "the file is no report of Trivy, or not a whole one: {error}"
        ))
        .help("let Trivy write it with --format json --output FILE.json")
    })?;
    match report.schema_version {
        SCHEMA => Ok(report),
        other => Err(Failure::data(format!(
            "the report has schema version {other}; version {SCHEMA} is known"
        ))),
    }
}

impl Report {
    /// The asset, then its vulnerabilities.
    pub(super) fn findings(
        &self,
        catalogue: &Catalogue,
        named: &Named,
    ) -> Result<Vec<Finding>, Failure> {
        let hostname = match &named.hostname {
            Some(hostname) => hostname.clone(),
            None => host_name(&self.artifact_name),
        };
        let seen_at = self
            .created_at
            .as_ref()
            .and_then(|at| at.parse::<Timestamp>().ok());
        let asset = Asset::new(catalogue, named.ip, Some(&hostname), None, seen_at);
        if named.ip.is_unspecified() && !asset.has_hostname() {
            let failure = Failure::data(format!("`{hostname}` is no host name"));
            return Err(failure.help("say what the asset is called with --hostname"));
        }
        let found = self.vulnerabilities().filter(|found| is_cve(&found.id));
        let found = found.map(|found| {
            let product = format!("{} {}", found.package, found.version);
            asset.vulnerability(product.trim(), &found.id, severity(&found.severity))
        });
        Ok(std::iter::once(asset.host()).chain(found).collect())
    }

    pub(super) fn passed_over(&self) -> Vec<(&'static str, u64)> {
        let other = self.vulnerabilities().filter(|found| !is_cve(&found.id));
        let count = |list: fn(&Found) -> &Option<Vec<IgnoredAny>>| {
            let lists = self.results.iter().flatten();
            lists
                .map(|found| list(found).as_ref().map_or(0, Vec::len) as u64)
                .sum()
        };
        let counts = [
            ("vulnerabilities without a CVE id", other.count() as u64),
            ("misconfigurations", count(|found| &found.misconfigurations)),
            ("secrets", count(|found| &found.secrets)),
            ("licenses", count(|found| &found.licenses)),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn vulnerabilities(&self) -> impl Iterator<Item = &Vulnerability> {
        let results = self.results.iter().flatten();
        results.flat_map(|found| found.vulnerabilities.iter().flatten())
    }
}

/// What is not known counts as low rather than as nothing.
fn severity(word: &str) -> Severity {
    word.to_lowercase().parse().unwrap_or(Severity::Low)
}

/// The name of an artifact in the letters that host names have: `ghcr.io/acme/shop:1.2` is `ghcr.io-acme-shop-1.2`.
fn host_name(artifact: &str) -> String {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let name: String = artifact
        .chars()
        .map(|letter| if fits(letter) { letter } else { '-' })
        .collect();
    name.trim_matches(['-', '.']).to_owned()
}
