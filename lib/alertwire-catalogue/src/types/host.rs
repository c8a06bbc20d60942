//! Host names: labels of letters, digits, `-` and `_`, joined by dots; or an address in the place of a name.

use super::{Ends, address};

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// The name that begins at `at`. A dot behind it may end the sentence or belong to the name: both ends are offered.
pub(super) fn scan(text: &str, at: usize) -> Option<Ends> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..bytes.len().min(at + LONGEST_NAME + 1)];
    let run = rest
        .iter()
        .take_while(|byte| PARTS[usize::from(**byte)])
        .count();
    let end = at + run;
    if bytes.get(end) == Some(&b':')
        && let Some(address) = address::scan_ip(text, at)
    {
        return Ends::at(address);
    }
    let mut name_end = end;
    while name_end > at && matches!(bytes[name_end - 1], b'.' | b'-') {
        name_end -= 1;
    }
    let name = bytes.get(at..name_end)?;
    if name.is_empty() || run > LONGEST_NAME || !stands_alone(bytes, end) || !fits(name) {
        return None;
    }
    if !name.is_ascii() && !text[at..name_end].chars().all(admits) {
        return None;
    }
    // The longer end, with the dot that some resolvers print, comes second.
    let dotted = bytes.get(name_end) == Some(&b'.');
    (name_end == end || dotted).then_some(Ends {
        end: name_end,
        longer: dotted.then_some(name_end + 1),
    })
}

/// The bytes that a name is made of.
const PARTS: [bool; 256] = {
    let mut parts = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        parts[byte] = letter.is_ascii_alphanumeric()
            || matches!(letter, b'-' | b'_' | b'.')
            || letter >= 0x80;
        byte += 1;
    }
    parts
};

/// Labels of 1 to 63 bytes that do not begin the name with a mark.
fn fits(name: &[u8]) -> bool {
    let short = name.len() <= LONGEST_LABEL && !name.windows(2).any(|pair| pair == b"..");
    let labels = || {
        name.split(|byte| *byte == b'.')
            .all(|label| (1..=LONGEST_LABEL).contains(&label.len()))
    };
    !matches!(name[0], b'-' | b'.') && (short || labels())
}

fn admits(letter: char) -> bool {
    letter.is_ascii() || letter.is_alphanumeric()
}

/// A name that runs into one of these is part of something else: a path, a mail address, `N/A`.
fn stands_alone(text: &[u8], end: usize) -> bool {
    !matches!(
        text.get(end),
        Some(b'/' | b'@' | b'\\' | b'-' | b'=' | b'%' | b'&')
    ) || (text.get(end) == Some(&b'\\')
        && text
            .get(end + 1)
            .is_none_or(|next| matches!(next, b' ' | b'\n' | b'n' | b'r' | b't')))
}

/// Without a trailing dot; an address in its canonical form.
pub(super) fn canonical(text: &str) -> String {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.contains(':')
        && let Some(address) = address::canonical_ip(name)
    {
        return address;
    }
    name.to_owned()
}
