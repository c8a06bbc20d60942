//! A file on its way to a server, read while it goes.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::Frame;
use scan::{FILE_BYTES, ScanError};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::{Answer, Api, with_query};
use crate::exit::Failure;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Longest answer that is read, in bytes.
const ANSWER_BYTES: usize = 1024 * 1024;
/// Over a whole exchange: a server lets a file come for a quarter of an hour.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A file that can be sent, and sent again.
#[derive(Debug)]
pub(crate) struct Upload {
    name: PathBuf,
    file: File,
    length: u64,
}

impl Upload {
    /// A file. What stands on standard input (`-`) or comes out of a pipe is kept in a nameless one while it is needed.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::reading(path.display(), &error);
        let (file, length) = match path.as_os_str() == "-" {
            true => spooled(io::stdin()).map_err(failed)?,
            false => {
                let file = File::open(path).map_err(failed)?;
                let metadata = file.metadata().map_err(failed)?;
                if metadata.is_dir() {
                    return Err(failed(io::ErrorKind::IsADirectory.into()));
                }
                match metadata.is_file() {
                    true => (file, metadata.len()),
                    false => spooled(file).map_err(failed)?,
                }
            }
        };
        if length > FILE_BYTES {
            let error = ScanError::TooLarge;
            return Err(Failure::data(&error).help(error.help().unwrap_or_default()));
        }
        Ok(Self {
            name: path.to_owned(),
            file,
            length,
        })
    }

    /// From its beginning.
    fn pieces(&self) -> Result<impl Stream<Item = io::Result<Frame<Bytes>>> + use<>, Failure> {
        let failed = |error: io::Error| Failure::reading(self.name.display(), &error);
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        // What is written behind its end meanwhile does not belong to it.
        let file = tokio::fs::File::from_std(file).take(self.length);
        Ok(stream::try_unfold(file, async |mut file| {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await?;
            Ok((read > 0).then(|| (Frame::data(piece.freeze()), file)))
        }))
    }
}

/// A copy that can be read twice, no longer than one byte more than a file may be.
fn spooled(input: impl io::Read) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let length = io::copy(&mut input.take(FILE_BYTES + 1), &mut file)?;
    Ok((file, length))
}

impl Api {
    /// Posts a file; whatever the server answers is an answer.
    pub(crate) async fn upload(
        &self,
        path: &str,
        query: &[(String, String)],
        upload: &Upload,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        let path = with_query(path, query);
        let exchange = self.post_file(&path, upload, headers);
        let exchange = tokio::time::timeout(TIMEOUT, exchange).await;
        exchange.map_err(|_| {
            let minutes = TIMEOUT.as_secs() / 60;
            Failure::unavailable(format!(
                "the server has not answered within {minutes} minutes"
            ))
        })?
    }

    async fn post_file(
        &self,
        path: &str,
        upload: &Upload,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        let body = Box::pin(StreamBody::new(upload.pieces()?));
        let answer = self.send(Method::POST, path, body, |request| {
            request.insert(CONTENT_LENGTH, HeaderValue::from(upload.length));
            request.extend(headers.iter().cloned());
        });
        let answer = answer.await?;
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(answer.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| {
            Failure::unavailable(format!("the answer of the server broke off: {error}"))
        })?;
        Ok(Answer {
            status,
            body: serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null),
            retry_after: seconds.map(Duration::from_secs),
        })
    }
}
