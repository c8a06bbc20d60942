//! From the POST to the recorded attempt: accepted, matched, delivered, settled.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Arena, ROUNDS};
use crate::api::{Api, Lane, bearer, sender};
use crate::figures::{Table, median, whole};
use crate::ledger::{Sink, Verdict};
use crate::load::{self, CONNECTIONS, Load, Run};
use crate::product::Product;
use crate::wire::{JSON, request};
use crate::{alerts, machine};

const EVENTS: u64 = 40_000;
/// The bound of the first half: posting.
const LONGEST_LOAD: Duration = Duration::from_secs(15);
/// The bound of the second half: delivering what is left.
const LONGEST_DRAIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// One way through the product.
#[derive(Debug, Clone, Copy)]
struct Way {
    what: &'static str,
    targets: usize,
    concurrency: usize,
    tls: bool,
    postgres: bool,
    /// By `POST /api/v1/events`, else by the intake.
    api: bool,
}

const PLAIN: Way = Way {
    what: "**Alertwire**, intake to 1 target",
    targets: 1,
    concurrency: 64,
    tls: false,
    postgres: false,
    api: false,
};

const WAYS: [Way; 6] = [
    PLAIN,
    Way {
        what: "**Alertwire**, `POST /api/v1/events` to 1 target",
        api: true,
        ..PLAIN
    },
    Way {
        what: "**Alertwire**, intake to 100 targets",
        targets: 100,
        concurrency: 8,
        ..PLAIN
    },
    Way {
        what: "**Alertwire**, `POST /api/v1/events` to 100 targets",
        targets: 100,
        concurrency: 8,
        api: true,
        ..PLAIN
    },
    Way {
        what: "**Alertwire**, intake to 1 target over TLS",
        tls: true,
        ..PLAIN
    },
    Way {
        what: "**Alertwire**, intake to 1 target, PostgreSQL",
        postgres: true,
        ..PLAIN
    },
];

#[derive(Debug, Default)]
struct Results {
    whole: Vec<f64>,
    accept: Vec<f64>,
    cpu: Vec<f64>,
    memory: Vec<f64>,
    refused: u64,
    unfinished: usize,
    verdict: Verdict,
}

pub async fn run(arena: &Arena) -> Result<()> {
    arena.heading("End to end")?;
    let ways: Vec<Way> = WAYS
        .into_iter()
        .filter(|way| !way.postgres || arena.postgres.is_some())
        .collect();
    let mut results: Vec<Results> = ways.iter().map(|_| Results::default()).collect();
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        bare.push(without_a_server().await?);
        for (way, result) in ways.iter().zip(&mut results) {
            measure(arena, way, result)
                .await
                .with_context(|| way.what)?;
        }
    }
    let mut table = Table::new(&[
        "What",
        "events/s",
        "acked/s",
        "CPU an event",
        "peak memory",
        "not 2xx",
        "lost / duplicate",
        "unfinished rounds",
    ]);
    let mut row = [
        "limit: the load generator posts to the sink itself",
        &whole(median(bare)),
        "-",
        "-",
        "-",
        "-",
        "-",
        "-",
    ]
    .map(str::to_owned);
    table.row(&row);
    for (way, result) in ways.iter().zip(results) {
        row = [
            way.what.to_owned(),
            whole(median(result.whole)),
            whole(median(result.accept)),
            format!("{:.0} µs", median(result.cpu)),
            format!("{:.0} MiB", median(result.memory)),
            whole(result.refused as f64),
            result.verdict.words(),
            result.unfinished.to_string(),
        ];
        table.row(&row);
    }
    table.print();
    println!(
        "{EVENTS} events by {CONNECTIONS} connections, from the first POST until no delivery waits any more (each attempt recorded), median of {ROUNDS} interleaved rounds. \
         With 100 targets each event goes to one of them. Concurrency of the one target: 64; of each of 100: 8, the default. Goal: 15,000/s quiet, 8,000/s busy; TLS 0.8 of plain; at most 100 MiB.\n"
    );
    Ok(())
}

/// What load generator and sink can do without anything between them.
async fn without_a_server() -> Result<f64> {
    let mut sink = Sink::start(1, 0, None)?;
    let write =
        |number, into: &mut Vec<u8>| request("POST", "/", JSON, &alerts::payload(number), into);
    let address = format!("127.0.0.1:{}", sink.ports[0]).parse()?;
    let load = Load {
        address,
        connections: CONNECTIONS,
        write: Arc::new(write),
        first: 0,
        count: EVENTS,
        most: LONGEST_LOAD,
    };
    let run = load::run(&load).await?;
    anyhow::ensure!(sink.count()? == EVENTS, "the sink did not count everything");
    Ok(run.rate())
}

async fn measure(arena: &Arena, way: &Way, result: &mut Results) -> Result<()> {
    let mut place = if way.postgres {
        arena.on_postgres().await?.context("PostgreSQL is gone")?
    } else {
        arena.on_sqlite()?
    };
    let ca: Option<PathBuf> = way.tls.then(|| place.folder.join("ca.pem"));
    let mut sink = Sink::start(way.targets, 0, ca.as_deref().and_then(|path| path.to_str()))?;
    place.ca = ca;
    let (product, _) = Product::start(&place).await?;
    let api = product.api();
    let scheme = if way.tls { "https" } else { "http" };
    let targets: Vec<String> = sink
        .ports
        .iter()
        .map(|port| format!("{scheme}://127.0.0.1:{port}/"))
        .collect();
    let lanes = api.set_up(&targets, way.concurrency).await?;
    let before = machine::cpu(product.id()).unwrap_or_default();
    let start = Instant::now();
    let run = load::run(&load_of(way, &product, lanes)).await?;
    let finished = drained(&mut sink, &api, run.acked.len() as u64).await?;
    let took = start.elapsed();
    let spent = machine::cpu(product.id()).unwrap_or_default() - before;
    result.add(
        &run,
        took,
        spent,
        &product,
        Verdict::new(&run.acked, &sink.arrivals()?),
        finished,
    );
    Ok(())
}

fn load_of(way: &Way, product: &Product, lanes: Vec<Lane>) -> Load {
    let (by_api, sender, bearer) = (way.api, sender(), format!("{JSON}{}", bearer()));
    let write = move |number: u64, into: &mut Vec<u8>| {
        let lane = &lanes[number as usize % lanes.len()];
        if by_api {
            request(
                "POST",
                "/api/v1/events",
                &bearer,
                &alerts::event(number, &lane.company),
                into,
            );
        } else {
            request(
                "POST",
                &lane.intake,
                &sender,
                &alerts::payload(number),
                into,
            );
        }
    };
    let (address, write) = (product.address, Arc::new(write));
    Load {
        address,
        connections: CONNECTIONS,
        write,
        first: 0,
        count: EVENTS,
        most: LONGEST_LOAD,
    }
}

/// Waits until everything has arrived and every attempt is on record; false when the time was over before.
pub async fn drained(sink: &mut Sink, api: &Api, acked: u64) -> Result<bool> {
    let start = Instant::now();
    if sink.wait(acked, LONGEST_DRAIN).await? < acked {
        return Ok(false);
    }
    while start.elapsed() < LONGEST_DRAIN {
        if api.is_done().await? {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(false)
}

impl Results {
    fn add(
        &mut self,
        run: &Run,
        took: Duration,
        spent: f64,
        product: &Product,
        verdict: Verdict,
        finished: bool,
    ) {
        let acked = run.acked.len().max(1) as f64;
        self.whole.push(acked / took.as_secs_f64());
        self.accept.push(run.rate());
        self.cpu.push(spent * 1e6 / acked);
        self.memory
            .push(machine::memory(product.id()).map_or(0.0, |(_, peak)| peak));
        self.refused += run.refused();
        self.unfinished += usize::from(!finished);
        self.verdict.add(verdict);
    }
}
