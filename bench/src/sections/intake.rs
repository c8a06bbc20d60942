//! Durable intake: 64 connections post alerts, each answer comes after the commit.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Arena, ROUNDS};
use crate::api::{Lane, sender};
use crate::child::Child;
use crate::figures::{Table, median, millis, whole};
use crate::ledger::{Sink, Verdict};
use crate::load::{self, CONNECTIONS, Load, Run};
use crate::product::{Place, Product};
use crate::wire::{JSON, request};
use crate::{alerts, machine};

/// Long enough for a steady state, short enough to run twenty of them.
const LENGTH: Duration = Duration::from_secs(2);
/// Requests before the measurement: buffers and caches fill.
const WARM_UP: u64 = 5_000;
const LONGEST_DRAIN: Duration = Duration::from_secs(30);

/// What is measured in each round, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    LimitHttp,
    LimitDatabase,
    /// The integration is switched off: accept writes the delivery, nobody sends it.
    Resting,
    /// The integration sends to the sink meanwhile, on the same cores.
    Delivering,
}

const SUBJECTS: [Subject; 4] = [
    Subject::LimitHttp,
    Subject::LimitDatabase,
    Subject::Resting,
    Subject::Delivering,
];

/// The rounds of one subject.
#[derive(Debug, Default)]
struct Results {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    rate_of_limit: Vec<f64>,
    p99_of_limit: Vec<f64>,
    cpu: Vec<f64>,
    refused: u64,
    verdict: Option<Verdict>,
}

pub async fn run(arena: &Arena) -> Result<()> {
    on(arena, "SQLite", false).await?;
    if arena.postgres.is_some() {
        on(arena, "PostgreSQL", true).await?;
    }
    Ok(())
}

async fn on(arena: &Arena, database: &str, postgres: bool) -> Result<()> {
    arena.heading(&format!("Durable intake on {database}"))?;
    let mut results: [Results; 4] = Default::default();
    for _ in 0..ROUNDS {
        let mut limit = None;
        for (place, subject) in SUBJECTS.into_iter().enumerate() {
            let (run, cpu, verdict) = measure(arena, subject, postgres).await?;
            let result = &mut results[place];
            result.add(&run, limit, cpu, verdict);
            if subject == Subject::LimitDatabase {
                limit = Some((run.rate(), run.p(0.99)));
            }
        }
    }
    let mut table = Table::new(&[
        "What",
        "ack/s",
        "p50",
        "p99",
        "of the limit",
        "p99 of the limit's",
        "CPU an alert",
        "not 2xx",
        "lost / duplicate",
    ]);
    for (subject, result) in SUBJECTS.into_iter().zip(results) {
        table.row(&result.cells(subject.words(database)));
    }
    table.print();
    println!(
        "{CONNECTIONS} connections, {} bytes a body, {} s a round, median of {ROUNDS} interleaved rounds, ratios within each round. Goal: 0.6 of the limit, p99 at most 1.5 of its.\n",
        alerts::BYTES,
        LENGTH.as_secs()
    );
    Ok(())
}

async fn measure(
    arena: &Arena,
    subject: Subject,
    postgres: bool,
) -> Result<(Run, f64, Option<Verdict>)> {
    match subject {
        Subject::LimitHttp => limit(&["limit-http"]).await,
        Subject::LimitDatabase if postgres => {
            let url = arena
                .fresh_database()
                .await?
                .context("PostgreSQL is gone")?;
            limit(&["limit-postgres", &url]).await
        }
        Subject::LimitDatabase => {
            let path = arena.fresh("limit")?.join("limit.db");
            limit(&[
                "limit-sqlite",
                path.to_str().context("a folder that is no text")?,
            ])
            .await
        }
        Subject::Resting | Subject::Delivering => {
            let place = if postgres {
                arena.on_postgres().await?.context("PostgreSQL is gone")?
            } else {
                arena.on_sqlite()?
            };
            product(&place, subject == Subject::Delivering).await
        }
    }
}

async fn limit(arguments: &[&str]) -> Result<(Run, f64, Option<Verdict>)> {
    let (child, port) = Child::start(arguments)?;
    let (run, cpu) = post(&format!("127.0.0.1:{port}"), "/intake", JSON, child.id()).await?;
    Ok((run, cpu, None))
}

async fn product(place: &Place, delivering: bool) -> Result<(Run, f64, Option<Verdict>)> {
    let mut sink = Sink::start(1, 0, None)?;
    let (product, _) = Product::start(place).await?;
    let api = product.api();
    let lanes = api
        .set_up(&[format!("http://127.0.0.1:{}/", sink.ports[0])], 64)
        .await?;
    let [lane]: [Lane; 1] = lanes.try_into().ok().context("one lane")?;
    api.switch(&lane, delivering).await?;
    let (run, cpu) = post(
        &product.address.to_string(),
        &lane.intake,
        &sender(),
        product.id(),
    )
    .await?;
    // Loss is counted in every figure: what was accepted while nobody sent is sent now.
    api.switch(&lane, true).await?;
    sink.wait(run.acked.len() as u64 + WARM_UP, LONGEST_DRAIN)
        .await?;
    let verdict = Verdict::new(&run.acked, &sink.arrivals()?);
    Ok((run, cpu, Some(verdict)))
}

/// The warm-up, then the measured run; with the CPU microseconds that the server spent on each request.
async fn post(address: &str, path: &str, headers: &str, server: u32) -> Result<(Run, f64)> {
    let (path, headers) = (path.to_owned(), headers.to_owned());
    let mut load = Load {
        address: address.parse()?,
        connections: CONNECTIONS,
        write: Arc::new(move |number, into| {
            request("POST", &path, &headers, &alerts::payload(number), into)
        }),
        first: 0,
        count: WARM_UP,
        most: LENGTH,
    };
    load::run(&load).await?;
    (load.first, load.count) = (WARM_UP, u64::MAX);
    let before = machine::cpu(server).unwrap_or_default();
    let run = load::run(&load).await?;
    let spent = machine::cpu(server).unwrap_or_default() - before;
    let cpu = spent * 1e6 / run.acked.len().max(1) as f64;
    Ok((run, cpu))
}

impl Subject {
    fn words(self, database: &str) -> String {
        match self {
            Self::LimitHttp => "limit: axum throws the body away".into(),
            Self::LimitDatabase => {
                format!("limit: message + outbox row on {database}, group commit")
            }
            Self::Resting => "**Alertwire**, integration switched off".into(),
            Self::Delivering => "**Alertwire**, delivering meanwhile".into(),
        }
    }
}

impl Results {
    fn add(&mut self, run: &Run, limit: Option<(f64, f64)>, cpu: f64, verdict: Option<Verdict>) {
        self.rate.push(run.rate());
        self.p50.push(run.p(0.5));
        self.p99.push(run.p(0.99));
        self.cpu.push(cpu);
        self.refused += run.refused();
        if let Some((rate, p99)) = limit {
            self.rate_of_limit.push(run.rate() / rate);
            self.p99_of_limit.push(run.p(0.99) / p99);
        }
        if let Some(verdict) = verdict {
            self.verdict.get_or_insert_default().add(verdict);
        }
    }

    fn cells(self, what: String) -> [String; 9] {
        let ratio = |ratios: Vec<f64>| {
            if ratios.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.2}", median(ratios))
            }
        };
        [
            what,
            whole(median(self.rate)),
            millis(median(self.p50)),
            millis(median(self.p99)),
            ratio(self.rate_of_limit),
            ratio(self.p99_of_limit),
            format!("{:.0} µs", median(self.cpu)),
            whole(self.refused as f64),
            self.verdict
                .map_or("-".to_owned(), |verdict| verdict.words()),
        ]
    }
}
