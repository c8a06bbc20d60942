//! kill -9 in mid-load: what was acked and is lost, what arrives twice, and how soon the last waiting alert is out.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::end_to_end::drained;
use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::{Lane, sender};
use crate::figures::{Table, median, seconds, whole};
use crate::ledger::{Sink, Verdict};
use crate::load::{self, CONNECTIONS, Load, wall};
use crate::product::{Place, Product};
use crate::wire::request;

/// Long enough that deliveries, attempts and messages are all under way.
const BEFORE_THE_KILL: Duration = Duration::from_millis(1_000);
const CONCURRENCY: usize = 64;

#[derive(Debug, Default)]
struct Results {
    verdict: Verdict,
    waiting: Vec<f64>,
    ready: Vec<f64>,
    last: Vec<f64>,
    unfinished: usize,
}

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("kill -9 in mid-load")?;
    let mut table = Table::new(&[
        "What",
        "acked",
        "acked and lost",
        "twice, same `webhook-id`",
        "twice, another `webhook-id`",
        "waiting at the kill",
        "restart to ready",
        "restart to the last one out",
        "Goal",
        "unfinished rounds",
    ]);
    for postgres in [false, true] {
        let mut results = Results::default();
        for _ in 0..ROUNDS {
            let place = if postgres {
                arena.on_postgres().await?
            } else {
                Some(arena.on_sqlite()?)
            };
            let Some(place) = place else { break };
            round(&place, &mut results).await?;
        }
        if results.ready.is_empty() {
            continue;
        }
        table.row(&results.cells(if postgres { "PostgreSQL" } else { "SQLite" }));
    }
    table.print();
    println!(
        "{CONNECTIONS} connections at full speed, killed after {} s, started again at once; sums and medians of {ROUNDS} rounds; {CONCURRENCY} attempts may be in flight.\n",
        BEFORE_THE_KILL.as_secs()
    );
    Ok(())
}

async fn round(place: &Place, results: &mut Results) -> Result<()> {
    let mut sink = Sink::start(1, 0, None)?;
    let (mut product, _) = Product::start(place).await?;
    let targets = [format!("http://127.0.0.1:{}/", sink.ports[0])];
    let lanes = product.api().set_up(&targets, CONCURRENCY).await?;
    let [lane]: [Lane; 1] = lanes.try_into().ok().context("one lane")?;
    let headers = sender();
    let write = move |number, into: &mut Vec<u8>| {
        request(
            "POST",
            &lane.intake,
            &headers,
            &alerts::payload(number),
            into,
        )
    };
    let load = Load {
        address: product.address,
        connections: CONNECTIONS,
        write: std::sync::Arc::new(write),
        first: 0,
        count: u64::MAX,
        most: BEFORE_THE_KILL * 10,
    };
    let kill = async {
        tokio::time::sleep(BEFORE_THE_KILL).await;
        product.kill()
    };
    let (run, killed) = tokio::join!(load::run(&load), kill);
    let run = run?;
    killed?;
    let delivered = sink.count()?;
    let restarted = wall();
    let (product, ready) = Product::start(place).await?;
    let finished = drained(&mut sink, &product.api(), run.acked.len() as u64).await?;
    let arrivals = sink.arrivals()?;
    let last = arrivals
        .values()
        .map(|arrival| arrival.first)
        .max()
        .unwrap_or_default()
        - restarted;
    results.verdict.add(Verdict::new(&run.acked, &arrivals));
    results
        .waiting
        .push((run.acked.len() as f64 - delivered as f64).max(0.0));
    results.ready.push(ready.as_secs_f64());
    results.last.push(last.max(0) as f64 / 1e6);
    results.unfinished += usize::from(!finished);
    Ok(())
}

impl Results {
    fn cells(self, what: &str) -> [String; 10] {
        let time = |times| seconds(Duration::from_secs_f64(median(times)));
        [
            what.to_owned(),
            whole(self.verdict.acked as f64),
            self.verdict.lost.to_string(),
            self.verdict.repeated.to_string(),
            self.verdict.doubled.to_string(),
            whole(median(self.waiting)),
            time(self.ready),
            time(self.last),
            "0 lost, 2 s".to_owned(),
            self.unfinished.to_string(),
        ]
    }
}
