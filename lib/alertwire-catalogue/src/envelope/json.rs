//! JSON envelopes: an object with `subject` and `body`, or an array of such objects.

use std::borrow::Cow;

use memchr::memchr2;

use super::{Letter, Letters, Repair, Rule, Unreadable};
use crate::limits::Limits;

/// Reads the whole text; offsets of repairs count from `skipped` bytes before it.
pub(super) fn letters<'a>(
    text: &'a str,
    skipped: usize,
    limits: &Limits,
    repairs: &mut Vec<Repair>,
) -> Result<Letters<'a>, Unreadable> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        skipped,
        limits,
        repairs,
    };
    reader.blanks();
    let letters = match reader.peek() {
        Some(b'[') => Letters::Array(reader.array()?),
        _ => Letters::One(reader.letter(1)?),
    };
    reader.blanks();
    if reader.at != text.len() {
        return Err(Unreadable);
    }
    Ok(letters)
}

struct Reader<'a, 'r> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    skipped: usize,
    limits: &'r Limits,
    repairs: &'r mut Vec<Repair>,
}

/// What comes behind an element of an array or an object.
#[derive(PartialEq, Eq)]
enum Behind {
    Element,
    Close,
}

impl<'a> Reader<'a, '_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.peek() != Some(byte) {
            return Err(Unreadable);
        }
        self.at += 1;
        Ok(())
    }

    fn repair(&mut self, offset: usize, rule: Rule) -> Result<(), Unreadable> {
        if self.repairs.len() >= self.limits.repairs {
            return Err(Unreadable);
        }
        self.repairs.push(Repair {
            offset: self.skipped + offset,
            rule,
        });
        Ok(())
    }

    fn array(&mut self) -> Result<Vec<Letter<'a>>, Unreadable> {
        self.expect(b'[')?;
        let mut letters = Vec::new();
        loop {
            self.blanks();
            if letters.len() == self.limits.alerts {
                return Err(Unreadable);
            }
            letters.push(self.letter(2)?);
            if self.behind(b']')? == Behind::Close {
                return Ok(letters);
            }
        }
    }

    /// Takes the comma or the closing bracket behind an element; a comma right before the bracket is skipped.
    fn behind(&mut self, close: u8) -> Result<Behind, Unreadable> {
        self.blanks();
        let comma = self.at;
        if self.peek() == Some(b',') {
            self.at += 1;
            self.blanks();
            if self.peek() != Some(close) {
                return Ok(Behind::Element);
            }
            self.repair(comma, Rule::TrailingComma)?;
        }
        self.expect(close)?;
        Ok(Behind::Close)
    }

    /// One object. Other keys are passed over; of a key that comes twice the last value stands.
    fn letter(&mut self, depth: usize) -> Result<Letter<'a>, Unreadable> {
        if depth > self.limits.json_depth {
            return Err(Unreadable);
        }
        self.expect(b'{')?;
        let mut letter = Letter::default();
        let mut known = false;
        self.blanks();
        // An object with neither key is no alert, and an empty one has neither.
        loop {
            let key = self.key()?;
            match &*key {
                "subject" => letter.subject = self.content(depth)?,
                "body" => letter.body = self.content(depth)?,
                _ => self.skip(depth)?,
            }
            known |= matches!(&*key, "subject" | "body");
            if self.behind(b'}')? == Behind::Close {
                break;
            }
        }
        if known { Ok(letter) } else { Err(Unreadable) }
    }

    /// A key and its colon, up to the value.
    fn key(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(key)
    }

    /// A subject or a body: a string; null is an empty one; anything else stands as it is written.
    fn content(&mut self, depth: usize) -> Result<Cow<'a, str>, Unreadable> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        let start = self.at;
        self.skip(depth)?;
        let written = &self.text[start..self.at];
        Ok(Cow::Borrowed(if written == "null" { "" } else { written }))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        self.expect(b'"')?;
        let start = self.at;
        let found = memchr2(b'"', b'\\', &self.bytes[start..]).ok_or(Unreadable)?;
        let end = start + found;
        if self.bytes[end] == b'"' && !holds_controls(&self.bytes[start..end]) {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.mended_string(start).map(Cow::Owned)
    }

    /// A string with escapes, or with what a repair must keep.
    fn mended_string(&mut self, start: usize) -> Result<String, Unreadable> {
        let mut string = String::with_capacity(self.text.len().min(start + 256) - start);
        self.at = start;
        loop {
            let plain = self.at;
            let found = memchr2(b'"', b'\\', &self.bytes[plain..]).ok_or(Unreadable)?;
            self.at = plain + found;
            if holds_controls(&self.bytes[plain..self.at]) {
                for index in plain..self.at {
                    if self.bytes[index] < b' ' {
                        self.repair(index, Rule::RawControl)?;
                    }
                }
            }
            string.push_str(&self.text[plain..self.at]);
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(string);
            }
            match self.escape() {
                Some((letter, length)) => {
                    string.push(letter);
                    self.at += length;
                }
                None => {
                    self.repair(self.at, Rule::KeptBackslash)?;
                    string.push('\\');
                    self.at += 1;
                }
            }
        }
    }

    /// What the escape here stands for, and its length; `None` when it is no legal one.
    fn escape(&self) -> Option<(char, usize)> {
        let letter = match *self.bytes.get(self.at + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        };
        Some((letter, 2))
    }

    fn unicode(&self) -> Option<(char, usize)> {
        let first = self.four_digits(self.at + 2)?;
        if let Some(letter) = char::from_u32(first) {
            return Some((letter, 6));
        }
        // Half of a pair is no letter: only both halves are.
        if !(0xd800..0xdc00).contains(&first)
            || self.bytes.get(self.at + 6..self.at + 8) != Some(b"\\u")
        {
            return None;
        }
        let second = self
            .four_digits(self.at + 8)
            .filter(|second| (0xdc00..0xe000).contains(second))?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            .map(|letter| (letter, 12))
    }

    fn four_digits(&self, at: usize) -> Option<u32> {
        self.bytes
            .get(at..at + 4)?
            .iter()
            .try_fold(0, |number, byte| {
                Some(number << 4 | char::from(*byte).to_digit(16)?)
            })
    }

    /// Passes over a value, whatever it is, without recursion: the open brackets are a list of at most `json_depth`.
    fn skip(&mut self, depth: usize) -> Result<(), Unreadable> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek().ok_or(Unreadable)? {
                bracket @ (b'{' | b'[') => {
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    if depth + open.len() >= self.limits.json_depth {
                        return Err(Unreadable);
                    }
                    self.at += 1;
                    self.blanks();
                    if self.peek() != Some(close) {
                        open.push(close);
                        if close == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.string()?;
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            loop {
                let Some(close) = open.last().copied() else {
                    return Ok(());
                };
                if self.behind(close)? == Behind::Element {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Unreadable> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Unreadable);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(Unreadable)
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), Unreadable> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

/// Without an early end, so that the compiler looks at many bytes at once.
fn holds_controls(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < b' '))
}
