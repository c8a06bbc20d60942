//! The XML of nmap (`-oX`), host by host. Its format: <https://nmap.org/book/nmap-dtd.html>.
//!
//! A scan that was killed leaves a file without an end; the hosts in it are whole. No entity of the document's own is ever
//! resolved, and a document that declares some is refused.

use std::io::BufRead;
use std::net::IpAddr;
use std::str::FromStr;

use alertwire_catalogue::Catalogue;
use domain::finding::Finding;
use domain::{Severity, Timestamp};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::ScanError;
use crate::asset::{Asset, is_cve};
use crate::input::{Bounded, stopped};

/// Most of a host. A scan of all ports by three protocols has fewer.
pub(crate) const PORTS: usize = 200_000;
const ADDRESSES: usize = 64;
const HOSTNAMES: usize = 64;
/// Most vulnerabilities of a port.
pub(crate) const VULNERABILITIES: usize = 10_000;
/// Longest text of an element, in bytes.
const TEXT_BYTES: usize = 1_024;

/// A host as nmap tells of it.
#[derive(Debug, Default)]
pub(crate) struct Host {
    is_up: bool,
    /// Nothing answered: the scan was told that the host is up (`-Pn`).
    is_assumed: bool,
    seen_at: Option<Timestamp>,
    addresses: Vec<IpAddr>,
    mac: Option<String>,
    hostnames: Vec<String>,
    ports: Vec<Port>,
}

#[derive(Debug, Default)]
struct Port {
    number: u16,
    protocol: String,
    is_open: bool,
    product: String,
    vulnerabilities: Vec<Vulnerability>,
}

/// A row of the script `vulners`.
#[derive(Debug, Default)]
struct Vulnerability {
    id: String,
    cvss: String,
    product: String,
}

impl Host {
    /// The host itself for each of its addresses, and the rest for its first one. An IPv4 address goes before others.
    pub(crate) fn findings(&self, catalogue: &Catalogue, external: bool) -> Vec<Finding> {
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(IpAddr::is_ipv6);
        let hostname = self.hostnames.first().map(String::as_str);
        let asset =
            |ip: &IpAddr| Asset::new(catalogue, *ip, hostname, self.mac.as_deref(), self.seen_at);
        let assets: Vec<Asset> = addresses.iter().map(asset).collect();
        let mut findings: Vec<Finding> = assets.iter().map(Asset::host).collect();
        let Some(first) = assets.first() else {
            return findings;
        };
        for port in &self.ports {
            findings.push(first.port(port.number, &port.protocol, external));
        }
        for port in &self.ports {
            let found = port.vulnerabilities.iter().map(|found| {
                let product = match port.product.is_empty() {
                    true => &found.product,
                    false => &port.product,
                };
                first.vulnerability(product, &found.id, of_cvss(&found.cvss))
            });
            findings.extend(found);
        }
        findings
    }
}

/// The words of CVSS for its scores.
fn of_cvss(score: &str) -> Severity {
    match score.parse::<f64>() {
        Ok(score) if score >= 9.0 => Severity::Critical,
        Ok(score) if score >= 7.0 => Severity::High,
        Ok(score) if score >= 4.0 => Severity::Medium,
        _ => Severity::Low,
    }
}

/// A file that is being read.
pub(crate) struct Scan<R: BufRead> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    at: At,
    /// Exploits and other entries of `vulners` that are no CVE.
    other_ids: u64,
}

/// Where in the document the reader stands.
#[derive(Debug, Default)]
struct At {
    begun: bool,
    ended: bool,
    broken: Option<String>,
    host: Option<Host>,
    port: Option<Port>,
    in_vulners: bool,
    /// Product that the rows of a table are about, by its CPE.
    cpe: String,
    row: Option<Vulnerability>,
    /// Key and text of the element.
    element: Option<(String, String)>,
}

impl<R: BufRead> Scan<R> {
    pub(crate) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(Bounded::in_parts(input));
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            at: At::default(),
            other_ids: 0,
        }
    }

    /// The next host that is up; none at the end of the file, be it whole or not.
    pub(crate) fn next_host(&mut self) -> Result<Option<Host>, ScanError> {
        while self.at.broken.is_none() {
            self.buffer.clear();
            self.reader.get_mut().next_part();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => {
                    self.breaks(error)?;
                    continue;
                }
            };
            let met = match event {
                Event::Start(tag) => self.at.start(&tag),
                Event::Text(text) => {
                    self.at.text(&text);
                    Ok(())
                }
                Event::End(tag) => {
                    if let Some(host) = self.at.end(tag.name().as_ref(), &mut self.other_ids)
                        && host.is_found()
                    {
                        return Ok(Some(host));
                    }
                    Ok(())
                }
                Event::DocType(declared) if declared.contains('[') => {
                    return Err(ScanError::Entities);
                }
                Event::Eof if self.at.ended => break,
                Event::Eof => Err(Met::Broken("it ends before the scan does".to_owned())),
                _ => Ok(()),
            };
            match met {
                Ok(()) => {}
                Err(Met::Refused(error)) => return Err(error),
                Err(Met::Broken(why)) => self.at.broken = Some(why),
            }
        }
        if !self.at.begun {
            return Err(ScanError::NoScan);
        }
        Ok(None)
    }

    /// What is read no further. A bound that was reached is no end of a scan.
    fn breaks(&mut self, error: quick_xml::Error) -> Result<(), ScanError> {
        if let quick_xml::Error::Io(error) = &error {
            // It is shared with the reader, which has no further use for it.
            let (kind, detail) = (error.kind(), error.to_string());
            return Err(stopped(std::io::Error::new(kind, detail)));
        }
        self.at.broken = Some(format!("byte {}: {error}", self.reader.error_position()));
        Ok(())
    }

    pub(crate) fn broken(&self) -> Option<String> {
        self.at.broken.clone()
    }

    pub(crate) fn passed_over(&self) -> Vec<(&'static str, u64)> {
        let counts = [("vulners entries without a CVE id", self.other_ids)];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// Why reading goes no further.
enum Met {
    Refused(ScanError),
    Broken(String),
}

impl At {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Met> {
        if !self.begun {
            self.begun = tag.name().as_ref() == "nmaprun";
            return match self.begun {
                true => Ok(()),
                false => Err(Met::Broken("it is no XML of nmap".to_owned())),
            };
        }
        if self.ended {
            let why = "another scan follows, which --append-output does and XML does not know";
            return Err(Met::Broken(why.to_owned()));
        }
        match (tag.name().as_ref(), &mut self.host, &mut self.port) {
            ("host", _, _) => {
                self.host = Some(Host {
                    seen_at: parsed(tag, "endtime")?.and_then(of_seconds),
                    ..Host::default()
                });
                self.port = None;
            }
            ("status", Some(host), None) => {
                host.is_up = is(tag, "state", "up")?;
                host.is_assumed = is(tag, "reason", "user-set")?;
            }
            ("address", Some(host), None) => host.address(tag)?,
            ("hostname", Some(host), None) if host.hostnames.len() < HOSTNAMES => {
                host.hostnames.extend(attribute(tag, "name")?);
            }
            ("port", Some(host), _) => {
                if host.ports.len() >= PORTS {
                    return Err(Met::Refused(ScanError::TooManyPorts));
                }
                self.port = Some(Port {
                    number: parsed(tag, "portid")?.unwrap_or(0),
                    protocol: attribute(tag, "protocol")?.unwrap_or_default(),
                    ..Port::default()
                });
            }
            ("state" | "service" | "script" | "table", _, Some(_)) => self.of_port(tag)?,
            ("elem", _, _) if self.row.is_some() => {
                self.element = Some((attribute(tag, "key")?.unwrap_or_default(), String::new()));
            }
            _ => {}
        }
        Ok(())
    }

    /// What stands within a port.
    fn of_port(&mut self, tag: &BytesStart<'_>) -> Result<(), Met> {
        let Some(port) = &mut self.port else {
            return Ok(());
        };
        match tag.name().as_ref() {
            "state" => port.is_open = is(tag, "state", "open")?,
            "service" => {
                let words = [attribute(tag, "product")?, attribute(tag, "version")?];
                let words: Vec<String> = words.into_iter().flatten().collect();
                port.product = words.join(" ");
            }
            "script" => self.in_vulners = is(tag, "id", "vulners")?,
            "table" if self.in_vulners => match attribute(tag, "key")? {
                Some(cpe) => self.cpe = cpe,
                None if port.vulnerabilities.len() < VULNERABILITIES => {
                    self.row = Some(Vulnerability::default());
                }
                None => {
                    return Err(Met::Refused(ScanError::TooManyVulnerabilities));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some((_, kept)) = &mut self.element
            && kept.len() + text.len() <= TEXT_BYTES
        {
            kept.push_str(text);
        }
    }

    /// A host that is complete now.
    fn end(&mut self, name: &str, other_ids: &mut u64) -> Option<Host> {
        match (name, &mut self.host, &mut self.port) {
            ("nmaprun", _, _) => self.ended = true,
            ("host", host, _) => return host.take(),
            ("port", Some(host), port) => {
                let scanned = port.take().filter(Port::is_found);
                host.ports.extend(scanned);
            }
            ("script", _, _) => self.in_vulners = false,
            ("table", _, Some(port)) => {
                if let Some(row) = self.row.take() {
                    match is_cve(&row.id) {
                        true => port.vulnerabilities.push(Vulnerability {
                            product: self.cpe.clone(),
                            ..row
                        }),
                        false => *other_ids += 1,
                    }
                }
            }
            ("elem", _, _) => {
                if let (Some(row), Some((key, text))) = (&mut self.row, self.element.take()) {
                    match key.as_str() {
                        "id" => row.id = text,
                        "cvss" => row.cvss = text,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        None
    }
}

impl Host {
    fn is_found(&self) -> bool {
        self.is_up && (!self.is_assumed || !self.ports.is_empty())
    }

    fn address(&mut self, tag: &BytesStart<'_>) -> Result<(), Met> {
        match attribute(tag, "addrtype")?.as_deref() {
            Some("mac") => self.mac = attribute(tag, "addr")?,
            _ if self.addresses.len() < ADDRESSES => {
                self.addresses.extend(parsed::<IpAddr>(tag, "addr")?)
            }
            _ => {}
        }
        Ok(())
    }
}

impl Port {
    /// A scan of IP protocols lists those as ports; they are none.
    fn is_found(&self) -> bool {
        self.is_open && self.number > 0 && matches!(self.protocol.as_str(), "tcp" | "udp" | "sctp")
    }
}

/// The text of an attribute. An entity that XML does not define by itself breaks the document.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Met> {
    let broken = |error: quick_xml::Error| Met::Broken(error.to_string());
    let found = tag
        .try_get_attribute(name)
        .map_err(|error| broken(error.into()))?;
    let value = found.map(|found| {
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        value.map(std::borrow::Cow::into_owned)
    });
    value.transpose().map_err(broken)
}

fn parsed<T: FromStr>(tag: &BytesStart<'_>, name: &str) -> Result<Option<T>, Met> {
    Ok(attribute(tag, name)?.and_then(|text| text.parse().ok()))
}

fn is(tag: &BytesStart<'_>, name: &str, value: &str) -> Result<bool, Met> {
    Ok(attribute(tag, name)?.as_deref() == Some(value))
}

fn of_seconds(seconds: i64) -> Option<Timestamp> {
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}
