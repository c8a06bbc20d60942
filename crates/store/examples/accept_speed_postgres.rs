//! How fast acceptances are stored on PostgreSQL, beside what the server allows at all.
//!
//! The limit: multi-row UNNEST inserts of the message and of an outbox row for each acceptance, up to 512 in one
//! transaction, on as many connections as the store has, asked by as many tasks. Both run in turns, three times,
//! each in a database of its own that is dropped at the end.
//! Run it with `cargo run --release -p alertwire-store --example accept_speed_postgres URL [acceptances] [tasks]`.

extern crate alertwire_store as store;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::access::Actor;
use domain::alert::Alert;
use domain::company::Company;
use domain::configuration::Configuration;
use domain::event::{Event, Fingerprint, Reading, Routing};
use domain::integration::{DeliverySettings, Integration, Secrets};
use domain::message::{Decode, Message};
use domain::{
    CompanyId, DeliveryId, EventId, IntegrationId, MessageId, NodeId, RuleId, Secret, Severity,
    SourceId, Timestamp,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};
use store::{
    Acceptance, Accepted, Change, Database, NewDelivery, Receipt, SealingKey, Settings, Store,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::NoTls;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bounds of the run, whatever the arguments say.
const MOST_ACCEPTANCES: u64 = 2_000_000;
const MOST_TASKS: u64 = 4_096;
const ROUNDS: usize = 3;
const GROUP: usize = 512;
const CONNECTIONS: usize = 2;
const START: Timestamp = Timestamp::from_micros(1_795_485_600_000_000);

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .ok_or("say which server: postgres://USER@HOST/NAME")?;
    let mut numbers = arguments.map(|text| text.parse::<u64>());
    let acceptances = numbers
        .next()
        .transpose()?
        .unwrap_or(100_000)
        .min(MOST_ACCEPTANCES);
    let tasks = numbers
        .next()
        .transpose()?
        .unwrap_or(64)
        .clamp(1, MOST_TASKS);
    print(&format!(
        "{acceptances} acceptances by {tasks} tasks on {CONNECTIONS} connections"
    ));
    for round in 0..ROUNDS {
        let name = format!("alertwire_speed_{}_{round}", std::process::id());
        command(&url, &format!("CREATE DATABASE {name}")).await?;
        let own = in_database(&url, &name);
        let figures = async {
            let limit = limit(&own, acceptances, tasks).await?;
            let accepted = accept(&own, acceptances, tasks).await?;
            print(&format!(
                "limit {limit:>7.0}/s   accept {accepted:>7.0}/s   ratio {:.2}",
                accepted / limit
            ));
            Ok(())
        };
        let outcome: Outcome<()> = figures.await;
        command(&url, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        outcome?;
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

fn in_database(url: &str, name: &str) -> String {
    let server = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{server}/{name}")
}

async fn connect(url: &str) -> Outcome<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn command(url: &str, sql: &str) -> Outcome<()> {
    Ok(connect(url).await?.batch_execute(sql).await?)
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

type Job = (Vec<u8>, oneshot::Sender<()>);

/// What one can do at best: the two rows that no durable intake with an outbox can leave out.
async fn limit(url: &str, count: u64, tasks: u64) -> Outcome<f64> {
    command(
        url,
        "CREATE TABLE limit_message (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, raw BYTEA NOT NULL);
         CREATE TABLE limit_outbox (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message BIGINT NOT NULL, due_at BIGINT NOT NULL);",
    )
    .await?;
    let (queue, waiting) = mpsc::channel::<Job>(8_192);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..CONNECTIONS {
        tokio::spawn(write_limit(connect(url).await?, Arc::clone(&waiting)));
    }
    let took = share(count, tasks, move |number| {
        let queue = queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            queue.send((text(number).into_bytes(), answer)).await?;
            Ok(answered.await?)
        }
    })
    .await?;
    Ok(rate(count, took))
}

async fn write_limit(
    client: tokio_postgres::Client,
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
) -> Outcome<()> {
    const BOTH: &str = "WITH made AS (INSERT INTO limit_message (at, raw) SELECT 1, raw FROM unnest($1::bytea[]) AS raw \
         RETURNING id) INSERT INTO limit_outbox (message, due_at) SELECT id, 1 FROM made";
    let both = client.prepare(BOTH).await?;
    let mut group = Vec::with_capacity(GROUP);
    while waiting.lock().await.recv_many(&mut group, GROUP).await > 0 {
        let (raws, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        client.execute(&both, &[&raws]).await?;
        for answer in answers {
            // Whoever asked may have gone.
            let _ = answer.send(());
        }
    }
    Ok(())
}

async fn accept(url: &str, count: u64, tasks: u64) -> Outcome<f64> {
    let mut rng = StdRng::seed_from_u64(7);
    let database = Database::Postgres(Secret::new(url.to_owned()));
    let settings = Settings::new(
        database,
        NodeId::new(START, &mut rng),
        SealingKey::from_bytes([7; 32]),
        [7; 16],
    );
    let store = Store::open(settings, START, [7; 32]).await?;
    let setup = Arc::new(Setup::make(&store, &mut rng).await?);
    let shared = (store.clone(), setup);
    let took = share(count, tasks, move |number| {
        let (store, setup) = shared.clone();
        async move {
            match store.accept(setup.acceptance(number)).await? {
                Receipt::Stored { .. } => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await?;
    store.close().await;
    Ok(rate(count, took))
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
        let (source, rule) = (SourceId::new(START, rng), RuleId::new(START, rng));
        Ok(Self {
            company,
            source,
            integration,
            rule,
            configuration,
        })
    }

    /// What `receive` makes of one alert that was read in full and matched by one rule.
    fn acceptance(&self, number: u64) -> Acceptance {
        let now = START.after(Duration::from_micros(number * 20));
        let mut rng = StdRng::seed_from_u64(number);
        let raw = text(number).into_bytes();
        let reading: Reading = serde_json::from_str(
            r#"{"decode":"ok","match":"full","records":[{"hostname":"web-00000001","address":"10.0.0.1","os":"Linux 6.12"}]}"#,
        )
        .expect("the text is a reading");
        let subject = "New Asset Discovered".to_owned();
        let body = String::from_utf8_lossy(&raw[40..raw.len() - 2]).into_owned();
        let event = Event {
            id: EventId::new(now, &mut rng),
            message: MessageId::new(now, &mut rng),
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
            epoch: self.configuration.epoch,
            via: Vec::new(),
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
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "scanner/1.0"),
            ("host", "alerts.example"),
        ];
        Acceptance {
            message: Message {
                id: event.message,
                source: Some(self.source),
                received_at: now,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec(),
                sha256: Sha256::digest(&raw).into(),
                raw,
                webhook_id: None,
                decode: Decode::Ok,
                id_reused: false,
            },
            epoch: event.epoch,
            events: vec![Accepted {
                event,
                deliveries: vec![delivery],
                dedup_window: None,
            }],
            idempotency: None,
        }
    }
}
