//! What one change costs where the configuration is large: the change itself, and the next snapshot of the node that
//! made it and of another one, beside reading everything; at last going back on all of it.
//!
//! 10,000 companies, 1,000 integrations with a rule each, 100,000 mappings, in a temporary SQLite file or in the
//! PostgreSQL database that the URL names (it must be empty).
//! Run it with `cargo run --release -p alertwire-store --example change_speed [mappings] [postgres://…]`.

extern crate alertwire_store as store;

use std::error::Error;
use std::time::{Duration, Instant};

use domain::access::Actor;
use domain::company::Company;
use domain::event_set::{EventSet, NotifyBy};
use domain::integration::{DeliverySettings, Integration, Secrets};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::{CompanyId, EventSetId, IntegrationId, NodeId, RuleId, Secret, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::{Change, Database, SealingKey, Settings, Store};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bound of the run, whatever the arguments say.
const MOST_MAPPINGS: usize = 200_000;
const COMPANIES: usize = 10_000;
const INTEGRATIONS: usize = 1_000;
const ROUNDS: usize = 50;
/// Changes of one transaction while setting up.
const TOGETHER: usize = 2_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mappings = arguments.next().map(|text| text.parse()).transpose()?;
    let mappings = mappings.unwrap_or(100_000).min(MOST_MAPPINGS);
    let folder = tempfile::tempdir()?;
    let database = match arguments.next() {
        Some(url) => Database::Postgres(Secret::new(url)),
        None => Database::Sqlite(folder.path().join("store.db")),
    };
    let mut world = World::new(database);
    let store = world.open().await?;
    let began = instant();
    world.furnish(&store, mappings).await?;
    print(&format!("set up in {:.1?}", began.elapsed()));
    let other = world.open().await?;
    let whole = world.whole().await?;
    other.configuration().await?;
    world
        .measure(&store, &other, "a mapping", World::a_mapping)
        .await?;
    world
        .measure(&store, &other, "a company", World::a_company)
        .await?;
    let again = world.whole().await?;
    print(&format!("reading everything {whole:>10.2?} {again:>10.2?}"));
    let preview = instant();
    let epoch = store.newest_configuration().await?.epoch;
    let total = store.rollback_preview(epoch - 10).await?.total;
    print(&format!(
        "what going back ten epochs would do ({total} things) {:>10.2?}",
        preview.elapsed()
    ));
    let present = store.newest_configuration().await?.epoch;
    for (what, to) in [("before everything", 1), ("again", present)] {
        let began = instant();
        let total = store.roll_back(to, &Actor::Local, world.now).await?.total;
        let (took, began) = (began.elapsed(), instant());
        other.newest_configuration().await?;
        print(&format!(
            "going back {what} ({total} things) {took:>10.2?}, other node's {:>10.2?}",
            began.elapsed()
        ));
    }
    store.close().await;
    other.close().await;
    Ok(())
}

struct World {
    database: Database,
    rng: StdRng,
    now: Timestamp,
    set: EventSetId,
    companies: Vec<CompanyId>,
    integrations: Vec<(IntegrationId, RuleId)>,
}

impl World {
    fn new(database: Database) -> Self {
        let (mut rng, now) = (
            StdRng::seed_from_u64(7),
            Timestamp::from_micros(1_795_000_000_000_000),
        );
        let set = EventSetId::new(now, &mut rng);
        let companies = (0..COMPANIES)
            .map(|_| CompanyId::new(now, &mut rng))
            .collect();
        let integrations = (0..INTEGRATIONS)
            .map(|_| {
                (
                    IntegrationId::new(now, &mut rng),
                    RuleId::new(now, &mut rng),
                )
            })
            .collect();
        Self {
            database,
            rng,
            now,
            set,
            companies,
            integrations,
        }
    }

    async fn open(&mut self) -> Outcome<Store> {
        let node = NodeId::new(self.now, &mut self.rng);
        let key = SealingKey::from_bytes([7; 32]);
        let settings = Settings::new(self.database.clone(), node, key, [7; 16]);
        Ok(Store::open(settings, self.now, [7; 32]).await?)
    }

    async fn furnish(&self, store: &Store, mappings: usize) -> Outcome<()> {
        let set = EventSet {
            id: self.set,
            name: "All".to_owned(),
            notify_by: NotifyBy::Event,
            events: vec!["system.asset_added".to_owned()],
            critical_bypass: false,
            created_at: self.now,
        };
        let mut changes = vec![Change::InsertEventSet(set)];
        changes.extend((0..COMPANIES).map(|number| self.company(number, "")));
        for (number, (integration, rule)) in self.integrations.iter().enumerate() {
            changes.push(self.integration(number, *integration));
            changes.push(Change::InsertRule(IntegrationRule {
                enabled: true,
                id: *rule,
                integration: *integration,
                name: "Everything".to_owned(),
                event_set: self.set,
                matchers: Vec::new(),
                created_at: self.now,
            }));
        }
        changes.extend((0..mappings).map(|number| self.mapping(number, true)));
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(TOGETHER));
            store.change_all(changes, &Actor::Local, self.now).await?;
            changes = rest;
        }
        Ok(())
    }

    fn company(&self, number: usize, mark: &str) -> Change {
        let company = Company {
            id: self.companies[number],
            name: format!("Company {number}{mark}"),
            aliases: vec![format!("Company {number} Ltd")],
            domain: None,
            external_id: Some(number.to_string()),
            quota: None,
            created_at: self.now,
        };
        if mark.is_empty() {
            Change::InsertCompany(company)
        } else {
            Change::UpdateCompany(company)
        }
    }

    fn integration(&self, number: usize, id: IntegrationId) -> Change {
        let mut fields = domain::integration::Fields::new();
        fields.insert("webhook_url".to_owned(), "https://example.com/hook".into());
        Change::InsertIntegration {
            integration: Integration {
                id,
                connector: "webhook".to_owned(),
                name: format!("Integration {number}"),
                companies: Vec::new(),
                enabled: true,
                authenticated_at: Some(self.now),
                checked_at: Some(self.now),
                fields,
                secrets_set: Default::default(),
                delivery: DeliverySettings::default(),
                last_check: None,
                created_at: self.now,
                version: 1,
            },
            secrets: Secrets::from([("header_value".to_owned(), Secret::new("hush".to_owned()))]),
        }
    }

    /// The mappings are spread: each company has as many as any other, each integration too.
    fn mapping(&self, number: usize, on: bool) -> Change {
        let (company, turn) = (number % COMPANIES, number / COMPANIES);
        let (integration, rule) = self.integrations[(company + turn * 97) % INTEGRATIONS];
        Change::PutMappings(vec![CompanyMapping {
            integration,
            company: MappedTo::Company(self.companies[company]),
            rules: vec![rule],
            create_webhook_alert: on,
        }])
    }

    fn a_mapping(&self, round: usize) -> Change {
        self.mapping(round * 101, false)
    }

    fn a_company(&self, round: usize) -> Change {
        self.company(round * 101, " renamed")
    }

    /// How long a node that starts takes to read everything.
    async fn whole(&mut self) -> Outcome<Duration> {
        let store = self.open().await?;
        let began = instant();
        store.configuration().await?;
        let took = began.elapsed();
        store.close().await;
        Ok(took)
    }

    async fn measure(
        &self,
        store: &Store,
        other: &Store,
        what: &str,
        change: fn(&Self, usize) -> Change,
    ) -> Outcome<()> {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        store.configuration().await?;
        for round in 0..ROUNDS {
            let began = instant();
            store
                .change(change(self, round), &Actor::Local, self.now)
                .await?;
            times[0].push(began.elapsed());
            let began = instant();
            store.configuration().await?;
            times[1].push(began.elapsed());
            let began = instant();
            other.newest_configuration().await?;
            times[2].push(began.elapsed());
        }
        for (name, mut times) in ["change", "own snapshot", "other node's"].iter().zip(times) {
            times.sort_unstable();
            print(&format!(
                "{what}: {name:<13} p50 {:>10.2?} max {:>10.2?}",
                times[ROUNDS / 2],
                times[ROUNDS - 1]
            ));
        }
        Ok(())
    }
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
