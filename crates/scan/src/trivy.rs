//! The JSON of Trivy (`--format json`), schema version 2.

use std::io::BufRead;

use alertwire_catalogue::Catalogue;
use domain::finding::Finding;
use domain::{Severity, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::asset::{Asset, is_cve};
use crate::input::{Bounded, stopped};
use crate::{Named, ScanError};

pub(crate) const SCHEMA: u64 = 2;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report {
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

/// The report; of the bytes only what it needs is kept.
pub(crate) fn read(reader: impl BufRead) -> Result<Report, ScanError> {
    let read = serde_json::from_reader(Bounded::whole(reader));
    let report: Report = read.map_err(|error| match error.is_io() {
        true => stopped(error.into()),
        false => ScanError::NoReport(error.to_string()),
    })?;
    match report.schema_version {
        SCHEMA => Ok(report),
        other => Err(ScanError::Schema(other)),
    }
}

impl Report {
    /// The asset, then its vulnerabilities.
    pub(crate) fn findings(
        &self,
        catalogue: &Catalogue,
        named: &Named,
    ) -> Result<Vec<Finding>, ScanError> {
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
            return Err(ScanError::NoHostName(hostname));
        }
        let found = self.vulnerabilities().filter(|found| is_cve(&found.id));
        let found = found.map(|found| {
            let product = format!("{} {}", found.package, found.version);
            asset.vulnerability(product.trim(), &found.id, severity(&found.severity))
        });
        Ok(std::iter::once(asset.host()).chain(found).collect())
    }

    pub(crate) fn passed_over(&self) -> Vec<(&'static str, u64)> {
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
