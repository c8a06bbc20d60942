//! HTTP/1.1 by hand, so that tests see the very bytes and can break every rule.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Received;

/// A head or body beyond this is a mistake of the test.
const REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// One connection of the target.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Closes with a reset rather than an orderly end.
    pub(super) fn reset(self) {
        let stream = match &self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        // A failure means that the peer was faster; the connection is gone either way.
        let _ = stream.set_zero_linger();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Reads on until something is there; false at the end of the connection.
pub(super) async fn more(wire: &mut Wire, buffer: &mut Vec<u8>) -> io::Result<bool> {
    if buffer.len() > REQUEST_BYTES {
        return Err(io::Error::other(
            "a request beyond the limit of the test target",
        ));
    }
    Ok(wire.read_buf(buffer).await? > 0)
}

/// One whole request, taken off the front of `buffer`; none at the end of the connection.
pub(super) async fn request(wire: &mut Wire, buffer: &mut Vec<u8>) -> io::Result<Option<Received>> {
    let head_end = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if !more(wire, buffer).await? {
            return Ok(None);
        }
    };
    let head: Vec<u8> = buffer.drain(..head_end).collect();
    let mut received = Received::of_head(head);
    received.body = if received
        .header("transfer-encoding")
        .is_some_and(|value| value.contains("chunked"))
    {
        chunked(wire, buffer).await?
    } else {
        let length = received
            .header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        exactly(wire, buffer, length).await?
    };
    Ok(Some(received))
}

async fn exactly(wire: &mut Wire, buffer: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < length {
        if !more(wire, buffer).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(buffer.drain(..length).collect())
}

async fn chunked(wire: &mut Wire, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = loop {
            if let Some(end) = find(buffer, b"\r\n") {
                break end;
            }
            if !more(wire, buffer).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let line: Vec<u8> = buffer.drain(..line_end + 2).collect();
        let size = std::str::from_utf8(&line[..line_end])
            .ok()
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        let chunk = exactly(wire, buffer, size + 2).await?;
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return Ok(body);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
