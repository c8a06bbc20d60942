//! How fast acceptances are stored, beside what this machine's disk and SQLite allow at all.
//!
//! The limit: one thread, one INSERT of the message and one of an outbox row for each acceptance, group commit, WAL,
//! `synchronous = FULL`, asked by as many tasks as the store is. Both run in turns, three times, in one temporary folder.
//! Run it with `cargo run --release -p alertwire-store --example accept_speed [acceptances] [tasks]`.

extern crate alertwire_store as store;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::access::Actor;
use domain::alert::Alert;
use domain::company::Company;
use domain::configuration::Configuration;
use domain::event::{Event, Fingerprint, Reading, Repeats, Routing};
use domain::integration::{DeliverySettings, Integration, Secrets};
use domain::message::{Decode, Message};
use domain::{
    CompanyId, DeliveryId, EventId, IntegrationId, MessageId, NodeId, RuleId, Severity, SourceId,
    Timestamp,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use store::{
    Acceptance, Accepted, Attempt, Change, Database, NewDelivery, SealingKey, Settings, Settlement,
    Settling, Store,
};
use tokio::sync::{mpsc, oneshot};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bounds of the run, whatever the arguments say.
const MOST_ACCEPTANCES: u64 = 2_000_000;
const MOST_TASKS: u64 = 4_096;
const ROUNDS: usize = 3;
const GROUP: usize = 512;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let acceptances = arguments
        .next()
        .transpose()?
        .unwrap_or(200_000)
        .min(MOST_ACCEPTANCES);
    let tasks = arguments
        .next()
        .transpose()?
        .unwrap_or(64)
        .clamp(1, MOST_TASKS);
    let folder = tempfile::tempdir()?;
    print(&format!(
        "{acceptances} acceptances by {tasks} tasks; append + fdatasync of 4 KiB: {:?} (p50)",
        fsync(folder.path())?
    ));
    for round in 0..ROUNDS {
        let limit = limit(
            &folder.path().join(format!("limit-{round}.db")),
            acceptances,
            tasks,
        )
        .await?;
        let (accepted, settled) = store(
            &folder.path().join(format!("store-{round}.db")),
            acceptances,
            tasks,
        )
        .await?;
        print(&format!(
            "limit {limit:>7.0}/s   accept {accepted:>7.0}/s   ratio {:.2}   settle {settled:>7.0}/s",
            accepted / limit
        ));
    }
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the example's whole purpose is to print these figures"
)]
fn print(line: &str) {
    println!("{line}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement needs the machine's own clock"
)]
fn instant() -> Instant {
    Instant::now()
}

fn rate(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn fsync(folder: &Path) -> Outcome<Duration> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let start = instant();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Runs `one` for each number below `count`, by `tasks` tasks that share them.
async fn share<F>(
    count: u64,
    tasks: u64,
    one: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Outcome<Duration>
where
    F: Future<Output = Outcome<()>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let start = instant();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (next, one) = (Arc::clone(&next), one.clone());
        running.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Box<dyn Error + Send + Sync>>(());
                }
                one(number).await?;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(start.elapsed())
}

fn text(number: u64) -> String {
    format!(
        r#"{{"subject":"New Asset Discovered","body":"A new asset web-{number:08} (10.{}.{}.{}) was discovered on 2026-11-24 at 02:00:00 UTC by the scanner of the north site. Operating system: Linux 6.12. Open ports: 22, 80, 443. Please review the asset and assign it. Thank you."}}"#,
        number >> 16 & 255,
        number >> 8 & 255,
        number & 255
    )
}

/// What one can do at best: the two rows that no durable intake with an outbox can leave out.
async fn limit(path: &Path, count: u64, tasks: u64) -> Outcome<f64> {
    let conn = Connection::open(path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;
         CREATE TABLE message (id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, raw BLOB NOT NULL);
         CREATE TABLE outbox (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, due_at INTEGER NOT NULL);",
    )?;
    let (queue, mut waiting) = mpsc::channel::<(Vec<u8>, oneshot::Sender<i64>)>(8_192);
    let writer = std::thread::spawn(move || -> Outcome<()> {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
            conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            let mut answers = Vec::with_capacity(group.len());
            for (raw, answer) in group.drain(..) {
                conn.prepare_cached("INSERT INTO message (received_at, raw) VALUES (?1, ?2)")?
                    .execute((1, raw))?;
                let id = conn.last_insert_rowid();
                conn.prepare_cached("INSERT INTO outbox (message, due_at) VALUES (?1, ?2)")?
                    .execute((id, 1))?;
                answers.push((answer, id));
            }
            conn.prepare_cached("COMMIT")?.execute([])?;
            for (answer, id) in answers {
                let _ = answer.send(id);
            }
        }
        Ok(())
    });
    let took = share(count, tasks, move |number| {
        let queue = queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            queue.send((text(number).into_bytes(), answer)).await?;
            answered.await?;
            Ok(())
        }
    })
    .await?;
    writer
        .join()
        .map_err(|_| "the writer of the limit panicked")??;
    Ok(rate(count, took))
}

const START: Timestamp = Timestamp::from_micros(1_795_485_600_000_000);

async fn store(path: &Path, count: u64, tasks: u64) -> Outcome<(f64, f64)> {
    let mut rng = StdRng::seed_from_u64(7);
    let settings = Settings::new(
        Database::Sqlite(path.to_owned()),
        NodeId::new(START, &mut rng),
        SealingKey::from_bytes([7; 32]),
        [7; 16],
    );
    let store = Store::open(settings, START, [7; 32]).await?;
    let setup = Setup::make(&store, &mut rng).await?;
    let taker = (store.clone(), Arc::new(setup));
    let (maker, epoch) = (taker.clone(), store.configuration().await?.epoch);
    let took = share(count, tasks, move |number| {
        let (store, setup) = maker.clone();
        async move {
            let acceptance = setup.acceptance(number, epoch);
            match store.accept(acceptance).await? {
                store::Receipt::Stored { .. } => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await?;
    let settled = settle(&taker.0, &taker.1, count).await?;
    store.close().await;
    Ok((rate(count, took), settled))
}

struct Setup {
    company: CompanyId,
    source: SourceId,
    integration: IntegrationId,
    rule: RuleId,
    configuration: Arc<Configuration>,
}

impl Setup {
    async fn make(store: &Store, rng: &mut StdRng) -> Outcome<Self> {
        let (company, integration) = (CompanyId::new(START, rng), IntegrationId::new(START, rng));
        let row = Company {
            id: company,
            name: "Contoso".to_owned(),
            aliases: Vec::new(),
            domain: None,
            external_id: None,
            quota: None,
            created_at: START,
        };
        store
            .change(Change::InsertCompany(row), &Actor::Local, START)
            .await?;
        let row = Integration {
            id: integration,
            connector: "webhook".to_owned(),
            name: "Tickets".to_owned(),
            companies: Vec::new(),
            enabled: true,
            authenticated_at: Some(START),
            checked_at: Some(START),
            fields: serde_json::Map::new(),
            secrets_set: Default::default(),
            delivery: DeliverySettings::default(),
            last_check: None,
            created_at: START,
            version: 1,
        };
        store
            .change(
                Change::InsertIntegration {
                    integration: row,
                    secrets: Secrets::new(),
                },
                &Actor::Local,
                START,
            )
            .await?;
        let configuration = store.configuration().await?;
        Ok(Self {
            company,
            source: SourceId::new(START, rng),
            integration,
            rule: RuleId::new(START, rng),
            configuration,
        })
    }

    /// What `receive` makes of one alert that was read in full and matched by one rule.
    fn acceptance(&self, number: u64, epoch: u64) -> Acceptance {
        let now = START.after(Duration::from_micros(number * 20));
        let mut rng = StdRng::seed_from_u64(number);
        let raw = text(number).into_bytes();
        let (message, event) = (MessageId::new(now, &mut rng), EventId::new(now, &mut rng));
        let reading: Reading = serde_json::from_str(
            r#"{"decode":"ok","match":"full","records":[{"hostname":"web-00000001","address":"10.0.0.1","os":"Linux 6.12"}]}"#,
        )
        .expect("the text is a reading");
        let subject = "New Asset Discovered".to_owned();
        let body = String::from_utf8_lossy(&raw[40..raw.len() - 2]).into_owned();
        let event = Event {
            id: event,
            message,
            source: Some(self.source),
            company: Some(self.company),
            kind: Some("asset.discovered".to_owned()),
            category: Some("assets".to_owned()),
            fingerprint: Fingerprint::new(
                Some(self.company),
                None,
                &mut Vec::new(),
                &subject,
                &body,
            ),
            subject,
            body,
            severity: Severity::Info,
            reading,
            occurred_at: Some(now),
            received_at: now,
            count: 1,
            routing: Routing::Routed,
            silence: None,
            epoch,
            via: Vec::new(),
            repeats: Repeats::default(),
        };
        let delivery = NewDelivery {
            id: DeliveryId::new(now, &mut rng),
            integration: self.integration,
            rule: self.rule,
            company: self.company,
            critical: false,
            due_at: now,
            group: None,
            alert: Some(Alert::of_event(&event, None, &self.configuration)),
        };
        let sha256 = Sha256::digest(&raw).into();
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "scanner/1.0"),
            ("host", "alerts.example"),
        ];
        Acceptance {
            message: Message {
                id: message,
                source: Some(self.source),
                received_at: now,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec(),
                raw,
                sha256,
                webhook_id: None,
                decode: Decode::Ok,
                id_reused: false,
            },
            events: vec![Accepted {
                event,
                deliveries: vec![delivery],
                dedup_window: None,
            }],
            idempotency: None,
            only_new: false,
            epoch,
        }
    }

    fn settlement(&self, due: &store::Due, now: Timestamp) -> Settlement {
        let mut state = due.state.clone();
        state.attempts += 1;
        state.status = delivery::Status::Delivered;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let attempt = Attempt {
            id: domain::AttemptId::new(
                now,
                &mut StdRng::seed_from_u64(now.micros().unsigned_abs()),
            ),
            delivery: due.id,
            number: 1,
            started_at: now,
            duration_micros: 900,
            outcome: "delivered".to_owned(),
            cause: None,
            detail: None,
            status_code: Some(200),
            address: Some("192.0.2.1:443".to_owned()),
            timings: serde_json::json!({ "dns": 10, "connect": 100, "first_byte": 700 }),
            request_headers: vec![
                pair("content-type", "application/json"),
                pair("webhook-id", &due.id.to_string()),
            ],
            response_headers: vec![pair("content-type", "text/plain"), pair("server", "target")],
            response_body: "ok".to_owned(),
        };
        Settlement {
            delivery: due.id,
            state,
            attempt: Some(attempt),
        }
    }
}

/// What an owner does without the sending: take what is due, settle it in batches.
async fn settle(store: &Store, setup: &Setup, count: u64) -> Outcome<f64> {
    let now = START.after(Duration::from_secs(86_400));
    let leases = store
        .take_leases(&[setup.integration], Duration::from_secs(60), now)
        .await?;
    let lease = leases.first().ok_or("no lease")?;
    let start = instant();
    let mut settled = 0;
    while settled < count {
        let page = store
            .due(setup.integration, now, 1_000, &Default::default())
            .await?;
        for batch in page.items.chunks(250) {
            let batch: Vec<_> = batch.iter().map(|due| setup.settlement(due, now)).collect();
            settled += batch.len() as u64;
            let settling = Settling::new(*lease, batch, None);
            if store.settle_all(vec![settling]).await? != [true] {
                return Err("the lease went stale".into());
            }
        }
        if page.items.is_empty() {
            return Err(format!("{settled} of {count} were due").into());
        }
    }
    Ok(rate(count, start.elapsed()))
}
