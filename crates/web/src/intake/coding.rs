//! The content coding of a body: none, or gzip, undone while the body comes in. What is signed, hashed and kept is what the
//! sender wrote before it packed it (docs/adr/0015).

use std::error::Error;
use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header;
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::problem::Problem;
use crate::read::body::{broken, discard, whole};

/// Most bytes that each byte of gzip may become. Prose packs to a fifth, a list of like alerts to a fifteenth.
pub(crate) const RATIO: usize = 20;
/// Up to this length the ratio is not looked at: what is small may be as even as it likes.
pub(crate) const RATIO_FLOOR: usize = 64 * 1_024;

/// The codings that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// One layer at most: a list of codings is none that is taken.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut lines = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(line) = lines.next() else {
            return Ok(Self::Identity);
        };
        let said = line.as_bytes().trim_ascii();
        let is = |name: &[u8]| said.eq_ignore_ascii_case(name);
        match lines.next() {
            None if is(b"identity") => Ok(Self::Identity),
            None if is(b"gzip") || is(b"x-gzip") => Ok(Self::Gzip),
            _ => Err(Problem::unsupported_coding()),
        }
    }

    /// The body without its coding, at most so long.
    pub(super) async fn read<B>(self, body: B, most: usize) -> Result<Bytes, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match self {
            Self::Identity => whole(body, most).await,
            Self::Gzip => unpacked(body, most).await,
        }
    }
}

/// Each piece is unpacked as it comes, and nothing is unpacked past the cap: of a bomb no more than that is ever in memory.
async fn unpacked<B>(mut body: B, most: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut decoder = MultiGzDecoder::new(Unpacked::new(most));
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        decoder.get_mut().packed += piece.len();
        // A gzip longer than what may come of it only holds empty parts.
        let fits = decoder.get_ref().packed <= most.saturating_mul(2);
        if !fits || decoder.write_all(&piece).is_err() {
            let problem = match decoder.get_ref().refused {
                _ if !fits => Problem::too_large(most),
                Some(refused) => refused.problem(most),
                None => Problem::malformed(NO_GZIP),
            };
            discard(body).await;
            return Err(problem);
        }
    }
    match decoder.try_finish() {
        Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes).into()),
        Err(_) => Err(match decoder.get_ref().refused {
            Some(refused) => refused.problem(most),
            None => Problem::malformed(NO_GZIP),
        }),
    }
}

const NO_GZIP: &str = "the body says that it is gzip, and is not, or broke off";

/// What has come of a gzip so far.
struct Unpacked {
    bytes: Vec<u8>,
    most: usize,
    packed: usize,
    refused: Option<Refused>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    TooLarge,
    TooDense,
}

impl Refused {
    fn problem(self, most: usize) -> Problem {
        match self {
            Self::TooLarge => Problem::too_large(most),
            Self::TooDense => Problem::too_dense(RATIO),
        }
    }
}

impl Unpacked {
    fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            packed: 0,
            refused: None,
        }
    }
}

impl Write for Unpacked {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let length = self.bytes.len() + piece.len();
        let dense = self.packed.saturating_mul(RATIO).max(RATIO_FLOOR);
        self.refused = if length > self.most {
            Some(Refused::TooLarge)
        } else {
            (length > dense).then_some(Refused::TooDense)
        };
        if self.refused.is_some() {
            return Err(io::Error::other("past the cap"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::StatusCode;
    use http_body_util::{Full, StreamBody};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn read(body: Vec<u8>, most: usize) -> Result<Bytes, StatusCode> {
        let read = Coding::Gzip.read(Full::new(Bytes::from(body)), most).await;
        read.map_err(|problem| problem.status())
    }

    /// Bytes that do not pack well.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (state >> 28) as u8
        };
        (0..length).map(next).collect()
    }

    #[tokio::test]
    async fn what_was_packed_comes_back_whole_or_in_pieces() {
        let text = noise(200_000);
        assert_eq!(read(packed(&text), 1 << 20).await.unwrap(), text);
        let both = [packed(&text[..100]), packed(&text[100..])].concat();
        assert_eq!(read(both, 1 << 20).await.unwrap(), text);
        let pieces: Vec<Result<_, io::Error>> = packed(&text)
            .chunks(1)
            .map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let dripping = StreamBody::new(futures_util::stream::iter(pieces));
        assert_eq!(Coding::Gzip.read(dripping, 1 << 20).await.unwrap(), text);
        assert_eq!(read(packed(b""), 1 << 20).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_bomb_is_413_and_small_things_may_be_as_even_as_they_like() {
        let even = |length: usize| packed(&vec![b' '; length]);
        assert!(read(even(RATIO_FLOOR), 1 << 20).await.is_ok());
        let too_dense = read(even(RATIO_FLOOR + 1), 1 << 20).await;
        assert_eq!(too_dense, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let too_large = read(packed(&noise(1_001)), 1_000).await;
        assert_eq!(too_large, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert!(read(packed(&noise(1_000)), 1_000).await.is_ok());
        let empty_parts = packed(b"").repeat(200);
        let too_large = read(empty_parts, 1_000).await;
        assert_eq!(too_large, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn what_is_no_gzip_or_broke_off_is_400() {
        let good = packed(&noise(1_000));
        let mut flipped = good.clone();
        let end = flipped.len() - 6;
        flipped[end] ^= 1;
        for bad in [
            b"{\"subject\": \"plain\"}".to_vec(),
            good[..good.len() - 1].to_vec(),
            good[..20].to_vec(),
            [&good[..], b"rubbish"].concat(),
            Vec::new(),
            flipped,
        ] {
            assert_eq!(read(bad, 1 << 20).await, Err(StatusCode::BAD_REQUEST));
        }
    }
}
