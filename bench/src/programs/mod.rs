//! The modes of this binary that run as child processes: the limit programs and the sink.
//!
//! Each prints one line when it is ready (its ports) and ends when it is killed or its standard input is closed.

mod limit_http;
mod limit_postgres;
mod limit_sqlite;
mod sink;

use std::io::Write as _;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use tokio::net::TcpListener;

/// Bodies that may wait for the writer.
const QUEUE: usize = 8_192;
/// Bodies that share one commit.
const GROUP: usize = 512;

/// A body and whom to tell when it is on the disk.
type Waiting = (bytes::Bytes, tokio::sync::oneshot::Sender<()>);

pub fn is_one(name: &str) -> bool {
    ["limit-http", "limit-sqlite", "limit-postgres", "sink"].contains(&name)
}

pub fn run(name: &str, arguments: &[String]) -> Result<()> {
    let argument = |place: usize| {
        arguments
            .get(place)
            .map(String::as_str)
            .context("an argument is missing")
    };
    match name {
        "limit-http" => served(async || limit_http::run().await),
        "limit-sqlite" => served(async || limit_sqlite::run(argument(0)?).await),
        "limit-postgres" => served(async || limit_postgres::run(argument(0)?).await),
        "sink" => sink::run(
            argument(0)?.parse()?,
            argument(1)?.parse()?,
            Some(argument(2)?).filter(|path| *path != "-"),
        ),
        _ => bail!("there is no program {name}"),
    }
}

/// On as many threads as the product uses.
fn served(program: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    end_with_the_parent(std::io::read_to_string);
    runtime.block_on(program())
}

/// The parent holds our standard input; when that closes, the parent is gone.
fn end_with_the_parent<T: 'static>(listen: impl FnOnce(std::io::Stdin) -> T + Send + 'static) {
    std::thread::spawn(move || {
        listen(std::io::stdin());
        std::process::exit(0);
    });
}

/// Serves on a free port and says which.
async fn serve(router: Router) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    ready(&listener.local_addr()?.port().to_string())?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Without it an answer may wait for an acknowledgement; a stream that refuses is as good without.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

fn ready(line: &str) -> Result<()> {
    println!("{line}");
    Ok(std::io::stdout().flush()?)
}
