//! The view of a body that is matched: CRLF as LF, white space around it left out; its offsets map back to the original.

use std::borrow::Cow;

#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Bytes of white space left out in front.
    front: usize,
    /// The offsets, in the view, of the line feeds whose carriage return was left out.
    shortened: Vec<usize>,
}

impl<'a> View<'a> {
    pub(crate) fn new(body: &'a str) -> Self {
        let trimmed = body.trim_ascii();
        let front = body.len() - body.trim_ascii_start().len();
        let front = if trimmed.is_empty() { 0 } else { front };
        if memchr::memchr(b'\r', trimmed.as_bytes()).is_none() {
            return Self {
                text: Cow::Borrowed(trimmed),
                front,
                shortened: Vec::new(),
            };
        }
        let mut text = String::with_capacity(trimmed.len());
        let mut shortened = Vec::new();
        let mut pieces = trimmed.split('\r').peekable();
        while let Some(piece) = pieces.next() {
            text.push_str(piece);
            match pieces.peek() {
                Some(next) if next.starts_with('\n') => shortened.push(text.len()),
                // A carriage return alone breaks a line too.
                Some(_) => text.push('\n'),
                None => {}
            }
        }
        Self {
            text: Cow::Owned(text),
            front,
            shortened,
        }
    }

    /// The offset in the body of an offset in the view, as the start of something.
    pub(crate) fn start(&self, at: usize) -> usize {
        at + self.front + self.shortened.partition_point(|feed| *feed < at)
    }

    /// The same, as the end of something.
    pub(crate) fn end(&self, at: usize) -> usize {
        self.start(at)
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn offsets_point_into_the_original() {
        let body = " one\r\ntwo\rthree\r\n";
        let view = View::new(body);
        assert_eq!(view.text, "one\ntwo\nthree");
        for word in ["one", "two", "three"] {
            let at = view.text.find(word).unwrap();
            assert_eq!(&body[view.start(at)..view.end(at + word.len())], word);
        }
    }
}
