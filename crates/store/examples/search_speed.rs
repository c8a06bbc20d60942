//! How long a page of a search takes over many events: `search_speed [events] [rounds]`, 1,000,000 and 9 unless told, on
//! SQLite in a temporary folder, or on the PostgreSQL database (an empty one) that `ALERTWIRE_EXAMPLE_POSTGRES` names.
//!
//! One event in a hundred thousand has a rare kind, a rare word and a host of its own. Each search is asked for its first page of
//! 100, and followed until it has found one of these or has come to the end. Run it with `--release`.

extern crate alertwire_store as store;

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use domain::access::{Actor, Scope};
use domain::catalogue::{Record, Value};
use domain::company::Company;
use domain::event::{Event, Fingerprint, Match, Reading, Reason, Repeats, Routing};
use domain::message::{Decode, Message};
use domain::{CompanyId, EventId, MessageId, NodeId, Secret, Severity, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha256};
use store::{
    Acceptance, Accepted, Change, Database, EventQuery, PageAt, SealingKey, Settings, Store,
};
use tokio::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bounds of the run, whatever the arguments say.
const MOST_EVENTS: u64 = 10_000_000;
const MOST_ROUNDS: u64 = 101;
/// Events of one message.
const BATCH: u64 = 1_000;
const COMPANIES: u64 = 100;
/// One in so many is rare.
const RARE: u64 = 100_000;
/// Most pages that a search is followed over.
const MOST_PAGES: usize = 10_000;

const FILTERS: [&str; 11] = [
    "severity>=info",
    "event=problem.*",
    "event=rare.kind",
    "company=\"Company 7\"",
    "company=\"Company 7\" event=rare.kind",
    "text=asset",
    "text=zanzibar",
    "text=\"asset zanzibar\" severity>=low",
    "field.hostname=rare-host",
    "field.hostname=~\"rare-[a-z]+\"",
    "body=\"nowhere at all\"",
];

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let events = arguments.next().transpose()?.unwrap_or(1_000_000);
    let events = events.clamp(BATCH, MOST_EVENTS);
    let rounds = arguments.next().transpose()?.unwrap_or(9);
    let rounds = rounds.clamp(1, MOST_ROUNDS);
    let folder = tempfile::tempdir()?;
    let now: Timestamp = "2026-11-01T00:00:00Z".parse()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "an example has no settings of its own"
    )]
    let database = match std::env::var("ALERTWIRE_EXAMPLE_POSTGRES") {
        Ok(url) => Database::Postgres(Secret::new(url)),
        Err(_) => Database::Sqlite(folder.path().join("alertwire.db")),
    };
    let node = NodeId::from_bytes([1; 16]);
    let settings = Settings::new(database, node, SealingKey::from_bytes([2; 32]), [3; 16]);
    let store = Store::open(settings, now, [4; 32]).await?;
    let begun = Instant::now();
    let last = fill(&store, events, now).await?;
    let stored = begun.elapsed();
    while store.index_search(10_000).await? > 0 {}
    print(&format!(
        "{events} events stored in {stored:.1?}, indexed after {:.1?}",
        begun.elapsed()
    ))?;
    print("middle ms | worst ms | pages | found | whole ms | search")?;
    for filter in FILTERS {
        measure(&store, filter, rounds).await?;
    }
    print(&format!("the last one came in at {last}"))
}

/// The first page some times, then all pages until something is found.
async fn measure(store: &Store, filter: &str, rounds: u64) -> Outcome<()> {
    let query = EventQuery {
        filter: Some(filter.parse()?),
        ..EventQuery::default()
    };
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        let page = store
            .events(&Scope::All, &query, &PageAt::default())
            .await?;
        std::hint::black_box(page);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let (begun, mut cursor, mut pages, mut found) = (Instant::now(), None, 0, 0);
    while pages < MOST_PAGES && found == 0 {
        let at = PageAt::new(None, cursor);
        let page = store.events(&Scope::All, &query, &at).await?;
        (pages, found) = (pages + 1, found + page.items.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
    print(&format!(
        "{:9.2} | {:8.2} | {pages:5} | {found:5} | {:8.1} | {filter}",
        millis(middle),
        millis(worst),
        millis(begun.elapsed())
    ))
}

/// Messages of a thousand events, a second apart; answers when the last one came in.
async fn fill(store: &Store, events: u64, begin: Timestamp) -> Outcome<Timestamp> {
    let mut rng = StdRng::seed_from_u64(11);
    let companies: Vec<CompanyId> = (0..COMPANIES)
        .map(|_| CompanyId::new(begin, &mut rng))
        .collect();
    let changes = companies.iter().enumerate();
    let changes = changes.map(|(number, id)| {
        Change::InsertCompany(Company {
            id: *id,
            name: format!("Company {number}"),
            aliases: Vec::new(),
            domain: None,
            external_id: None,
            quota: None,
            created_at: begin,
        })
    });
    store
        .change_all(changes.collect(), &Actor::Local, begin)
        .await?;
    let epoch = store.configuration().await?.epoch;
    let mut now = begin;
    for batch in 0..events / BATCH {
        now = now.after(Duration::from_secs(1));
        let raw = batch.to_string().into_bytes();
        let message = Message {
            id: MessageId::new(now, &mut rng),
            source: None,
            received_at: now,
            headers: Vec::new(),
            sha256: Sha256::digest(&raw).into(),
            raw,
            webhook_id: None,
            decode: Decode::Ok,
            id_reused: false,
        };
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let events = numbers.map(|number| Accepted {
            event: event(number, &companies, &message, epoch, &mut rng),
            deliveries: Vec::new(),
            dedup_window: None,
        });
        let acceptance = Acceptance {
            events: events.collect(),
            message,
            idempotency: None,
            only_new: false,
            epoch,
        };
        store.accept(acceptance).await?;
    }
    Ok(now)
}

fn event(
    number: u64,
    companies: &[CompanyId],
    message: &Message,
    epoch: u64,
    rng: &mut StdRng,
) -> Event {
    // The oldest are the ones that a search comes to last.
    let is_rare = number % RARE == 7;
    let host = match is_rare {
        true => "rare-host".to_owned(),
        false => format!("web-{number}"),
    };
    let word = if is_rare { "zanzibar" } else { "lisbon" };
    let body = format!(
        "New asset {host} at 10.{}.{}.1 was found in {word}: an open port 443 serves https there and no one told us",
        number / 256 % 256,
        number % 256
    );
    let subject = "New Asset Discovered".to_owned();
    let kind = if is_rare { "rare.kind" } else { "problem.new" };
    let record = Record::from_iter([("hostname", Value::Text(host))]);
    Event {
        id: EventId::new(message.received_at, rng),
        message: message.id,
        source: None,
        company: companies
            .get(usize::try_from(number % COMPANIES).unwrap_or(0))
            .copied(),
        kind: Some(kind.to_owned()),
        category: Some("Problems".to_owned()),
        fingerprint: Fingerprint::new(None, None, &mut [], &subject, &body),
        subject,
        body,
        severity: Severity::Low,
        reading: Reading {
            records: vec![record],
            matched: Match::Full,
            ..Reading::nothing(Decode::Ok)
        },
        occurred_at: Some(message.received_at),
        received_at: message.received_at,
        count: 1,
        routing: Routing::Unrouted(Reason::NoMapping),
        silence: None,
        epoch,
        via: Vec::new(),
        repeats: Repeats::default(),
    }
}

fn print(line: &str) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
