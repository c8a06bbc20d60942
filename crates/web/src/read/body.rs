//! Reading a body whole, up to a cap.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::problem::Problem;
use crate::serve::TooSlow;

/// How much of a body that is too large is read and thrown away, so that a sender that is still writing hears the answer
/// and not a reset connection. The body's deadline bounds the time.
pub(super) const DISCARDED: usize = 16 << 20;

/// The body as one piece. When it came as one piece it is not copied.
pub(crate) async fn whole<B>(mut body: B, most: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // What the length header says is known before anything is read.
    if body.size_hint().lower() > most as u64 {
        discard(body).await;
        return Err(Problem::too_large(most));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + piece.len() > most {
            discard(body).await;
            return Err(Problem::too_large(most));
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut joined = BytesMut::with_capacity(first.len() + rest.len());
    joined.extend_from_slice(&first);
    joined.extend_from_slice(&rest);
    Ok(joined.freeze())
}

pub(crate) async fn discard<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut discarded = 0;
    while discarded < DISCARDED
        && let Some(Ok(frame)) = body.frame().await
    {
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
}

pub(crate) fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> Problem {
    let error = error.into();
    let mut source: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(found) = source {
        if found.is::<TooSlow>() {
            return Problem::too_slow();
        }
        source = found.source();
    }
    Problem::malformed("the body broke off")
}
