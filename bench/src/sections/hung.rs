//! Targets that accept and never answer: what the others notice.

use std::time::Duration;

use anyhow::Result;

use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::{Lane, bearer};
use crate::figures::{Table, median, millis, percentile};
use crate::ledger::{Sink, Verdict};
use crate::load::wall;
use crate::product::Product;
use crate::wire::{JSON, Wire, request};

/// 500 a second, one connection: each tick posts one.
const EVERY: Duration = Duration::from_millis(2);
const LONGEST_DRAIN: Duration = Duration::from_secs(40);

/// So many targets, of which the last ones hang in every other run.
#[derive(Debug, Clone, Copy)]
struct Field {
    title: &'static str,
    targets: usize,
    hung: usize,
    events: u64,
}

const FIELDS: [Field; 2] = [
    Field {
        title: "One hung target in ten",
        targets: 10,
        hung: 1,
        events: 2_000,
    },
    Field {
        title: "A hundred hung targets in a thousand",
        targets: 1_000,
        hung: 100,
        events: 4_000,
    },
];

/// Everything of a field, set up once.
struct Stage {
    field: Field,
    sink: Sink,
    product: Product,
    lanes: Vec<Lane>,
    /// The next number of an alert.
    next: u64,
}

pub async fn run(arena: &Arena) -> Result<()> {
    for field in FIELDS {
        measure(arena, field).await?;
    }
    Ok(())
}

async fn measure(arena: &Arena, field: Field) -> Result<()> {
    arena.heading(field.title)?;
    let mut stage = Stage::set_up(arena, field).await?;
    let (mut healthy, mut beside) = (Vec::new(), Vec::new());
    let mut verdict = Verdict::default();
    for _ in 0..ROUNDS {
        healthy.push(stage.round(false, &mut verdict).await?);
        beside.push(stage.round(true, &mut verdict).await?);
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
    let cells = |what: String, rounds: &[(f64, f64)], rest: [String; 3]| {
        let [ratio, goal, verdict] = rest;
        let p50 = millis(median(rounds.iter().map(|round| round.0).collect()));
        let p99 = millis(median(rounds.iter().map(|round| round.1).collect()));
        [what, p50, p99, ratio, goal, verdict]
    };
    let Field { targets, hung, .. } = field;
    table.row(&cells(
        format!("{} targets, the other {hung} answer too", targets - hung),
        &healthy,
        ["1".into(), "-".into(), "-".into()],
    ));
    table.row(&cells(
        format!("{} targets, the other {hung} never answer", targets - hung),
        &beside,
        [format!("{ratio:.2}"), "1.5".into(), verdict.words()],
    ));
    table.print();
    println!(
        "500 events a second over {targets} targets by `POST /api/v1/events`, {} in all; those that always answer are counted; median of {ROUNDS} rounds, by turns on one instance.\n",
        field.events
    );
    Ok(())
}

impl Stage {
    async fn set_up(arena: &Arena, field: Field) -> Result<Self> {
        let sink = Sink::start(field.targets - field.hung, field.hung, None)?;
        let (product, _) = Product::start(&arena.on_sqlite()?).await?;
        let targets: Vec<String> = sink
            .ports
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}/"))
            .collect();
        let lanes = product.api().set_up(&targets, 8).await?;
        Ok(Self {
            field,
            sink,
            product,
            lanes,
            next: 0,
        })
    }

    /// p50 and p99 of those that always answer, in microseconds.
    async fn round(&mut self, hung: bool, total: &mut Verdict) -> Result<(f64, f64)> {
        self.sink.hang(hung)?;
        let Field {
            targets, events, ..
        } = self.field;
        let healthy = targets - self.field.hung;
        let first = self.next;
        self.next += events;
        let sent = self.post(first).await?;
        let of_healthy = |number: &u64| (*number as usize % targets) < healthy;
        let counted: Vec<u64> = (first..first + events).filter(of_healthy).collect();
        // All of the rounds before have arrived.
        self.sink
            .wait(first + counted.len() as u64, LONGEST_DRAIN)
            .await?;
        // What hung is answered now, so that the next round begins with nothing in flight.
        self.sink.hang(false)?;
        self.sink.wait(self.next, LONGEST_DRAIN).await?;
        let arrivals = self.sink.arrivals()?;
        let since = |number: &u64| {
            let sent = sent[(*number - first) as usize];
            u32::try_from((arrivals.get(number)?.first - sent).max(0)).ok()
        };
        let mut micros: Vec<u32> = counted.iter().filter_map(since).collect();
        micros.sort_unstable();
        let of_round = arrivals
            .into_iter()
            .filter(|(number, _)| *number >= first)
            .collect();
        total.add(Verdict::new(&counted, &of_round));
        Ok((
            f64::from(percentile(&micros, 0.5)),
            f64::from(percentile(&micros, 0.99)),
        ))
    }

    /// Posts one event a tick, to one target after another; answers when each was sent.
    async fn post(&self, first: u64) -> Result<Vec<i64>> {
        let headers = format!("{JSON}{}", bearer());
        let mut wire = Wire::connect(self.product.address).await?;
        let (mut text, mut sent) = (Vec::new(), Vec::new());
        let mut ticks = tokio::time::interval(EVERY);
        for number in first..first + self.field.events {
            ticks.tick().await;
            let lane = &self.lanes[number as usize % self.field.targets];
            let event = alerts::event(number, &lane.company);
            request("POST", "/api/v1/events", &headers, &event, &mut text);
            sent.push(wall());
            let (status, _) = wire.exchange(&text).await?;
            anyhow::ensure!(status == 202, "the API answered {status}");
        }
        Ok(sent)
    }
}
