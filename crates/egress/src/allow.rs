//! The operator's allow list: what may be reached although it is not public, and the only places for plain HTTP.
//!
//! It comes from the operator's settings alone, never from the API or the console.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

use crate::address::{Standing, classify};

/// One entry: `host-or-CIDR[:port or :*]`; without a port it holds for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowEntry {
    place: Place,
    /// None is all ports.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Lower case, punycode, no dot at the end.
    Name(String),
    Net(IpNet),
}

/// A text that is no entry of the allow list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowEntryError {
    #[error(
        "an entry of the allow list is empty; write host-or-CIDR[:port or :*], for example psa.example.net:8443"
    )]
    Empty,
    #[error("`{0}` has no valid port; write a number from 1 to 65535, or * for all")]
    Port(String),
    #[error(
        "`{0}` is neither a host name nor an address nor a CIDR; write for example psa.example.net, 10.20.0.0/16:443 or [fd00::5]:8443"
    )]
    Place(String),
    #[error("`{0}` is a cloud metadata address; these can never be allowed")]
    Metadata(String),
}

impl AllowEntry {
    /// Whether the entry names this host itself.
    fn names(&self, host: &str, port: u16) -> bool {
        self.holds_for(port) && matches!(&self.place, Place::Name(name) if same_name(name, host))
    }

    /// Whether the entry is a range that holds this address.
    fn holds(&self, address: IpAddr, port: u16) -> bool {
        self.holds_for(port) && matches!(&self.place, Place::Net(net) if net.contains(&address))
    }

    /// Whether the entry is a range that was opened for this port.
    pub(crate) fn is_range_with(&self, port: u16) -> bool {
        self.holds_for(port) && matches!(self.place, Place::Net(_))
    }

    fn holds_for(&self, port: u16) -> bool {
        self.port.is_none_or(|allowed| allowed == port)
    }
}

const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Whether the list lets `address` be reached as `host` on `port`. The caller has ruled metadata out.
///
/// `localhost` is one place with two addresses: who allows one of them allows the name at both.
pub(crate) fn permits(list: &[AllowEntry], host: Host<&str>, address: IpAddr, port: u16) -> bool {
    in_range(list, address, port)
        || match host {
            Host::Domain(name) if LOOPBACK.contains(&address) && same_name("localhost", name) => {
                permits_plain(list, host, port)
            }
            Host::Domain(name) => is_named(list, name, port),
            Host::Ipv4(_) | Host::Ipv6(_) => false,
        }
}

/// Whether `host` on `port` may be spoken to by plain HTTP, as far as can be told before its name is resolved: named by an
/// entry, or a literal within one. `localhost` counts as the loopback addresses, which is all that it may mean.
pub(crate) fn permits_plain(list: &[AllowEntry], host: Host<&str>, port: u16) -> bool {
    let loopback = || {
        LOOPBACK
            .into_iter()
            .any(|address| in_range(list, address, port))
    };
    match host {
        Host::Ipv4(address) => in_range(list, address.into(), port),
        Host::Ipv6(address) => in_range(list, address.into(), port),
        Host::Domain(name) => {
            is_named(list, name, port) || (same_name("localhost", name) && loopback())
        }
    }
}

fn in_range(list: &[AllowEntry], address: IpAddr, port: u16) -> bool {
    list.iter()
        .any(|entry| entry.holds(address, port) || entry.holds(address.to_canonical(), port))
}

fn is_named(list: &[AllowEntry], name: &str, port: u16) -> bool {
    list.iter().any(|entry| entry.names(name, port))
}

fn same_name(entry: &str, host: &str) -> bool {
    entry.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host))
}

impl FromStr for AllowEntry {
    type Err = AllowEntryError;

    fn from_str(text: &str) -> Result<Self, AllowEntryError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AllowEntryError::Empty);
        }
        let (place, port) = split(text)?;
        let port = match port {
            None | Some("*") => None,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(AllowEntryError::Port(text.to_owned())),
                Ok(port) => Some(port),
            },
        };
        let place = place_of(&place).ok_or_else(|| AllowEntryError::Place(text.to_owned()))?;
        match &place {
            Place::Net(net)
                if net.prefix_len() == net.max_prefix_len()
                    && classify(net.addr()) == Standing::Metadata =>
            {
                Err(AllowEntryError::Metadata(text.to_owned()))
            }
            _ => Ok(Self { place, port }),
        }
    }
}

/// Takes the port off; IPv6 with a port needs its brackets.
fn split(text: &str) -> Result<(String, Option<&str>), AllowEntryError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, rest) = rest
            .split_once(']')
            .ok_or_else(|| AllowEntryError::Place(text.to_owned()))?;
        let (suffix, port) = match rest.split_once(':') {
            Some((suffix, port)) => (suffix, Some(port)),
            None => (rest, None),
        };
        return Ok((format!("{inner}{suffix}"), port));
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Ok((text.to_owned(), None)),
        Some((place, port)) => Ok((place.to_owned(), Some(port))),
        None => Ok((text.to_owned(), None)),
    }
}

fn place_of(text: &str) -> Option<Place> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(Place::Net(net.trunc()));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Place::Net(address.into()));
    }
    if text.contains(['/', '*', '@']) {
        return None;
    }
    match Host::parse(text).ok()? {
        // A spelling such as `0x7f.1` is more likely a mistake than a wish.
        Host::Ipv4(_) | Host::Ipv6(_) => None,
        Host::Domain(name) => Some(Place::Name(
            name.strip_suffix('.').unwrap_or(&name).to_owned(),
        )),
    }
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Name(name) => f.write_str(name)?,
            Place::Net(IpNet::V6(net)) => write!(f, "[{net}]")?,
            Place::Net(net) => write!(f, "{net}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<AllowEntry> {
        entries.iter().map(|entry| entry.parse().unwrap()).collect()
    }

    fn allowed(entry: &str, host: &str, address: &str, port: u16) -> bool {
        let host = Host::parse(host).unwrap();
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        permits(&list(&[entry]), host, address.parse().unwrap(), port)
    }

    #[test]
    fn an_entry_holds_for_its_host_and_port_alone() {
        for (entry, host, address, port, expected) in [
            ("psa.corp", "psa.corp", "10.0.0.5", 8443, true),
            ("PSA.corp.", "psa.corp", "10.0.0.5", 443, true),
            ("psa.corp:8443", "psa.corp", "10.0.0.5", 443, false),
            ("psa.corp:*", "psa.corp", "10.0.0.5", 1, true),
            ("psa.corp", "xpsa.corp", "10.0.0.5", 443, false),
            ("127.0.0.1:9000", "localhost", "::1", 9000, true),
            ("127.0.0.1:9000", "localhost", "::1", 9001, false),
            ("127.0.0.1", "other.example", "::1", 9000, false),
            ("127.0.0.1", "localhost", "127.0.0.2", 9000, false),
            ("127.0.0.1", "localhost", "10.0.0.1", 9000, false),
            ("10.0.0.0/8", "anything.example", "10.9.9.9", 443, true),
            ("10.0.0.0/8:8443", "10.9.9.9", "10.9.9.9", 443, false),
            ("10.1.2.3/8", "10.9.9.9", "10.9.9.9", 443, true),
            ("10.0.0.5", "10.0.0.6", "10.0.0.6", 443, false),
            ("10.0.0.5", "psa.corp", "::ffff:10.0.0.5", 443, true),
            ("fd00::/8", "psa.corp", "fd12::1", 443, true),
            ("[fd00::/8]:443", "psa.corp", "fd12::1", 444, false),
            ("[fd12::1]:443", "psa.corp", "fd12::1", 443, true),
            ("[fd00::]/8:443", "psa.corp", "fd12::1", 443, true),
            ("fd12::1", "psa.corp", "fd12::1", 443, true),
        ] {
            assert_eq!(
                allowed(entry, host, address, port),
                expected,
                "{entry} {host} {address} {port}"
            );
        }
    }

    #[test]
    fn an_entry_reads_back_as_it_is_shown() {
        for text in [
            "psa.corp:8443",
            "10.0.0.0/8:*",
            "[fd00::/8]:443",
            "bücher.example",
            "127.0.0.1:9000",
        ] {
            let entry: AllowEntry = text.parse().unwrap();
            assert_eq!(entry.to_string().parse(), Ok(entry), "{text}");
        }
    }

    #[test]
    fn a_broken_entry_is_refused() {
        for text in [
            "",
            "  ",
            "psa.corp:0",
            "psa.corp:x",
            "psa.corp:70000",
            "10.0.0.0/99",
            "*.corp",
            "a b",
            "[fd00::1",
            "0x7f.1",
            "u@h",
        ] {
            assert!(text.parse::<AllowEntry>().is_err(), "{text}");
        }
        for text in [
            "169.254.169.254",
            "168.63.129.16:80",
            "[fd00:ec2::254]:80",
            "169.254.169.254/32",
        ] {
            assert!(
                matches!(
                    text.parse::<AllowEntry>(),
                    Err(AllowEntryError::Metadata(_))
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn plain_http_is_for_what_an_entry_names() {
        let list = list(&["psa.corp:8080", "127.0.0.1"]);
        for (host, port, expected) in [
            (Host::Domain("psa.corp"), 8080, true),
            (Host::Domain("psa.corp"), 80, false),
            (Host::Domain("localhost"), 9000, true),
            (Host::Domain("example.com"), 80, false),
            (Host::Ipv4("127.0.0.1".parse().unwrap()), 80, true),
            (Host::Ipv4("127.0.0.2".parse().unwrap()), 80, false),
        ] {
            assert_eq!(
                permits_plain(&list, host.clone(), port),
                expected,
                "{host} {port}"
            );
        }
    }
}
