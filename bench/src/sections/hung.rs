//! One target in ten accepts and never answers: what the other nine notice.

use std::time::Duration;

use anyhow::Result;

use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::sender;
use crate::figures::{Table, median, millis, percentile};
use crate::ledger::{Sink, Verdict};
use crate::load::wall;
use crate::product::Product;
use crate::wire::{Wire, request};

const TARGETS: usize = 10;
const EVENTS: u64 = 2_000;
/// 500 a second, one connection: each tick posts one.
const EVERY: Duration = Duration::from_millis(2);
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("One hung target in ten")?;
    let (mut healthy, mut beside) = (Vec::new(), Vec::new());
    let mut verdict = Verdict::default();
    for _ in 0..ROUNDS {
        healthy.push(round(arena, false, &mut verdict).await?);
        beside.push(round(arena, true, &mut verdict).await?);
    }
    let ratio = median(
        healthy
            .iter()
            .zip(&beside)
            .map(|(healthy, beside)| beside.1 / healthy.1)
            .collect(),
    );
    let mut table = Table::new(&[
        "What",
        "arrival p50",
        "arrival p99",
        "p99, times",
        "Goal",
        "lost / duplicate",
    ]);
    let cells = |what: &str, rounds: &[(f64, f64)], rest: [String; 3]| {
        let [ratio, goal, verdict] = rest;
        let p50 = millis(median(rounds.iter().map(|round| round.0).collect()));
        let p99 = millis(median(rounds.iter().map(|round| round.1).collect()));
        [what.to_owned(), p50, p99, ratio, goal, verdict]
    };
    table.row(&cells(
        "nine targets, the tenth answers too",
        &healthy,
        ["1".into(), "-".into(), "-".into()],
    ));
    table.row(&cells(
        "nine targets, the tenth never answers",
        &beside,
        [format!("{ratio:.2}"), "1.5".into(), verdict.words()],
    ));
    table.print();
    println!(
        "500 events a second over ten targets, {EVENTS} in all; the nine are counted; median of {ROUNDS} rounds.\n"
    );
    Ok(())
}

/// p50 and p99 of the nine, in microseconds.
async fn round(arena: &Arena, hung: bool, total: &mut Verdict) -> Result<(f64, f64)> {
    let mut sink = Sink::start(TARGETS - usize::from(hung), hung, None)?;
    let (product, _) = Product::start(&arena.on_sqlite()?).await?;
    let targets: Vec<String> = sink
        .ports
        .iter()
        .map(|port| format!("http://127.0.0.1:{port}/"))
        .collect();
    let lanes = product.api().set_up(&targets, 8).await?;
    let (mut wire, headers) = (Wire::connect(product.address).await?, sender());
    let (mut text, mut sent) = (Vec::new(), Vec::new());
    let mut ticks = tokio::time::interval(EVERY);
    for number in 0..EVENTS {
        ticks.tick().await;
        let lane = &lanes[number as usize % TARGETS];
        request(
            "POST",
            &lane.intake,
            &headers,
            &alerts::payload(number),
            &mut text,
        );
        sent.push(wall());
        let (status, _) = wire.exchange(&text).await?;
        anyhow::ensure!(status == 202, "the intake answered {status}");
    }
    let counted: Vec<u64> = (0..EVENTS)
        .filter(|number| *number as usize % TARGETS != TARGETS - 1)
        .collect();
    let wanted = if hung { counted.len() as u64 } else { EVENTS };
    sink.wait(wanted, LONGEST_DRAIN).await?;
    let arrivals = sink.arrivals()?;
    let since = |number: &u64| {
        u32::try_from((arrivals.get(number)?.first - sent[*number as usize]).max(0)).ok()
    };
    let mut micros: Vec<u32> = counted.iter().filter_map(since).collect();
    micros.sort_unstable();
    total.add(Verdict::new(&counted, &arrivals));
    Ok((
        f64::from(percentile(&micros, 0.5)),
        f64::from(percentile(&micros, 0.99)),
    ))
}
