//! Envelopes that are not JSON: form-encoded, and plain text with a subject line.

use std::borrow::Cow;

use super::{Letter, Rule, Unreadable};

pub(super) fn letter(text: &str) -> Result<(Letter<'_>, Rule), Unreadable> {
    if let Some(letter) = plain(text) {
        return Ok((letter, Rule::PlainText));
    }
    form(text)
        .map(|letter| (letter, Rule::FormEncoded))
        .ok_or(Unreadable)
}

/// A line `Subject: …`, an empty line, the body as it stands.
fn plain(text: &str) -> Option<Letter<'_>> {
    const LABEL: &str = "subject:";
    let label = text
        .get(..LABEL.len())
        .filter(|label| label.eq_ignore_ascii_case(LABEL))?;
    let (subject, rest) = text[label.len()..].split_once('\n')?;
    let body = rest
        .strip_prefix('\n')
        .or_else(|| rest.strip_prefix("\r\n"))?;
    Some(Letter {
        subject: Cow::Borrowed(subject.trim_ascii()),
        body: Cow::Borrowed(body),
    })
}

/// `subject=…&body=…`, in any order, among other keys. A key that comes twice has its last value, as in JSON.
fn form(text: &str) -> Option<Letter<'_>> {
    let text = text.trim_ascii();
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return None;
    }
    let mut letter = Letter::default();
    let mut known = false;
    for pair in text.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match &*unescaped(key)? {
            "subject" => &mut letter.subject,
            "body" => &mut letter.body,
            _ => continue,
        };
        *slot = Cow::Owned(unescaped(value)?);
        known = true;
    }
    known.then_some(letter)
}

/// `+` and `%41` undone; a `%` that begins no escape stays. `None` when the bytes are no text.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let escape = (byte == b'%')
            .then(|| Some((hex(ahead.next()?)?, hex(ahead.next()?)?)))
            .flatten();
        match (byte, escape) {
            (_, Some((high, low))) => {
                bytes.push(high << 4 | low);
                rest = ahead;
            }
            (b'+', None) => bytes.push(b' '),
            (other, None) => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
