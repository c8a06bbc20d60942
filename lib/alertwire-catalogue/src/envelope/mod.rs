//! The envelope: from bytes to subjects and bodies.
//!
//! One parser for all: it reads strict JSON and, where a sender broke the rules in one of the ways below, goes on and
//! notes the repair with its offset. So the same bytes have the same verdict always, and a strict reading is one that
//! needed no repair. Nothing is ever dropped: what cannot be read is a failed decode, with the text kept whole.

mod json;
mod text;

use std::borrow::Cow;

use crate::limits::Limits;

/// How the envelope was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decode {
    /// As it stands.
    Ok,
    /// With repairs, each of them noted.
    Repaired,
    /// Not at all: the text is kept as the body of one alert without subject.
    Failed,
}

impl Decode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Repaired => "repaired",
            Self::Failed => "failed",
        }
    }
}

/// One repair of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The place in the payload, in bytes.
    pub offset: usize,
    pub rule: Rule,
}

/// What a repair did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A backslash before what is no legal escape was kept as a backslash.
    KeptBackslash,
    /// A control character inside a string was kept.
    RawControl,
    /// A byte order mark in front was skipped.
    ByteOrderMark,
    /// A comma before a closing bracket was skipped.
    TrailingComma,
    /// The envelope is form-encoded.
    FormEncoded,
    /// The envelope is plain text: a line `Subject: …`, an empty line, the body.
    PlainText,
}

impl Rule {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeptBackslash => "kept_backslash",
            Self::RawControl => "raw_control",
            Self::ByteOrderMark => "byte_order_mark",
            Self::TrailingComma => "trailing_comma",
            Self::FormEncoded => "form_encoded",
            Self::PlainText => "plain_text",
        }
    }
}

/// A subject and a body, as they stood in the envelope.
#[derive(Debug, Default)]
pub(crate) struct Letter<'a> {
    pub(crate) subject: Cow<'a, str>,
    pub(crate) body: Cow<'a, str>,
}

#[derive(Debug)]
pub(crate) enum Letters<'a> {
    One(Letter<'a>),
    Array(Vec<Letter<'a>>),
}

#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) letters: Letters<'a>,
    pub(crate) decode: Decode,
    pub(crate) repairs: Vec<Repair>,
}

/// The payload is no envelope; what exactly is wrong with it decides nothing.
#[derive(Debug)]
pub(crate) struct Unreadable;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Reads the envelope; never fails, for a failed decode is an answer.
pub(crate) fn decode<'a>(payload: &'a [u8], limits: &Limits) -> Envelope<'a> {
    if payload.len() <= limits.payload_bytes.min(Limits::MOST_BYTES)
        && let Ok(text) = std::str::from_utf8(payload)
        && let Ok(envelope) = decode_text(text, limits)
    {
        return envelope;
    }
    let letter = Letter {
        subject: Cow::Borrowed(""),
        body: String::from_utf8_lossy(payload),
    };
    Envelope {
        letters: Letters::One(letter),
        decode: Decode::Failed,
        repairs: Vec::new(),
    }
}

fn decode_text<'a>(text: &'a str, limits: &Limits) -> Result<Envelope<'a>, Unreadable> {
    let mut repairs = Vec::new();
    let (text, skipped) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => {
            repairs.push(Repair {
                offset: 0,
                rule: Rule::ByteOrderMark,
            });
            (rest, BYTE_ORDER_MARK.len())
        }
        None => (text, 0),
    };
    let letters = match text.trim_ascii_start().as_bytes().first() {
        Some(b'{' | b'[') => json::letters(text, skipped, limits, &mut repairs)?,
        _ => {
            let (letter, rule) = text::letter(text)?;
            repairs.push(Repair {
                offset: skipped,
                rule,
            });
            Letters::One(letter)
        }
    };
    let decode = if repairs.is_empty() {
        Decode::Ok
    } else {
        Decode::Repaired
    };
    Ok(Envelope {
        letters,
        decode,
        repairs,
    })
}
