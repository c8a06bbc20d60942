//! The host that findings are about, and what is found of it as records of event kinds.

use std::net::IpAddr;

use alertwire_catalogue::{Catalogue, Record};
use domain::finding::{Finding, Sort};
use domain::{Severity, Timestamp};

/// Longest text that is taken over from a scanner, in characters.
const TEXT_CHARS: usize = 256;

/// The host that findings are about.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    ip: String,
    hostname: Option<String>,
    mac: Option<String>,
    seen_at: Option<Timestamp>,
}

impl Asset {
    /// A host name or hardware address that the catalogue cannot write is left out: the asset is known by what is left.
    pub(crate) fn new(
        catalogue: &Catalogue,
        ip: IpAddr,
        hostname: Option<&str>,
        mac: Option<&str>,
        seen_at: Option<Timestamp>,
    ) -> Self {
        let ip = ip.to_string();
        let fitting = |name: &str, value: Option<&str>| {
            let value = value?;
            let record = Record::from_iter([("ip", ip.as_str()), (name, value)]);
            let rendered = catalogue.render(HOST, &[record]).ok()?;
            // What stands for nothing (`N/A`, an empty text) is not in what was rendered.
            let is_written = rendered.records.first()?.get(name).is_some();
            (is_written && rendered.fields_header.is_none()).then(|| value.to_owned())
        };
        Self {
            hostname: fitting("hostname", hostname),
            mac: fitting("mac", mac),
            ip,
            seen_at,
        }
    }

    pub(crate) fn has_hostname(&self) -> bool {
        self.hostname.is_some()
    }

    pub(crate) fn host(&self) -> Finding {
        let mut record = self.record("ip");
        if let Some(mac) = &self.mac {
            record.insert("mac", mac.as_str());
        }
        self.finding(Sort::Host, HOST, record)
    }

    pub(crate) fn port(&self, number: u16, protocol: &str, external: bool) -> Finding {
        let (kind, address) = match external {
            false => ("system.port_open_probe", "ip"),
            true => ("system.port_open_external", "target"),
        };
        let mut record = self.record(address);
        record.insert("port", i64::from(number));
        record.insert("protocol", protocol);
        self.finding(Sort::Port, kind, record)
    }

    pub(crate) fn vulnerability(&self, product: &str, id: &str, severity: Severity) -> Finding {
        let kind = match severity {
            Severity::Critical => "problem.critical",
            Severity::High => "problem.high",
            Severity::Medium => "problem.medium",
            Severity::Low | Severity::Info => "problem.low",
        };
        let mut record = self.record("ip");
        record.insert("product", one_line(product));
        record.insert("vul_id", id);
        record.insert("severity", severity.as_str());
        self.finding(Sort::Vulnerability, kind, record)
    }

    fn record(&self, address: &str) -> Record {
        let mut record = Record::new();
        record.insert(address, self.ip.as_str());
        if let Some(hostname) = &self.hostname {
            record.insert("hostname", hostname.as_str());
        }
        record
    }

    fn finding(&self, sort: Sort, kind: &'static str, record: Record) -> Finding {
        Finding {
            sort,
            kind: kind.to_owned(),
            record,
            occurred_at: self.seen_at,
        }
    }
}

const HOST: &str = "system.asset_added";

/// Whether the wordings of the catalogue have a place for this id: they name vulnerabilities by CVE ids.
pub(crate) fn is_cve(id: &str) -> bool {
    id.get(..4)
        .is_some_and(|front| front.eq_ignore_ascii_case("CVE-"))
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(TEXT_CHARS).collect()
}
