//! IP and hardware addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Meaning;
use crate::value::Value;

/// The longest an address can be: IPv6 with an embedded IPv4 address.
const LONGEST_IP: usize = 46;

pub(super) fn scan_ip(text: &str, at: usize) -> Option<usize> {
    if let Some(end) = scan_v4(text.as_bytes(), at) {
        return Some(end);
    }
    let bytes = text.as_bytes();
    let run = bytes[at..]
        .iter()
        .take(LONGEST_IP)
        .take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        .count();
    let mut end = at + run;
    if !bytes[at..end].contains(&b':')
        || (bytes.get(end).is_some() && !super::ends_word(bytes, end))
    {
        return None;
    }
    // The address may end a sentence or a clause: give back its punctuation, at most two marks.
    for _ in 0..3 {
        if text[at..end].parse::<Ipv6Addr>().is_ok() {
            return Some(end);
        }
        if end == at || !matches!(bytes[end - 1], b'.' | b':') {
            return None;
        }
        end -= 1;
    }
    None
}

fn scan_v4(text: &[u8], at: usize) -> Option<usize> {
    let (_, end) = read_v4(text, at)?;
    let goes_on = match text.get(end) {
        Some(b'.') => text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(b':') => text.get(end + 1).is_some_and(u8::is_ascii_hexdigit),
        _ => !super::ends_word(text, end),
    };
    (!goes_on).then_some(end)
}

/// Four decimal numbers without leading zeros, as Rust's own parser has it.
#[inline]
fn read_v4(text: &[u8], at: usize) -> Option<([u8; 4], usize)> {
    let mut octets = [0_u8; 4];
    let mut end = at;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            if text.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let first = end;
        let mut number = 0_u16;
        while end - first < 3 && text.get(end).is_some_and(u8::is_ascii_digit) {
            number = number * 10 + u16::from(text[end] - b'0');
            end += 1;
        }
        if end == first || (end - first > 1 && text[first] == b'0') {
            return None;
        }
        *octet = u8::try_from(number).ok()?;
    }
    Some((octets, end))
}

/// What a scanned address says.
pub(super) fn ip_meaning(text: &str) -> Meaning {
    // A dotted quad without leading zeros is its own canonical form.
    if !text.contains(':') {
        return Value::from(text).into();
    }
    text.parse::<Ipv6Addr>().map_or_else(
        |_| Meaning::default(),
        |address| Value::from(address.to_string()).into(),
    )
}

/// The canonical text of an address given as a value.
pub(super) fn canonical_ip(text: &str) -> Option<String> {
    text.parse::<Ipv4Addr>()
        .map(IpAddr::from)
        .or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::from))
        .ok()
        .map(|address| address.to_string())
}

/// `00:1b:…`, `00-1b-…`, `001b.4411.3ab7` or twelve bare digits.
pub(super) fn scan_mac(text: &[u8], at: usize) -> Option<usize> {
    let hex = |index: usize| text.get(index).is_some_and(u8::is_ascii_hexdigit);
    let end = match text.get(at + 2)? {
        separator @ (b':' | b'-') => {
            let pairs = (0..6).all(|pair| {
                let first = at + pair * 3;
                hex(first)
                    && hex(first + 1)
                    && (pair == 5 || text.get(first + 2) == Some(separator))
            });
            pairs.then_some(at + 17)
        }
        _ if text.get(at + 4) == Some(&b'.') => {
            let groups = (0..3).all(|group| {
                let first = at + group * 5;
                (0..4).all(|digit| hex(first + digit))
                    && (group == 2 || text.get(first + 4) == Some(&b'.'))
            });
            groups.then_some(at + 14)
        }
        _ => (0..12).all(|digit| hex(at + digit)).then_some(at + 12),
    }?;
    let goes_on = match text.get(end) {
        Some(b':' | b'-') => hex(end + 1),
        _ => !super::ends_word(text, end),
    };
    (!goes_on).then_some(end)
}

/// Upper case, with colons.
pub(super) fn canonical_mac(text: &str) -> String {
    let bytes = text.as_bytes();
    if bytes.get(2) == Some(&b':') && !bytes.iter().any(u8::is_ascii_lowercase) {
        return text.to_owned();
    }
    let mut canonical = String::with_capacity(17);
    for (index, digit) in text.bytes().filter(u8::is_ascii_hexdigit).enumerate() {
        if index > 0 && index % 2 == 0 {
            canonical.push(':');
        }
        canonical.push(char::from(digit.to_ascii_uppercase()));
    }
    canonical
}
