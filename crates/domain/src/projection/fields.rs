//! The certain fields of a record. A format takes what it has a place for; what is left is told as unmapped, so nothing is lost.

use std::net::IpAddr;

use crate::catalogue::Value;

#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Fields<'a> {
    pub(super) fn new(fields: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        Self(fields.into_iter().collect())
    }

    pub(super) fn left(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().copied()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.left()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<&'a Value> {
        let index = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.remove(index).1)
    }

    /// Takes the field when `fits` makes something of it; a value of another sort stays where it is.
    fn take_if<T>(&mut self, name: &str, fits: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let fitting = fits(self.get(name)?)?;
        self.take(name);
        Some(fitting)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        self.take_if(name, Value::as_str)
    }

    pub(super) fn ip(&mut self, name: &str) -> Option<IpAddr> {
        self.take_if(name, |value| value.as_str()?.parse().ok())
    }

    pub(super) fn mac(&mut self, name: &str) -> Option<&'a str> {
        self.take_if(name, |value| value.as_str().filter(|text| is_mac(text)))
    }

    pub(super) fn port(&mut self, name: &str) -> Option<u16> {
        self.take_if(name, |value| value.as_int()?.try_into().ok())
    }

    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        self.take_if(name, |value| match value {
            Value::Decimal(number) => Some(*number),
            Value::Int(number) => i32::try_from(*number).ok().map(f64::from),
            Value::Text(_) => None,
        })
    }
}

/// Six pairs of digits with colons, as the catalogue writes hardware addresses.
pub(super) fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(at, byte)| match at % 3 {
            2 => byte == b':',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The machine that an event speaks of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Host<'a> {
    pub(super) ip: Option<IpAddr>,
    pub(super) hostname: Option<&'a str>,
    pub(super) mac: Option<&'a str>,
}

impl<'a> Host<'a> {
    pub(super) fn take(fields: &mut Fields<'a>) -> Self {
        Self {
            ip: fields.ip("ip"),
            hostname: fields.text("hostname"),
            mac: fields.mac("mac"),
        }
    }

    /// Of a scan from outside, whose `target` is an address or a name.
    pub(super) fn take_scanned(fields: &mut Fields<'a>) -> Self {
        let mut host = Self::take(fields);
        if host.ip.is_none() {
            host.ip = fields.ip("target");
        }
        if host.hostname.is_none() {
            host.hostname = fields.text("target");
        }
        host
    }

    pub(super) fn is_known(&self) -> bool {
        self.ip.is_some() || self.hostname.is_some() || self.mac.is_some()
    }
}

/// Whether the id stands in the list of all CVEs rather than in a vendor's.
pub(super) fn is_cve(id: &str) -> bool {
    id.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("CVE-"))
}
