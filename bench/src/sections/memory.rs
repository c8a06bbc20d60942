//! Resident memory and start-up: empty, and with many events stored whose deliveries wait for a target that is down.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Arena, ROUNDS};
use crate::api::{Lane, bearer};
use crate::figures::{Table, median, seconds, whole};
use crate::ledger::Sink;
use crate::load::{self, Load};
use crate::product::{Place, Product};
use crate::wire::request;
use crate::{alerts, machine};

const BATCH: u64 = 1_000;
/// A million events, or as many as fit into the time.
const BATCHES: u64 = 1_000;
const LONGEST_FILL: Duration = Duration::from_secs(45);
/// Batches in flight.
const CONNECTIONS: usize = 4;
const IDLE: Duration = Duration::from_secs(2);

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("Start-up and memory")?;
    let mut table = Table::new(&["What", "start to ready", "Goal", "resident", "peak", "Goal"]);
    let mut starts = Vec::new();
    let (mut resident, mut peak) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let place = arena.on_sqlite()?;
        // The first start makes the database and the key; the second is what an operator waits for.
        Product::start(&place).await?.0.stop().await?;
        let (product, ready) = Product::start(&place).await?;
        tokio::time::sleep(IDLE).await;
        (resident, peak) = machine::memory(product.id()).context("the product is gone")?;
        starts.push(ready.as_secs_f64());
    }
    let ready = Duration::from_secs_f64(median(starts));
    table.row(&cells(
        "empty, idle",
        ready,
        "0.3 s",
        (resident, peak),
        "30 MiB",
    ));

    let place = arena.on_sqlite()?;
    let (mut product, _) = Product::start(&place).await?;
    let lane = down(&product).await?;
    let (stored, took) = fill(&product, &lane).await?;
    let filled = machine::memory(product.id()).context("the product is gone")?;
    product.kill()?;
    let (product, ready) = Product::start(&place).await?;
    tokio::time::sleep(IDLE).await;
    let again = machine::memory(product.id()).context("the product is gone")?;
    let what = format!(
        "{} events stored, their deliveries waiting for a target that is down",
        whole(stored as f64)
    );
    table.row(&cells(
        &format!("{what}; as they came in"),
        ready,
        "-",
        filled,
        "300 MiB",
    ));
    table.row(&cells(
        &format!("{what}; after kill -9 and start"),
        ready,
        "1 s",
        again,
        "300 MiB",
    ));
    table.print();
    println!(
        "Filled by `POST /api/v1/events` with {} events of {} bytes a batch in {}, {} events/s; the state folder holds {:.0} MiB. Memory under load: see *End to end*.\n",
        whole(BATCH as f64),
        alerts::BYTES,
        seconds(took),
        whole(stored as f64 / took.as_secs_f64()),
        size(&place) as f64 / 1024.0 / 1024.0
    );
    Ok(())
}

fn cells(
    what: &str,
    ready: Duration,
    goal: &str,
    (resident, peak): (f64, f64),
    memory_goal: &str,
) -> [String; 6] {
    let memory = |mebibytes: f64| format!("{mebibytes:.0} MiB");
    // Only a row with a goal for it has a start-up time of its own.
    let ready = if goal == "-" {
        "-".to_owned()
    } else {
        seconds(ready)
    };
    [
        what.to_owned(),
        ready,
        goal.to_owned(),
        memory(resident),
        memory(peak),
        memory_goal.to_owned(),
    ]
}

/// A lane whose target answered the test alert and is gone now.
async fn down(product: &Product) -> Result<Lane> {
    let sink = Sink::start(1, 0, None)?;
    let lanes = product
        .api()
        .set_up(&[format!("http://127.0.0.1:{}/", sink.ports[0])], 8)
        .await?;
    lanes.into_iter().next().context("one lane")
}

async fn fill(product: &Product, lane: &Lane) -> Result<(u64, Duration)> {
    let (company, headers) = (
        lane.company.clone(),
        format!("content-type: application/x-ndjson\r\n{}", bearer()),
    );
    let write = move |batch: u64, into: &mut Vec<u8>| {
        let mut body = Vec::with_capacity((alerts::BYTES + 1) * BATCH as usize);
        for number in batch * BATCH..(batch + 1) * BATCH {
            body.extend(alerts::event(number, &company));
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
    anyhow::ensure!(
        !run.acked.is_empty() && run.refused() == 0,
        "batches were refused: {:?}",
        run.others
    );
    Ok((run.acked.len() as u64 * BATCH, run.took))
}

fn size(place: &Place) -> u64 {
    fn below(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let size = |entry: fs::DirEntry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
        entries.map(size).sum()
    }
    below(&place.folder)
}
