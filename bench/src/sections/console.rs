//! The console over a million events whose deliveries have ended: how long a page takes from the request to its last byte,
//! and how large it is. Nothing is packed on the way, so the size is what goes over the wire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::{Lane, bearer};
use crate::figures::{Table, median, millis, seconds, whole};
use crate::ledger::Sink;
use crate::load::{self, Load};
use crate::product::{Place, Product};
use crate::wire::{Wire, request};

const BATCH: u64 = 1_000;
/// A million events, or as many as fit into the time.
const BATCHES: u64 = 1_000;
const LONGEST_FILL: Duration = Duration::from_secs(240);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Batches in flight.
const CONNECTIONS: usize = 4;
/// Companies, each with a target of its own.
const LANES: usize = 20;
/// Requests for a page; the median of them is printed.
const ASKED: usize = 15 * ROUNDS;
const NAME: &str = "bench";
const PASSWORD: &str = "correct horse battery staple";

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("Pages of the console over 1,000,000 events")?;
    on(&arena.on_sqlite()?, "SQLite").await?;
    if let Some(place) = arena.on_postgres().await? {
        on(&place, "PostgreSQL").await?;
    }
    Ok(())
}

async fn on(place: &Place, database: &str) -> Result<()> {
    let (product, _) = Product::start(place).await?;
    let sink = Sink::start(LANES, 0, None)?;
    let targets: Vec<String> = sink
        .ports
        .iter()
        .map(|port| format!("http://127.0.0.1:{port}/"))
        .collect();
    let lanes = product.api().set_up(&targets, 32).await?;
    let (stored, took) = fill(&product, &lanes).await?;
    wait(LONGEST_WAIT, async || product.api().is_done().await).await?;
    let cookie = sign_in(&product).await?;
    let begun = Instant::now();
    wait(LONGEST_WAIT, async || {
        let (page, _) = page(&product, &cookie, "/").await?;
        Ok(!String::from_utf8_lossy(&page).contains("is being counted"))
    })
    .await?;
    let counted = begun.elapsed();

    let company = &lanes.first().context("a lane")?.company;
    let mut table = Table::new(&["Page", "p50", "slowest", "Goal", "bytes", "Goal"]);
    for path in paths(company) {
        let mut times = Vec::with_capacity(ASKED);
        let mut bytes = 0;
        for _ in 0..ASKED {
            let (page, took) = page(&product, &cookie, &path).await?;
            bytes = page.len();
            times.push(took.as_secs_f64() * 1e6);
        }
        let slowest = times.iter().copied().fold(0.0, f64::max);
        table.row(&[
            format!("`{}`", path.replace(company, "ID")),
            millis(median(times)),
            millis(slowest),
            "100 ms".to_owned(),
            whole(bytes as f64),
            "-".to_owned(),
        ]);
    }
    let first = first_page(&product, &cookie).await?;
    table.row(&[
        "`/` with its sheet, script and sign".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        whole(first as f64),
        "150,000".to_owned(),
    ]);
    println!("On {database}:\n");
    table.print();
    println!(
        "{} events of {LANES} companies, stored in {} and delivered; the figures of the dashboard were complete {} after the last delivery. {ASKED} requests a page.\n",
        whole(stored as f64),
        seconds(took),
        seconds(counted)
    );
    product.stop().await.map(drop)
}

fn paths(company: &str) -> Vec<String> {
    let fixed = [
        "/",
        "/?range=24h",
        "/?range=7d",
        "/?range=30d",
        "/events?limit=100",
        "/events?limit=100&severity=critical",
        "/events?limit=100&match=none",
        "/events?limit=100&routing=unrouted",
        "/events?limit=100&text=asset",
        "/deliveries?limit=100",
        "/deliveries?limit=100&status=delivered",
        "/deliveries?limit=100&status=pending",
        "/deliveries?limit=100&status=dead",
        // What fits nothing goes over as many deliveries as a page may.
        "/deliveries?limit=100&kind=job.*",
        "/deliveries?limit=100&text=nowhere",
        "/deliveries?limit=100&code=5xx",
        "/deliveries?limit=100&took_millis=5000",
    ];
    let of_company = [
        format!("/?company={company}"),
        format!("/events?limit=100&company={company}"),
        format!("/deliveries?limit=100&company={company}"),
    ];
    fixed
        .map(str::to_owned)
        .into_iter()
        .chain(of_company)
        .collect()
}

/// Batches go to the companies in turn.
async fn fill(product: &Product, lanes: &[Lane]) -> Result<(u64, Duration)> {
    let companies: Vec<String> = lanes.iter().map(|lane| lane.company.clone()).collect();
    let headers = format!("content-type: application/x-ndjson\r\n{}", bearer());
    let write = move |batch: u64, into: &mut Vec<u8>| {
        let company = &companies[batch as usize % companies.len()];
        let mut body = Vec::with_capacity((alerts::BYTES + 1) * BATCH as usize);
        for number in batch * BATCH..(batch + 1) * BATCH {
            body.extend(alerts::event(number, company));
            body.push(b'\n');
        }
        request("POST", "/api/v1/events", &headers, &body, into);
    };
    let load = Load {
        address: product.address,
        connections: CONNECTIONS,
        write: Arc::new(write),
        first: 0,
        count: BATCHES,
        most: LONGEST_FILL,
    };
    let run = load::run(&load).await?;
    ensure!(
        !run.acked.is_empty() && run.refused() == 0,
        "batches were refused: {:?}",
        run.others
    );
    Ok((run.acked.len() as u64 * BATCH, run.took))
}

async fn wait(longest: Duration, mut is_over: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_over().await? {
        ensure!(
            begun.elapsed() < longest,
            "it is not over after {longest:?}"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// A user who sees everything; answers the cookie of the session.
async fn sign_in(product: &Product) -> Result<String> {
    let user = json!({"name": NAME, "role": "admin", "password": PASSWORD});
    product.api().call("POST", "/api/v1/users", &user).await?;
    let form = format!(
        "name={NAME}&password={}&next=%2F",
        PASSWORD.replace(' ', "+")
    );
    let headers =
        "content-type: application/x-www-form-urlencoded\r\nsec-fetch-site: same-origin\r\n";
    let mut text = Vec::new();
    request("POST", "/sign-in", headers, form.as_bytes(), &mut text);
    let mut wire = Wire::connect(product.address).await?;
    let (status, _) = wire.exchange(&text).await?;
    ensure!(status == 303, "nobody was signed in: {status}");
    let cookie = wire
        .header("set-cookie")
        .context("a session has a cookie")?;
    let (cookie, _) = cookie.split_once(';').unwrap_or((cookie, ""));
    Ok(cookie.to_owned())
}

/// A page, and the time from the request to its last byte.
async fn page(product: &Product, cookie: &str, path: &str) -> Result<(Vec<u8>, Duration)> {
    let mut wire = Wire::connect(product.address).await?;
    let mut text = Vec::new();
    request(
        "GET",
        path,
        &format!("cookie: {cookie}\r\n"),
        b"",
        &mut text,
    );
    let begun = Instant::now();
    let (status, page) = wire.exchange(&text).await?;
    let took = begun.elapsed();
    ensure!(
        status == 200,
        "{path}: {status} {}",
        String::from_utf8_lossy(page)
    );
    Ok((page.to_vec(), took))
}

/// The bytes of the first page with what it is drawn with.
async fn first_page(product: &Product, cookie: &str) -> Result<usize> {
    let (first, _) = page(product, cookie, "/").await?;
    let text = String::from_utf8_lossy(&first);
    let mut assets: Vec<&str> = text
        .split("\"/assets/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assets.sort_unstable();
    assets.dedup();
    let mut bytes = first.len();
    for asset in assets {
        let (asset, _) = page(product, cookie, &format!("/assets/{asset}")).await?;
        bytes += asset.len();
    }
    Ok(bytes)
}
