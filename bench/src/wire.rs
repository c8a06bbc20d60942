//! HTTP/1.1 over one kept-alive loopback connection, written by hand so that the load costs little of the two cores:
//! the head is read for its status and `content-length`, nothing else.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer that is taken.
const MOST: usize = 64 * 1024 * 1024;

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back; the body lies in the connection's buffer.
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot reach {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4_096),
        })
    }

    /// Sends a whole request; answers with the status and the body.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the connection was closed"
            );
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
        };
        let end = head.body + head.length;
        ensure!(end <= MOST, "an answer of {end} bytes");
        while self.buffer.len() < end {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the connection was closed"
            );
        }
        Ok((head.status, &self.buffer[head.body..end]))
    }

    /// A header of the last answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let end = self
            .buffer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&self.buffer[..end]).ok()?;
        text.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The head once it is complete.
fn head(buffer: &[u8]) -> Result<Option<Head>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[..end]).context("an answer that is no HTTP")?;
    let status = text
        .get(9..12)
        .and_then(|code| code.parse().ok())
        .context("an answer without a status")?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    match length {
        Some(length) => Ok(Some(Head {
            status,
            length,
            body: end + 4,
        })),
        None if status == 204 => Ok(Some(Head {
            status,
            length: 0,
            body: end + 4,
        })),
        None => bail!("an answer without content-length: {text}"),
    }
}

pub const JSON: &str = "content-type: application/json\r\n";

/// A request with a body; `headers` are whole lines, each with its end.
pub fn request(method: &str, path: &str, headers: &str, body: &[u8], into: &mut Vec<u8>) {
    use std::io::Write as _;
    into.clear();
    // A vector takes everything.
    let _ = write!(
        into,
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    into.extend_from_slice(body);
}
