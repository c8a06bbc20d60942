//! From the call to the arrival at the target, under light load.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::{Lane, sender};
use crate::figures::{Table, median, millis, percentile};
use crate::ledger::{Sink, Verdict};
use crate::load::wall;
use crate::product::{Place, Product};
use crate::wire::{Wire, request};

const EVENTS: u64 = 250;
/// 50 a second.
const EVERY: Duration = Duration::from_millis(20);
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// Microseconds of one round, sorted.
struct Round {
    ack: Vec<u32>,
    arrival: Vec<u32>,
    verdict: Verdict,
}

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("From the call to the arrival, light load")?;
    let mut table = Table::new(&[
        "What",
        "ack p50",
        "arrival p50",
        "arrival p99",
        "Goal (arrival p50)",
        "lost / duplicate",
    ]);
    for postgres in [false, true] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let place = if postgres {
                arena.on_postgres().await?
            } else {
                Some(arena.on_sqlite()?)
            };
            let Some(place) = place else { break };
            rounds.push(round(&place).await?);
        }
        if rounds.is_empty() {
            continue;
        }
        let of = |pick: fn(&Round) -> &Vec<u32>, share| {
            millis(median(
                rounds
                    .iter()
                    .map(|round| f64::from(percentile(pick(round), share)))
                    .collect(),
            ))
        };
        let mut verdict = Verdict::default();
        rounds.iter().for_each(|round| verdict.add(round.verdict));
        table.row(&[
            format!(
                "intake to 1 target, {}",
                if postgres { "PostgreSQL" } else { "SQLite" }
            ),
            of(|round| &round.ack, 0.5),
            of(|round| &round.arrival, 0.5),
            of(|round| &round.arrival, 0.99),
            "2 ms".to_owned(),
            verdict.words(),
        ]);
    }
    table.print();
    println!("{EVENTS} events at 50 a second, median of {ROUNDS} rounds.\n");
    Ok(())
}

async fn round(place: &Place) -> Result<Round> {
    let mut sink = Sink::start(1, 0, None)?;
    let (product, _) = Product::start(place).await?;
    let lanes = product
        .api()
        .set_up(&[format!("http://127.0.0.1:{}/", sink.ports[0])], 8)
        .await?;
    let [lane]: [Lane; 1] = lanes.try_into().ok().context("one lane")?;
    let (mut wire, headers) = (Wire::connect(product.address).await?, sender());
    let (mut text, mut sent, mut ack) = (Vec::new(), Vec::new(), Vec::new());
    let mut ticks = tokio::time::interval(EVERY);
    for number in 0..EVENTS {
        ticks.tick().await;
        request(
            "POST",
            &lane.intake,
            &headers,
            &alerts::payload(number),
            &mut text,
        );
        let before = wall();
        let (status, _) = wire.exchange(&text).await?;
        anyhow::ensure!(status == 202, "the intake answered {status}");
        ack.push(micros(wall() - before));
        sent.push(before);
    }
    sink.wait(EVENTS, LONGEST_DRAIN).await?;
    let arrivals = sink.arrivals()?;
    let since = |number: u64| Some(micros(arrivals.get(&number)?.first - sent[number as usize]));
    let mut arrival: Vec<u32> = (0..EVENTS).filter_map(since).collect();
    ack.sort_unstable();
    arrival.sort_unstable();
    let acked: Vec<u64> = (0..EVENTS).collect();
    Ok(Round {
        ack,
        arrival,
        verdict: Verdict::new(&acked, &arrivals),
    })
}

fn micros(time: i64) -> u32 {
    u32::try_from(time.max(0)).unwrap_or(u32::MAX)
}
