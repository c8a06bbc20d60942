//! Durable intake by each way that a sender proves itself, packed, and with repeats counted: beside the plain header, in the
//! same round.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Arena, ROUNDS};
use crate::alerts;
use crate::api::{Api, Lane, sender};
use crate::figures::{Table, median, millis, whole};
use crate::ledger::Sink;
use crate::load::{self, CONNECTIONS, Load, Run};
use crate::machine;
use crate::product::{Place, Product};
use crate::wire::{JSON, request};

const LENGTH: Duration = Duration::from_secs(2);
const WARM_UP: u64 = 2_000;
const SECRET: &str = "bench-sender-secret-0123456789";
const SIGNING: [u8; 32] = [7; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Header,
    Basic,
    Token,
    Signature,
    Gzip,
    /// Repeats are counted, and every alert says something new.
    Counting,
    /// Repeats are counted, and all alerts say one of sixteen things.
    Repeating,
}

const KINDS: [Kind; 7] = [
    Kind::Header,
    Kind::Basic,
    Kind::Token,
    Kind::Signature,
    Kind::Gzip,
    Kind::Counting,
    Kind::Repeating,
];

/// The rounds of one kind.
#[derive(Debug, Default)]
struct Results {
    rate: Vec<f64>,
    of_plain: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    refused: u64,
}

pub async fn run(arena: &Arena) -> Result<()> {
    on(arena, "SQLite", false).await?;
    if arena.postgres.is_some() {
        on(arena, "PostgreSQL", true).await?;
    }
    Ok(())
}

async fn on(arena: &Arena, database: &str, postgres: bool) -> Result<()> {
    arena.heading(&format!("Kinds of intake on {database}"))?;
    let mut results: [Results; 7] = Default::default();
    for _ in 0..ROUNDS {
        let mut plain = None;
        for (kind, result) in KINDS.into_iter().zip(&mut results) {
            let place = match postgres {
                true => arena.on_postgres().await?.context("PostgreSQL is gone")?,
                false => arena.on_sqlite()?,
            };
            let (run, cpu) = measure(&place, kind).await?;
            result.add(&run, *plain.get_or_insert(run.rate()), cpu);
        }
    }
    let mut table = Table::new(&[
        "What",
        "ack/s",
        "of the plain",
        "p99",
        "CPU an alert",
        "not 2xx",
    ]);
    for (kind, result) in KINDS.into_iter().zip(results) {
        table.row(&result.cells(kind.words()));
    }
    table.print();
    println!(
        "{CONNECTIONS} connections, {} bytes a body before it is packed, {} s a round, median of {ROUNDS} interleaved rounds, ratios within each round, integration switched off.\n",
        alerts::BYTES,
        LENGTH.as_secs()
    );
    Ok(())
}

async fn measure(place: &Place, kind: Kind) -> Result<(Run, f64)> {
    let sink = Sink::start(1, 0, None)?;
    let (product, _) = Product::start(place).await?;
    let api = product.api();
    let targets = [format!("http://127.0.0.1:{}/", sink.ports[0])];
    let [lane]: [Lane; 1] = api
        .set_up(&targets, 64)
        .await?
        .try_into()
        .ok()
        .context("one lane")?;
    api.switch(&lane, false).await?;
    let (path, headers) = kind.door(&api, &lane).await?;
    let mut load = Load {
        address: product.address,
        connections: CONNECTIONS,
        write: Arc::new(move |number, into| kind.write(number, &path, &headers, into)),
        first: 0,
        count: WARM_UP,
        most: LENGTH,
    };
    load::run(&load).await?;
    (load.first, load.count) = (WARM_UP, u64::MAX);
    let before = machine::cpu(product.id()).unwrap_or_default();
    let run = load::run(&load).await?;
    let spent = machine::cpu(product.id()).unwrap_or_default() - before;
    let cpu = spent * 1e6 / run.acked.len().max(1) as f64;
    Ok((run, cpu))
}

impl Kind {
    fn words(self) -> String {
        match self {
            Self::Header => "header (the plain one)",
            Self::Basic => "HTTP Basic",
            Self::Token => "bearer token of the source",
            Self::Signature => "signature (Standard Webhooks)",
            Self::Gzip => "header, body packed by gzip",
            Self::Counting => "header, repeats counted, all new",
            Self::Repeating => "header, repeats counted, all repeats",
        }
        .to_owned()
    }

    /// Where the sender posts, and the header lines that are the same each time.
    async fn door(self, api: &Api, lane: &Lane) -> Result<(String, String)> {
        let account = json!({"username": "bench", "password": SECRET});
        let header = json!({"header": {"key": "x-alert-key", "value": SECRET}});
        let whsec = format!("whsec_{}", STANDARD.encode(SIGNING));
        let (authentication, window) = match self {
            Self::Header | Self::Gzip => return Ok((lane.intake.clone(), self.lines(sender()))),
            Self::Basic => (json!({"basic": account}), Value::Null),
            Self::Token => (json!({"login": account}), Value::Null),
            Self::Signature => (json!({"signature": {"secret": whsec}}), Value::Null),
            Self::Counting | Self::Repeating => (header, json!("5m")),
        };
        let path = api.source(lane, authentication, window).await?;
        let headers = match self {
            Self::Basic => {
                let encoded = STANDARD.encode(format!("bench:{SECRET}"));
                format!("{JSON}authorization: Basic {encoded}\r\n")
            }
            Self::Token => {
                let token = api.call("POST", &format!("{path}/token"), &account).await?;
                let token = token["access_token"]
                    .as_str()
                    .context("no token")?
                    .to_owned();
                format!("{JSON}authorization: Bearer {token}\r\n")
            }
            Self::Signature => JSON.to_owned(),
            _ => sender(),
        };
        Ok((path, headers))
    }

    fn lines(self, headers: String) -> String {
        match self {
            Self::Gzip => format!("{headers}content-encoding: gzip\r\n"),
            _ => headers,
        }
    }

    fn write(self, number: u64, path: &str, headers: &str, into: &mut Vec<u8>) {
        let body = match self {
            Self::Repeating => alerts::payload(number % 16),
            _ => alerts::payload(number),
        };
        match self {
            Self::Gzip => {
                let place = usize::try_from(number).unwrap_or(0) % PACKED.len();
                request("POST", path, headers, &PACKED[place], into);
            }
            Self::Signature => {
                let headers = format!("{headers}{}", signed(number, &body));
                request("POST", path, &headers, &body, into);
            }
            _ => request("POST", path, headers, &body, into),
        }
    }
}

/// Packed beforehand, for packing would be most of what the load costs. They come again and again, which nobody counts here.
static PACKED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (0..1_024)
        .map(|number| packed(&alerts::payload(number)))
        .collect()
});

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(256), Compression::fast());
    // A vector takes everything.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// The three lines of Standard Webhooks.
fn signed(number: u64, body: &[u8]) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(&SIGNING).expect("HMAC takes any key");
    mac.update(format!("msg_{number}.{now}.").as_bytes());
    mac.update(body);
    let digest = STANDARD.encode(mac.finalize().into_bytes());
    format!(
        "webhook-id: msg_{number}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{digest}\r\n"
    )
}

impl Results {
    fn add(&mut self, run: &Run, plain: f64, cpu: f64) {
        self.rate.push(run.rate());
        self.of_plain.push(run.rate() / plain);
        self.p99.push(run.p(0.99));
        self.cpu.push(cpu);
        self.refused += run.refused();
    }

    fn cells(self, what: String) -> [String; 6] {
        [
            what,
            whole(median(self.rate)),
            format!("{:.2}", median(self.of_plain)),
            millis(median(self.p99)),
            format!("{:.0} µs", median(self.cpu)),
            whole(self.refused as f64),
        ]
    }
}
