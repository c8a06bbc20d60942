//! A store with a company, a source, an integration and a rule in it, and what comes in at its doors.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use delivery::Gate;
use domain::access::{Actor, Scope};
use domain::alert::Alert;
use domain::company::Company;
use domain::event::{Event, Fingerprint, Reading, Repeats, Routing};
use domain::event_set::{EventSet, NotifyBy};
use domain::integration::{DeliverySettings, Integration, Secrets};
use domain::message::{Decode, Message};
use domain::rule::IntegrationRule;
use domain::silence::Silence;
use domain::source::{Authentication, Live, Source, SourceLimits};
use domain::{
    AttemptId, CompanyId, DeliveryId, EventId, EventSetId, IntegrationId, MessageId, NodeId,
    RuleId, Secret, Severity, SilenceId, SourceId, Timestamp,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha256};
use store::{
    Acceptance, Accepted, Attempt, Change, Database, Lease, NewDelivery, NewGroup, Receipt,
    SealingKey, Settings, Settlement, Settling, Store, StoreError,
};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const ACTOR: Actor = Actor::Local;

/// What one owner settles alone.
pub trait Settle {
    /// False when the lease was stale.
    async fn settle(
        &self,
        lease: &Lease,
        batch: Vec<Settlement>,
        gate: Option<Gate>,
    ) -> Result<bool, StoreError>;
}

impl Settle for Store {
    async fn settle(
        &self,
        lease: &Lease,
        batch: Vec<Settlement>,
        gate: Option<Gate>,
    ) -> Result<bool, StoreError> {
        let settling = Settling::new(*lease, batch, gate);
        Ok(self.settle_all(vec![settling]).await? == [true])
    }
}

pub struct World {
    pub store: Store,
    pub settings: Settings,
    pub rng: StdRng,
    pub now: Timestamp,
    pub company: CompanyId,
    pub source: SourceId,
    pub integration: IntegrationId,
    pub set: EventSetId,
    pub rule: RuleId,
    /// Goes with the world.
    _place: Place,
}

enum Place {
    /// Someone else's.
    Foreign,
    Folder {
        _folder: tempfile::TempDir,
    },
    Server {
        url: String,
        name: String,
    },
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("store.db"));
        Self::make(database, Place::Folder { _folder: folder }).await
    }

    /// A database of its own on the server; none when there is no server.
    pub async fn postgres() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        #[expect(
            clippy::disallowed_methods,
            reason = "CI names the server in the environment"
        )]
        let url = std::env::var("ALERTWIRE_TEST_POSTGRES").ok()?;
        let name = format!(
            "alertwire_it_{}_{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        command(&url, &format!("CREATE DATABASE {name}")).await;
        let (base, query) = url.split_once('?').unwrap_or((&url, ""));
        let server = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let database = Database::Postgres(Secret::new(format!("{server}/{name}?{query}")));
        Some(Self::make(database, Place::Server { url, name }).await)
    }

    /// In a database that is left behind.
    pub async fn at(database: Database) -> Self {
        Self::make(database, Place::Foreign).await
    }

    async fn make(database: Database, place: Place) -> Self {
        let mut rng = StdRng::seed_from_u64(7);
        let now: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let settings = Settings::new(
            database,
            NodeId::new(now, &mut rng),
            SealingKey::from_bytes([7; 32]),
            [7; 16],
        );
        let store = Store::open(settings.clone(), now, [7; 32]).await.unwrap();
        let (company, source) = (CompanyId::new(now, &mut rng), SourceId::new(now, &mut rng));
        let (integration, set) = (
            IntegrationId::new(now, &mut rng),
            EventSetId::new(now, &mut rng),
        );
        let rule = RuleId::new(now, &mut rng);
        let mut world = Self {
            store,
            settings,
            rng,
            now,
            company,
            source,
            integration,
            set,
            rule,
            _place: place,
        };
        world.furnish().await;
        world
    }

    async fn furnish(&mut self) {
        let company = company(self.company, "Contoso", self.now);
        let (source, integration) = (
            self.a_source(self.source, "Scanner"),
            self.an_integration(self.integration, "Tickets"),
        );
        let set = EventSet {
            id: self.set,
            name: "All".to_owned(),
            notify_by: NotifyBy::Event,
            events: vec!["asset.discovered".to_owned()],
            critical_bypass: false,
            created_at: self.now,
        };
        let rule = self.a_rule(self.rule, "Everything");
        self.change(Change::InsertCompany(company)).await;
        self.change(Change::InsertSource(source)).await;
        self.change(Change::InsertIntegration {
            integration,
            secrets: secrets("password", "correct horse"),
        })
        .await;
        self.change(Change::InsertEventSet(set)).await;
        self.change(Change::InsertRule(rule)).await;
    }

    pub async fn change(&self, change: Change) -> u64 {
        self.store.change(change, &ACTOR, self.now).await.unwrap()
    }

    pub fn a_source(&self, id: SourceId, name: &str) -> Source {
        Source {
            id,
            name: name.to_owned(),
            companies: Vec::new(),
            company: Some(self.company),
            company_rules: Vec::new(),
            authentication: Authentication {
                signature: Live::one(Secret::new(b"signing secret".to_vec())),
                addresses: vec!["192.0.2.0/24".parse().unwrap()],
                ..Authentication::default()
            },
            dedup_window: Some(5 * MINUTE),
            limits: SourceLimits::default(),
            created_at: self.now,
        }
    }

    pub fn an_integration(&self, id: IntegrationId, name: &str) -> Integration {
        Integration {
            id,
            connector: "webhook".to_owned(),
            name: name.to_owned(),
            companies: Vec::new(),
            enabled: true,
            authenticated_at: Some(self.now),
            checked_at: Some(self.now),
            fields: serde_json::from_str(r#"{"webhook_url":"https://tickets.example/hook"}"#)
                .unwrap(),
            secrets_set: Default::default(),
            delivery: DeliverySettings::default(),
            last_check: None,
            created_at: self.now,
            version: 1,
        }
    }

    pub fn a_rule(&self, id: RuleId, name: &str) -> IntegrationRule {
        IntegrationRule {
            enabled: true,
            id,
            integration: self.integration,
            name: name.to_owned(),
            event_set: self.set,
            matchers: vec!["severity>=low".parse().unwrap()],
            created_at: self.now,
        }
    }

    /// A silence of an hour from now on.
    pub fn a_silence(&mut self, companies: &[CompanyId]) -> Silence {
        Silence {
            id: SilenceId::new(self.now, &mut self.rng),
            name: "Patch night".to_owned(),
            filter: "event=asset.* severity>=low".parse().unwrap(),
            companies: companies.to_vec(),
            from: self.now,
            until: self.now.after(60 * MINUTE),
            repeat: None,
            reason: "Servers restart".to_owned(),
            author: ACTOR,
            created_at: self.now,
            ended_at: None,
        }
    }

    /// Closes the store and opens the same database again, as another node where one is given.
    pub async fn restart(&mut self, node: Option<NodeId>) {
        self.store.clone().close().await;
        self.settings.node = node.unwrap_or(self.settings.node);
        self.store = Store::open(self.settings.clone(), self.now, [8; 32])
            .await
            .unwrap();
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// A message with one event and one delivery that is due now and sealed.
    pub async fn acceptance(&mut self, body: &str) -> Acceptance {
        let configuration = self.store.configuration().await.unwrap();
        let event = self.event(body, configuration.epoch);
        let delivery = NewDelivery {
            id: DeliveryId::new(self.now, &mut self.rng),
            integration: self.integration,
            rule: self.rule,
            company: self.company,
            critical: false,
            due_at: self.now,
            group: None,
            alert: Some(Alert::of_event(&event, None, &configuration)),
        };
        let raw = format!(r#"{{"subject":"{}","body":"{body}"}}"#, event.subject).into_bytes();
        Acceptance {
            message: Message {
                id: event.message,
                source: Some(self.source),
                received_at: self.now,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                sha256: Sha256::digest(&raw).into(),
                raw,
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
            epoch: configuration.epoch,
        }
    }

    fn event(&mut self, body: &str, epoch: u64) -> Event {
        let subject = "New Asset Discovered".to_owned();
        Event {
            id: EventId::new(self.now, &mut self.rng),
            message: MessageId::new(self.now, &mut self.rng),
            source: Some(self.source),
            company: Some(self.company),
            kind: Some("asset.discovered".to_owned()),
            category: Some("assets".to_owned()),
            fingerprint: Fingerprint::new(
                Some(self.company),
                None,
                &mut Vec::new(),
                &subject,
                body,
            ),
            subject,
            body: body.to_owned(),
            severity: Severity::Low,
            reading: Reading::nothing(Decode::Ok),
            occurred_at: Some(self.now),
            received_at: self.now,
            count: 1,
            routing: Routing::Routed,
            silence: None,
            epoch,
            via: vec!["0badc0de".to_owned()],
            repeats: Repeats::default(),
        }
    }

    /// The same, to be joined with others under this key until the window ends.
    pub async fn joinable(
        &mut self,
        body: &str,
        key: &str,
        records: u32,
        bytes: u32,
    ) -> Acceptance {
        let mut acceptance = self.acceptance(body).await;
        let delivery = &mut acceptance.events[0].deliveries[0];
        delivery.alert = None;
        delivery.due_at = self.now.after(MINUTE);
        delivery.group = Some(NewGroup {
            key: key.to_owned(),
            records,
            bytes,
            asked_at: self.now,
        });
        acceptance
    }

    /// Accepts an alert and tells its event and delivery.
    pub async fn accepted(&mut self, body: &str) -> (EventId, DeliveryId) {
        let acceptance = self.acceptance(body).await;
        let delivery = acceptance.events[0].deliveries[0].id;
        (
            stored(self.store.accept(acceptance).await.unwrap()),
            delivery,
        )
    }

    pub async fn lease(&self) -> Lease {
        let leases = self
            .store
            .take_leases(&[self.integration], MINUTE, self.now)
            .await
            .unwrap();
        *leases
            .first()
            .expect("the lease is free or this node's own")
    }

    /// The settlement of an attempt that failed or delivered.
    pub fn settlement(
        &mut self,
        delivery: DeliveryId,
        state: delivery::Delivery,
        cause: Option<&str>,
    ) -> Settlement {
        let attempt = Attempt {
            id: AttemptId::new(self.now, &mut self.rng),
            delivery,
            number: 1,
            started_at: self.now,
            duration_micros: 900,
            outcome: if cause.is_some() {
                "failed"
            } else {
                "delivered"
            }
            .to_owned(),
            cause: cause.map(str::to_owned),
            detail: None,
            status_code: Some(if cause.is_some() { 503 } else { 200 }),
            address: Some("192.0.2.1:443".to_owned()),
            timings: serde_json::json!({ "total": 900 }),
            request_headers: vec![("webhook-id".to_owned(), delivery.to_string())],
            response_headers: Vec::new(),
            response_body: "ok".to_owned(),
        };
        Settlement {
            delivery,
            state,
            attempt: Some(attempt),
        }
    }

    /// Settles a delivery as delivered.
    pub async fn deliver(&mut self, id: DeliveryId) {
        let lease = self.lease().await;
        let state = delivery::Delivery {
            status: delivery::Status::Delivered,
            attempts: 1,
            ..delivery::Delivery::new(self.now)
        };
        let settlement = self.settlement(id, state, None);
        assert!(
            self.store
                .settle(&lease, vec![settlement], None)
                .await
                .unwrap()
        );
    }

    /// Settles a delivery as dead.
    pub async fn bury(&mut self, id: DeliveryId) {
        let lease = self.lease().await;
        let mut state = delivery::Delivery {
            attempts: 3,
            ..delivery::Delivery::new(self.now)
        };
        state.give_up(delivery::DeadReason::Exhausted);
        let settlement = self.settlement(id, state, Some("status_503"));
        assert!(
            self.store
                .settle(&lease, vec![settlement], None)
                .await
                .unwrap()
        );
    }

    pub fn small_queue(&mut self) {
        self.settings.queue = NonZeroUsize::MIN;
    }

    /// Another node, or another process, on the same database.
    pub async fn another_node(&mut self) -> Store {
        let node = NodeId::new(self.now, &mut self.rng);
        let settings = Settings {
            node,
            ..self.settings.clone()
        };
        Store::open(settings, self.now, [9; 32]).await.unwrap()
    }

    /// The texts of a query with one column, asked past the store.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.settings.database {
            Database::Sqlite(path) => {
                let conn = rusqlite::Connection::open(path).unwrap();
                let mut rows = conn.prepare(sql).unwrap();
                let texts = rows.query_map([], |row| row.get(0)).unwrap();
                texts.collect::<Result<_, _>>().unwrap()
            }
            Database::Postgres(url) => {
                let (client, connection) =
                    tokio_postgres::connect(url.reveal(), tokio_postgres::NoTls)
                        .await
                        .unwrap();
                let talking = tokio::spawn(connection);
                let rows = client.query(sql, &[]).await.unwrap();
                drop(client);
                talking.await.unwrap().unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Copies these columns of the rows of a table that fit, so often, under ids that tell of a millisecond more each time.
    pub async fn copy(&self, table: &str, columns: &str, fitting: &str, times: u32) {
        let millis = self.now.unix_millis();
        let (id, numbers) = match self.file() {
            Some(_) => (
                format!("unhex(printf('%012x%020x', {millis} + n, n))"),
                format!(
                    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {times})"
                ),
            ),
            None => (
                format!(
                    "decode(lpad(to_hex({millis} + n), 12, '0') || lpad(to_hex(n), 20, '0'), 'hex')"
                ),
                format!("WITH numbers (n) AS (SELECT generate_series(1, {times}::bigint))"),
            ),
        };
        let sql = format!(
            "{numbers} INSERT INTO {table} (id, {columns}) SELECT {id}, {columns} FROM {table}, numbers WHERE {fitting}"
        );
        self.batch(&sql).await;
    }

    /// Runs statements past the store.
    pub async fn batch(&self, sql: &str) {
        match &self.settings.database {
            Database::Sqlite(path) => rusqlite::Connection::open(path)
                .unwrap()
                .execute_batch(sql)
                .unwrap(),
            Database::Postgres(url) => command(url.reveal(), sql).await,
        }
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<&PathBuf> {
        match &self.settings.database {
            Database::Sqlite(path) => Some(path),
            Database::Postgres(_) => None,
        }
    }
}

pub fn company(id: CompanyId, name: &str, now: Timestamp) -> Company {
    Company {
        id,
        name: name.to_owned(),
        aliases: vec![format!("{name} Ltd")],
        domain: None,
        external_id: None,
        quota: None,
        created_at: now,
    }
}

pub fn secrets(name: &str, value: &str) -> Secrets {
    Secrets::from([(name.to_owned(), Secret::new(value.to_owned()))])
}

/// A scope that sees nothing of the world.
pub fn elsewhere() -> Scope {
    Scope::Companies(vec![CompanyId::from_bytes([9; 16])])
}

/// The one event of a receipt that stored something.
pub fn stored(receipt: Receipt) -> EventId {
    match receipt {
        Receipt::Stored { events, .. } => events[0],
        other => panic!("nothing was stored: {other:?}"),
    }
}

async fn command(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let talking = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    let _ = talking.await;
}

impl Drop for Place {
    /// A thread of its own, for a runtime must not be blocked by its own task.
    fn drop(&mut self) {
        let Self::Server { url, name } = self else {
            return;
        };
        let (url, sql) = (
            url.clone(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(command(&url, &sql));
        });
        let _ = dropping.join();
    }
}
