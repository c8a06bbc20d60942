//! The targets: answers every POST with 200 and keeps number, `webhook-id` and time of each. Written by hand, for it
//! shares the cores with what is measured.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufWriter, Stdin, Write as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use testkit::{Authority, Certificate};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// The longest request that is taken.
const MOST: usize = 1024 * 1024;

/// Everything that arrived: number, hash of the `webhook-id`, microseconds since 1970.
#[derive(Default)]
struct Book {
    arrivals: Vec<(u32, u64, i64)>,
    seen: Vec<bool>,
    distinct: u64,
    ids: RandomState,
}

type Shared = Arc<Mutex<Book>>;

pub fn run(ports: usize, hung: usize, ca: Option<&str>) -> Result<()> {
    let book = Shared::default();
    let asked = Arc::clone(&book);
    let (hang, hangs) = watch::channel(true);
    super::end_with_the_parent(move |input| answer(&input, &asked, &hang));
    let tls = ca.map(acceptor).transpose()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut open = Vec::new();
            for place in 0..ports + hung {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                open.push(listener.local_addr()?.port().to_string());
                tokio::spawn(accept(
                    listener,
                    Arc::clone(&book),
                    tls.clone(),
                    (place >= ports).then(|| hangs.clone()),
                ));
            }
            super::ready(&open.join(" "))?;
            std::future::pending().await
        })
}

/// A certificate of our own; its root is written where the product is told to look for it.
fn acceptor(ca: &str) -> Result<TlsAcceptor> {
    let authority = Authority::new();
    std::fs::write(ca, authority.pem()).with_context(|| format!("cannot write {ca}"))?;
    Ok(TlsAcceptor::from(authority.server(Certificate::Good)))
}

/// Told whether a target that may hang does.
type Hangs = Option<watch::Receiver<bool>>;

async fn accept(listener: TcpListener, book: Shared, tls: Option<TlsAcceptor>, hangs: Hangs) {
    while let Ok((stream, _)) = listener.accept().await {
        let (book, tls, hangs) = (Arc::clone(&book), tls.clone(), hangs.clone());
        tokio::spawn(async move {
            // A connection that breaks is the other side's to notice.
            let _ = match tls {
                None => conversation(plain(stream), &book, hangs).await,
                Some(tls) => match tls.accept(plain(stream)).await {
                    Ok(stream) => conversation(stream, &book, hangs).await,
                    Err(error) => Err(error.into()),
                },
            };
        });
    }
}

fn plain(stream: TcpStream) -> TcpStream {
    // A stream that refuses is as good without.
    let _ = stream.set_nodelay(true);
    stream
}

async fn conversation(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    book: &Shared,
    mut hangs: Hangs,
) -> Result<()> {
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        let Some(places) = request(&buffer)? else {
            anyhow::ensure!(buffer.len() < MOST, "a request without end");
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        // Also a target that hangs has answered the test alert when it was set up.
        if let Some(hangs) = &mut hangs
            && crate::alerts::number(&buffer[places.body.clone()]).is_some()
        {
            hangs.wait_for(|hangs| !hangs).await?;
        }
        book.lock().unwrap_or_else(PoisonError::into_inner).write(
            &buffer[places.body.clone()],
            &buffer[places.webhook_id.clone()],
        );
        stream.write_all(ANSWER).await?;
        buffer.drain(..places.body.end);
    }
}

/// Where the parts of a complete request lie in the buffer.
struct Places {
    body: std::ops::Range<usize>,
    webhook_id: std::ops::Range<usize>,
}

/// None while the request is not complete.
fn request(buffer: &[u8]) -> Result<Option<Places>> {
    let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (mut length, mut webhook_id, mut place) = (0, 0..0, 0);
    for line in buffer[..head].split(|byte| *byte == b'\n') {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let value = &line[colon + 1..];
            match &line[..colon] {
                name if name.eq_ignore_ascii_case(b"content-length") => {
                    length = std::str::from_utf8(value)?
                        .trim()
                        .parse::<usize>()?
                        .min(MOST);
                }
                name if name.eq_ignore_ascii_case(b"webhook-id") => {
                    webhook_id = place + colon + 1..place + line.len();
                }
                _ => {}
            }
        }
        place += line.len() + 1;
    }
    let body = head + 4..head + 4 + length;
    Ok((buffer.len() >= body.end).then_some(Places { body, webhook_id }))
}

impl Book {
    fn write(&mut self, body: &[u8], id: &[u8]) {
        // Test alerts of check and finish bear no number.
        let Some(number) = crate::alerts::number(body) else {
            return;
        };
        self.arrivals
            .push((number, self.ids.hash_one(id), crate::load::wall()));
        let place = number as usize;
        if self.seen.len() <= place {
            self.seen.resize(place + 1, false);
        }
        self.distinct += u64::from(!self.seen[place]);
        self.seen[place] = true;
    }
}

/// Answers the parent's lines.
fn answer(input: &Stdin, book: &Shared, hang: &watch::Sender<bool>) -> Result<()> {
    for line in input.lock().lines() {
        let book = book.lock().unwrap_or_else(PoisonError::into_inner);
        match line?.as_str() {
            "count" => super::ready(&book.distinct.to_string())?,
            "report" => report(&book)?,
            word @ ("hang" | "answer") => {
                hang.send_replace(word == "hang");
                super::ready(word)?;
            }
            other => anyhow::bail!("the sink does not know {other}"),
        }
    }
    Ok(())
}

/// One line a number: number, time of the first, arrivals, different ids.
fn report(book: &Book) -> Result<()> {
    let mut by_number: HashMap<u32, (i64, Vec<u64>)> = HashMap::new();
    for (number, id, at) in &book.arrivals {
        let (first, ids) = by_number.entry(*number).or_insert((*at, Vec::new()));
        *first = (*first).min(*at);
        ids.push(*id);
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, (first, mut ids)) in by_number {
        let times = ids.len();
        ids.sort_unstable();
        ids.dedup();
        writeln!(out, "{number} {first} {times} {}", ids.len())?;
    }
    writeln!(out, "end")?;
    Ok(out.flush()?)
}
