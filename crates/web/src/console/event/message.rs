//! The message that an event came with: its bytes exactly as they came, and its headers.

use std::fmt::Write as _;

use domain::MessageId;
use domain::message::Message;
use http::StatusCode;

use crate::App;
use crate::api::journal;
use crate::console::text::{Shown, WHOLE, visible};
use crate::hex::hex;
use crate::problem::Problem;
use crate::read::Caller;

/// Most bytes that a page shows in hexadecimal; the file has all.
const HEX_BYTES: usize = 16 * 1024;
/// Bytes of one line of them.
const LINE: usize = 16;
/// Longest message that is written out as JSON again.
const JSON_BYTES: usize = 256 * 1024;

/// A message as a page shows it.
#[derive(Debug)]
pub(super) struct MessageView {
    pub(super) id: String,
    pub(super) sha256: String,
    pub(super) size: usize,
    pub(super) webhook_id: Option<Shown>,
    pub(super) id_reused: bool,
    /// With secrets masked.
    pub(super) headers: Vec<(String, Shown)>,
    /// Events that it holds, as far as the reader may see them.
    pub(super) events: usize,
    /// None where it holds alerts of companies that the reader may not see.
    pub(super) raw: Option<Raw>,
}

/// The bytes, as one or the other.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) text: Shown,
    /// They are no UTF-8: what cannot be read stands as a replacement character.
    pub(super) is_lossy: bool,
    pub(super) hex: Option<Vec<HexLine>>,
    /// There is more than the page shows.
    pub(super) is_cut: bool,
}

#[derive(Debug)]
pub(super) struct HexLine {
    pub(super) offset: String,
    pub(super) bytes: String,
    pub(super) text: String,
}

/// A message with what is behind the page about it.
#[derive(Debug)]
pub(super) struct Found {
    message: Message,
    events: usize,
    is_whole: bool,
}

/// None once retention has taken it.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    id: MessageId,
) -> Result<Option<Found>, Problem> {
    match journal::find(app, caller, id).await {
        Ok((message, events, is_whole)) => Ok(Some(Found {
            message,
            events: events.len(),
            is_whole,
        })),
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Ok(None),
        Err(problem) => Err(problem),
    }
}

impl Found {
    /// The message as JSON, spread over lines; none where it is none, is too long, or is not for the reader to see.
    pub(super) fn json(&self) -> Option<String> {
        let raw = &self.message.raw;
        if !self.is_whole || raw.len() > JSON_BYTES {
            return None;
        }
        let json: serde_json::Value = serde_json::from_slice(raw).ok()?;
        serde_json::to_string_pretty(&json).ok()
    }
}

impl MessageView {
    pub(super) fn new(found: Found, in_hex: bool) -> Self {
        let message = found.message;
        let header = |(name, value): &(String, String)| (visible(name), Shown::line(value, WHOLE));
        Self {
            id: message.id.to_string(),
            sha256: hex(&message.sha256),
            size: message.raw.len(),
            webhook_id: message
                .webhook_id
                .as_deref()
                .map(|id| Shown::line(id, WHOLE)),
            id_reused: message.id_reused,
            headers: message.headers.iter().map(header).collect(),
            events: found.events,
            raw: found.is_whole.then(|| Raw::new(&message.raw, in_hex)),
        }
    }
}

impl Raw {
    pub(super) fn new(bytes: &[u8], in_hex: bool) -> Self {
        let text = match in_hex {
            true => String::new(),
            false => String::from_utf8_lossy(bytes).into_owned(),
        };
        Self {
            is_lossy: std::str::from_utf8(bytes).is_err(),
            is_cut: match in_hex {
                true => bytes.len() > HEX_BYTES,
                false => text.chars().count() > WHOLE,
            },
            text: Shown::marked(&text, Vec::new()),
            hex: in_hex.then(|| lines(&bytes[..bytes.len().min(HEX_BYTES)])),
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<HexLine> {
    let line = |(number, some): (usize, &[u8])| HexLine {
        offset: format!("{:08x}", number * LINE),
        bytes: some.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{}{byte:02x}", if text.is_empty() { "" } else { " " });
            text
        }),
        text: some.iter().map(|byte| seen(*byte)).collect(),
    };
    bytes.chunks(LINE).enumerate().map(line).collect()
}

impl HexLine {
    /// As wide as a whole line, so that the last one stands in its column.
    pub(super) fn padded(&self) -> String {
        format!("{:<width$}", self.bytes, width = LINE * 3 - 1)
    }
}

/// A byte as the column beside the figures shows it.
fn seen(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

#[cfg(test)]
impl MessageView {
    pub(super) fn sample(in_hex: bool) -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        Self {
            id: "1".to_owned(),
            sha256: "00f1".to_owned(),
            size: 29,
            webhook_id: Some(Shown::line(hostile, WHOLE)),
            id_reused: true,
            headers: vec![(visible(hostile), Shown::line(hostile, WHOLE))],
            events: 2,
            raw: Some(Raw::new(b"<script>alert(1)</script>\xff\0", in_hex)),
        }
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;

    use super::*;

    #[test]
    fn bytes_are_shown_as_they_came() {
        let raw = Raw::new(b"0123456789abcdef\0<\xff", true);
        let hex = raw.hex.unwrap();
        assert_eq!(hex.len(), 2);
        let last = (&hex[1].offset[..], &hex[1].bytes[..], &hex[1].text[..]);
        assert_eq!(last, ("00000010", "00 3c ff", ".<."));
        assert!(raw.is_lossy && !raw.is_cut);
        let raw = Raw::new(b"a\0b", false);
        assert!(raw.hex.is_none() && !raw.is_lossy);
        assert!(raw.text.render().unwrap().contains("U+0000"));
    }

    #[test]
    fn a_long_message_is_cut() {
        let long = vec![b'x'; HEX_BYTES + 1];
        let raw = Raw::new(&long, true);
        assert!(raw.is_cut);
        assert_eq!(raw.hex.unwrap().len(), HEX_BYTES / LINE);
        assert!(Raw::new(&vec![b'x'; WHOLE + 1], false).is_cut);
    }
}
