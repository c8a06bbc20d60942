//! The small pieces of text that stand between fields: literals, gaps, joins, blanks.

/// Blanks that a single blank of a literal, or the front of a field, may stand for.
const MOST_BLANKS: usize = 16;

/// A literal of a template: as it is written there, and in the lower case in which it is compared.
#[derive(Debug)]
pub(crate) struct Phrase {
    written: Box<[u8]>,
    pub(crate) lower: Box<[u8]>,
}

impl Phrase {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            written: text.as_bytes().into(),
            lower: text.to_ascii_lowercase().into_bytes().into(),
        }
    }

    /// Its end when it stands at `at`, in any case.
    #[inline]
    pub(crate) fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        if rest.starts_with(&self.written) {
            return Some(at + self.written.len());
        }
        if !fits(*rest.first()?, self.lower[0]) {
            return None;
        }
        spread(text, at, &self.lower)
    }
}

/// Whether a byte can stand for one of a literal; a tab is a blank too.
#[inline]
fn fits(byte: u8, pattern: u8) -> bool {
    byte.to_ascii_lowercase() == pattern || (byte == b'\t' && pattern == b' ')
}

/// A literal whose blanks are spread out, or whose last blank was cut off with the end of the text.
fn spread(text: &[u8], mut at: usize, pattern: &[u8]) -> Option<usize> {
    let mut blanks = 0;
    let mut index = 0;
    while index < pattern.len() {
        match text.get(at) {
            Some(byte) if fits(*byte, pattern[index]) => index += 1,
            Some(b' ' | b'\t')
                if index > 0 && pattern[index - 1] == b' ' && blanks < MOST_BLANKS =>
            {
                blanks += 1
            }
            Some(_) => return None,
            None if index > 0 && pattern[index..] == *b" " => return Some(at),
            None => return None,
        }
        at += 1;
    }
    Some(at)
}

/// Whether a literal that was found at the end of the text lost its last blank there.
pub(crate) fn is_cut(text: &[u8], pattern: &[u8]) -> bool {
    pattern.last() == Some(&b' ') && !matches!(text.last(), Some(b' ' | b'\t'))
}

/// The end of the blanks at `at`.
#[inline]
pub(crate) fn skip_blanks(text: &[u8], at: usize) -> usize {
    if !matches!(text.get(at), Some(b' ' | b'\t')) {
        return at;
    }
    at + text[at..]
        .iter()
        .take(MOST_BLANKS)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// `{ws}`: a run of white space, of `\n` spelled out, of stray backslashes and of `<br>`.
pub(crate) fn gap(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    loop {
        end += match text.get(end) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => 1,
            Some(b'\\') if matches!(text.get(end + 1), Some(b'n' | b'r' | b't')) => 2,
            Some(b'\\') => 1,
            Some(b'<') => match line_break_tag(&text[end..]) {
                Some(length) => length,
                None => break,
            },
            _ => break,
        };
    }
    (end > at).then_some(end)
}

fn line_break_tag(text: &[u8]) -> Option<usize> {
    [&b"<br>"[..], b"<br/>", b"<br />"]
        .into_iter()
        .find(|tag| {
            text.get(..tag.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(tag))
        })
        .map(<[u8]>::len)
}

/// What stands between two repeats: a gap, and before it the mark that ends a sentence, where that cannot be the value's.
pub(crate) fn join(text: &[u8], at: usize, punctuation: bool) -> Option<usize> {
    let mark = usize::from(punctuation && matches!(text.get(at), Some(b'.' | b',' | b';')));
    gap(text, at + mark)
}
