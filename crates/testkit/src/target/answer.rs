//! What a scripted target does with one request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Received;

/// The behaviour for one request.
#[derive(Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) manner: Manner,
}

#[derive(Clone)]
pub(super) enum Manner {
    /// Status, headers and body at once; the connection is kept.
    Plain,
    /// As `Plain`, once the target is told to let go.
    Hanging,
    /// Status and headers at once, then one byte of a long body each interval.
    Dripping(Duration),
    /// Status and headers at once, then a body without end.
    Endless,
    /// Closed with a reset, the request unread.
    ResetBeforeReading,
    /// Closed with a reset, the request read.
    ResetAfterReading,
    /// Half of the promised body, then closed.
    Cut,
    /// These bytes after the first bytes of the connection, then closed.
    Greeting(Vec<u8>),
    /// These bytes after the request, then closed.
    Raw(Vec<u8>),
    /// Decided when the request is there.
    Decided(Arc<dyn Fn(&Received) -> Answer + Send + Sync>),
}

impl Answer {
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            manner: Manner::Plain,
        }
    }

    #[must_use]
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// 200 with a JSON body.
    #[must_use]
    pub fn json(body: &str) -> Self {
        Self::ok()
            .header("content-type", "application/json")
            .body(body)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Nothing is written until [`super::Target::let_go`]; then this answer.
    #[must_use]
    pub fn hanging(self) -> Self {
        self.in_manner(Manner::Hanging)
    }

    /// Head at once, then one byte of an endless body each `interval` of the runtime's clock.
    #[must_use]
    pub fn dripping(self, interval: Duration) -> Self {
        self.in_manner(Manner::Dripping(interval))
    }

    /// Head at once, then a body without end, as fast as it is taken.
    #[must_use]
    pub fn endless(self) -> Self {
        self.in_manner(Manner::Endless)
    }

    /// Promises the whole body, writes half of it, closes.
    #[must_use]
    pub fn cut(self) -> Self {
        self.in_manner(Manner::Cut)
    }

    /// `count` headers `x-filler-N`.
    #[must_use]
    pub fn many_headers(mut self, count: usize) -> Self {
        self.headers
            .extend((0..count).map(|n| (format!("x-filler-{n}"), "filler".to_owned())));
        self
    }

    #[must_use]
    pub fn reset_before_reading() -> Self {
        Self::ok().in_manner(Manner::ResetBeforeReading)
    }

    #[must_use]
    pub fn reset_after_reading() -> Self {
        Self::ok().in_manner(Manner::ResetAfterReading)
    }

    /// Writes `bytes` as soon as the client has said anything at all, then closes: for what is not HTTP.
    #[must_use]
    pub fn greeting(bytes: impl AsRef<[u8]>) -> Self {
        Self::ok().in_manner(Manner::Greeting(bytes.as_ref().to_vec()))
    }

    /// Writes `bytes` after the request as they are, then closes.
    #[must_use]
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::ok().in_manner(Manner::Raw(bytes.as_ref().to_vec()))
    }

    /// Looks at the request first.
    pub fn decided(decide: impl Fn(&Received) -> Self + Send + Sync + 'static) -> Self {
        Self::ok().in_manner(Manner::Decided(Arc::new(decide)))
    }

    fn in_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Whether it acts before a request has been read.
    pub(super) fn is_early(&self) -> bool {
        matches!(
            self.manner,
            Manner::ResetBeforeReading | Manner::Greeting(_)
        )
    }

    /// Status line and headers as they go out; with the length of the body unless the manner has none.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.manner {
            Manner::Dripping(_) | Manner::Endless => {
                head.push_str("content-length: 10737418240\r\n")
            }
            _ if self.status == 204 => {}
            _ => head.push_str(&format!("content-length: {}\r\n", self.body.len())),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({})", self.status)
    }
}

/// A gzip stream of well under a hundredth of its size that inflates to `inflated` zeros (its checksum is not right: who
/// inflates that far has lost already).
#[must_use]
pub fn gzip_bomb(inflated: usize) -> Vec<u8> {
    let mut bits = Bits {
        bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
        filled: 0,
    };
    bits.push_low_first(0b011, 3); // The last block, with the fixed Huffman codes of RFC 1951, 3.2.6.
    bits.push_high_first(0b0011_0000, 8); // The literal 0.
    for _ in 0..inflated.saturating_sub(1) / 258 {
        bits.push_high_first(0b1100_0101, 8); // 258 bytes again …
        bits.push_high_first(0, 5); // … from one byte back.
    }
    for _ in 0..inflated.saturating_sub(1) % 258 {
        bits.push_high_first(0b0011_0000, 8);
    }
    bits.push_high_first(0, 7); // End of block.
    let mut bytes = bits.bytes;
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(
        &u32::try_from(inflated % (1 << 32))
            .unwrap_or(0)
            .to_le_bytes(),
    );
    bytes
}

/// DEFLATE packs bits from the low end of each byte.
struct Bits {
    bytes: Vec<u8>,
    /// Bits used in the last byte; 0 means that a new one is due.
    filled: u8,
}

impl Bits {
    fn push_low_first(&mut self, value: u8, count: u8) {
        (0..count).for_each(|bit| self.push((value >> bit) & 1));
    }

    fn push_high_first(&mut self, value: u8, count: u8) {
        (0..count)
            .rev()
            .for_each(|bit| self.push((value >> bit) & 1));
    }

    fn push(&mut self, bit: u8) {
        if self.filled == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << self.filled;
        }
        self.filled = (self.filled + 1) % 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_a_small_gzip_stream() {
        let bomb = gzip_bomb(64 * 1024 * 1024);
        assert_eq!(bomb[..3], [0x1f, 0x8b, 8]);
        assert!(bomb.len() < 64 * 1024 * 1024 / 100, "{}", bomb.len());
    }
}
