//! A node with one company and one webhook at a scripted target.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alertwire_dispatch::{Dispatcher, Settings};
use delivery::Gate;
use domain::access::{Actor, Scope};
use domain::catalogue::{Record, Value};
use domain::company::Company;
use domain::event_set::{EventSet, NotifyBy};
use domain::integration::{DeliveryForm, Integration, Secrets};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::silence::Silence;
use domain::{
    Clock, CompanyId, DeliveryId, Dice, EventSetId, IntegrationId, JobId, NodeId, RuleId,
    SilenceId, Timestamp,
};
use receive::{Raise, Receiver, Wanted};
use serde_json::json;
use store::{
    Change, Database, DeliveryQuery, DeliveryRow, EventQuery, Job, JobSpec, Listed, NewJob, PageAt,
    SealingKey, Standing, Store, Target,
};
use tempfile::TempDir;
use testkit::{ManualClock, seeded};

pub const KIND: &str = "system.asset_added";

pub struct House {
    pub store: Store,
    pub target: testkit::Target,
    pub clock: Arc<ManualClock>,
    /// How far the wall clock is ahead, in seconds.
    pub wall_ahead: Arc<AtomicU64>,
    pub company: CompanyId,
    pub integration: IntegrationId,
    set: EventSetId,
    pub receiver: Receiver,
    pub dice: Dice,
    _folder: TempDir,
}

fn telling(clock: &Arc<ManualClock>, wall_ahead: &Arc<AtomicU64>) -> Clock {
    let (now, wall, ahead) = (Arc::clone(clock), Arc::clone(clock), Arc::clone(wall_ahead));
    let stamp = move || {
        let ahead = Duration::from_secs(ahead.load(Ordering::SeqCst));
        wall.now().after(ahead)
    };
    Clock::with_stamps(move || now.now(), stamp)
}

impl House {
    /// `delivery` is the API's object, for instance `{"schedule": ["0s", "0s"]}`.
    pub async fn new(delivery: serde_json::Value, by: NotifyBy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::anywhere());
        let now = clock.now();
        let mut rng = seeded(11);
        let node = NodeId::new(now, &mut rng);
        let database = Database::Sqlite(folder.path().join("alertwire.db"));
        let settings =
            store::Settings::new(database, node, SealingKey::from_bytes([7; 32]), [3; 16]);
        let store = Store::open(settings, now, [9; 32]).await.unwrap();
        let target = testkit::Target::start().await;
        let company = Company {
            id: CompanyId::new(now, &mut rng),
            name: "Acme Corporation".to_owned(),
            aliases: Vec::new(),
            domain: None,
            external_id: None,
            quota: None,
            created_at: now,
        };
        let company_id = company.id;
        let form: DeliveryForm = serde_json::from_value(delivery).unwrap();
        let fields = json!({ "webhook_url": target.url("/alerts") });
        let integration = Integration {
            id: IntegrationId::new(now, &mut rng),
            connector: "webhook".to_owned(),
            name: "Desk".to_owned(),
            companies: Vec::new(),
            enabled: true,
            authenticated_at: Some(now),
            checked_at: Some(now),
            fields: fields.as_object().unwrap().clone(),
            secrets_set: std::collections::BTreeMap::new(),
            delivery: form.parse().unwrap(),
            last_check: None,
            created_at: now,
            version: 1,
        };
        let integration_id = integration.id;
        let set_id = EventSetId::new(now, &mut rng);
        let set = EventSet {
            id: set_id,
            name: "Everything".to_owned(),
            notify_by: by,
            events: [
                "entra.login_failure",
                "problem.critical",
                "problem.high",
                KIND,
            ]
            .map(str::to_owned)
            .to_vec(),
            critical_bypass: false,
            created_at: now,
        };
        let rule = IntegrationRule {
            enabled: true,
            id: RuleId::new(now, &mut rng),
            integration: integration_id,
            name: "All".to_owned(),
            event_set: set.id,
            matchers: Vec::new(),
            created_at: now,
        };
        let mapping = CompanyMapping {
            integration: integration_id,
            company: MappedTo::All,
            rules: vec![rule.id],
            create_webhook_alert: true,
        };
        let changes = [
            Change::InsertCompany(company),
            Change::InsertIntegration {
                integration,
                secrets: Secrets::new(),
            },
            Change::InsertEventSet(set),
            Change::InsertRule(rule),
            Change::PutMappings(vec![mapping]),
        ];
        for change in changes {
            store.change(change, &Actor::Local, now).await.unwrap();
        }
        let wall_ahead = Arc::default();
        let (tell, dice) = (telling(&clock, &wall_ahead), Dice::new(rng));
        let receiver = Receiver::new(
            store.clone(),
            tell,
            dice.clone(),
            receive::Settings::default(),
        );
        Self {
            store,
            target,
            clock,
            wall_ahead,
            company: company_id,
            integration: integration_id,
            set: set_id,
            receiver,
            dice,
            _folder: folder,
        }
    }

    /// A further company.
    pub async fn another_company(&self, name: &str) -> CompanyId {
        let now = self.now();
        let id = self.dice.roll(|rng| CompanyId::new(now, rng));
        let company = Company {
            id,
            name: name.to_owned(),
            aliases: Vec::new(),
            domain: None,
            external_id: None,
            quota: None,
            created_at: now,
        };
        self.change(Change::InsertCompany(company)).await;
        id
    }

    /// A further webhook that gets everything too.
    pub async fn another(&self, url: &str, delivery: serde_json::Value) -> IntegrationId {
        let now = self.now();
        let (id, rule) = self
            .dice
            .roll(|rng| (IntegrationId::new(now, rng), RuleId::new(now, rng)));
        let form: DeliveryForm = serde_json::from_value(delivery).unwrap();
        let configuration = self.store.configuration().await.unwrap();
        let first = configuration.integration(self.integration).unwrap();
        let integration = Integration {
            id,
            name: format!("At {url}"),
            fields: json!({ "webhook_url": url }).as_object().unwrap().clone(),
            delivery: form.parse().unwrap(),
            ..Integration::clone(first)
        };
        let secrets = Secrets::new();
        self.change(Change::InsertIntegration {
            integration,
            secrets,
        })
        .await;
        self.change(Change::InsertRule(IntegrationRule {
            enabled: true,
            id: rule,
            integration: id,
            name: "All".to_owned(),
            event_set: self.set,
            matchers: Vec::new(),
            created_at: now,
        }))
        .await;
        self.change(Change::PutMappings(vec![CompanyMapping {
            integration: id,
            company: MappedTo::All,
            rules: vec![rule],
            create_webhook_alert: true,
        }]))
        .await;
        id
    }

    /// Critical events do not wait for the window any more.
    pub async fn let_critical_ones_pass(&self) {
        let configuration = self.store.configuration().await.unwrap();
        let set = configuration.event_set(self.set).unwrap();
        let set = EventSet {
            critical_bypass: true,
            ..EventSet::clone(set)
        };
        self.change(Change::UpdateEventSet(set)).await;
    }

    pub async fn change(&self, change: Change) {
        let now = self.now();
        self.store.change(change, &Actor::Local, now).await.unwrap();
    }

    pub fn dispatch(&self) -> Dispatcher {
        self.dispatch_by(egress::Settings::default(), Settings::default())
    }

    /// By a door of its own, which may reach 127.0.0.1 in any case, and settings of its own but for the rhythms.
    pub fn dispatch_by(&self, door: egress::Settings, settings: Settings) -> Dispatcher {
        let egress = egress::Egress::new(egress::Settings {
            allow: vec!["127.0.0.1".parse().unwrap()],
            ..door
        });
        let clock = telling(&self.clock, &self.wall_ahead);
        // Short rhythms: time in these tests moves by hand, past leases too, and nobody rings when it does.
        let short = Duration::from_millis(20);
        let settings = Settings {
            lease: 10 * short,
            sweep: short,
            idle: short,
            ..settings
        };
        Dispatcher::start(
            self.store.clone(),
            self.receiver.clone(),
            egress.unwrap(),
            clock,
            self.dice.clone(),
            settings,
        )
    }

    /// Raises one event a given address each, in one request.
    pub async fn raise(&self, addresses: &[&str]) {
        let raise = |ip: &&str| self.raised(KIND, &[("ip", ip)]);
        self.raise_all(addresses.iter().map(raise).collect()).await;
    }

    /// Raises so many events of a company in one request, with addresses of this net.
    pub async fn raise_many(&self, company: CompanyId, net: u8, count: usize) {
        let raise = |number: usize| {
            let ip = format!("10.{net}.{}.{}", number / 256, number % 256);
            Raise {
                company,
                ..self.raised(KIND, &[("ip", &ip)])
            }
        };
        self.raise_all((0..count).map(raise).collect()).await;
    }

    /// Raises one event of a kind.
    pub async fn raise_fields(&self, kind: &str, fields: &[(&str, &str)]) {
        self.raise_all(vec![self.raised(kind, fields)]).await;
    }

    fn raised(&self, kind: &str, fields: &[(&str, &str)]) -> Raise {
        let field = |(name, value): &(&str, &str)| {
            let value = Value::Text((*value).to_owned());
            ((*name).to_owned(), value)
        };
        Raise {
            kind: kind.to_owned(),
            company: self.company,
            records: vec![Record::from_iter(fields.iter().map(field))],
            severity: None,
            occurred_at: None,
        }
    }

    async fn raise_all(&self, raises: Vec<Raise>) {
        self.receiver
            .raise(
                b"{}".to_vec().into(),
                &http::HeaderMap::new(),
                raises,
                None,
                Wanted::All,
            )
            .await
            .unwrap();
    }

    /// Waits until so many deliveries of an integration stand so.
    pub async fn until(&self, integration: IntegrationId, standing: Standing, count: usize) {
        let query = DeliveryQuery {
            standing: Some(standing),
            integration: Some(integration),
            ..DeliveryQuery::default()
        };
        let most = u32::try_from(count).unwrap();
        while self
            .store
            .count_deliveries(&Scope::All, &query, most)
            .await
            .unwrap()
            < most
        {
            self.look_again().await;
        }
    }

    /// Whether so many deliveries have arrived.
    pub async fn all_delivered(&self, count: usize) -> bool {
        let query = DeliveryQuery {
            standing: Some(Standing::Delivered),
            ..DeliveryQuery::default()
        };
        let most = u32::try_from(count).unwrap();
        let found = self.store.count_deliveries(&Scope::All, &query, most).await;
        found.unwrap() == most
    }

    /// The only delivery of an integration, once it has spent so many attempts.
    pub async fn tried(&self, integration: IntegrationId, attempts: u32) -> DeliveryRow {
        let query = DeliveryQuery {
            integration: Some(integration),
            ..DeliveryQuery::default()
        };
        loop {
            let at = PageAt::default();
            let page = self.store.deliveries(&Scope::All, &query, &at).await;
            let row = page.unwrap().items.remove(0);
            if row.attempts >= attempts {
                return row;
            }
            self.look_again().await;
        }
    }

    pub async fn deliveries(&self) -> Vec<DeliveryRow> {
        let at = PageAt::default();
        self.store
            .deliveries(&Scope::All, &DeliveryQuery::default(), &at)
            .await
            .unwrap()
            .items
    }

    /// Waits until every delivery stands so.
    pub async fn until_all(&self, standing: Standing) -> Vec<DeliveryRow> {
        loop {
            let rows = self.deliveries().await;
            if !rows.is_empty() && rows.iter().all(|row| row.standing == standing) {
                return rows;
            }
            self.look_again().await;
        }
    }

    /// Waits until the only delivery has spent so many attempts, then moves time to its next.
    pub async fn on_to_the_next_attempt(&self, spent: u32) -> DeliveryId {
        loop {
            let row = self.deliveries().await.remove(0);
            if row.attempts == spent {
                self.clock.set(row.due_at.max(self.clock.now()));
                return row.id;
            }
            self.look_again().await;
        }
    }

    pub async fn until_gate(&self, is: impl Fn(&Gate) -> bool) -> Gate {
        loop {
            let gate = self.store.gate(self.integration).await.unwrap();
            if is(&gate) {
                return gate;
            }
            self.look_again().await;
        }
    }

    /// Begins a replay of these deliveries.
    pub async fn replay(&self, query: &DeliveryQuery, per_second: u32) -> JobId {
        let listed = self
            .store
            .list_for_replay(&Scope::All, query, None, 1_000)
            .await
            .unwrap();
        let spec = JobSpec::Deliveries {
            filter: json!({}),
            to: None,
        };
        self.begin(spec, listed, per_second).await
    }

    /// Begins a replay of everything to an integration that is removed before it could begin.
    pub async fn replay_to_nobody(&self) -> JobId {
        let configuration = self.store.newest_configuration().await.unwrap();
        let known = configuration.integration(self.integration).unwrap();
        let to = self.dice.roll(|rng| IntegrationId::new(self.now(), rng));
        let integration = Integration {
            id: to,
            name: "Archive".to_owned(),
            ..Integration::clone(known)
        };
        let target = Target {
            integration: to,
            companies: Vec::new(),
        };
        let changes = [
            Change::InsertIntegration {
                integration,
                secrets: Secrets::new(),
            },
            Change::RemoveIntegration(to),
        ];
        for change in changes {
            let changed = self.store.change(change, &Actor::Local, self.now()).await;
            changed.unwrap();
        }
        let query = DeliveryQuery::default();
        let listed = self
            .store
            .list_for_replay(&Scope::All, &query, Some(&target), 1_000)
            .await
            .unwrap();
        let spec = JobSpec::Deliveries {
            filter: json!({}),
            to: Some(to),
        };
        self.begin(spec, listed, 1_000).await
    }

    /// Begins a replay of all unrouted events.
    pub async fn route_again(&self) -> JobId {
        let listed = self
            .store
            .list_unrouted(&Scope::All, &EventQuery::default(), 1_000)
            .await
            .unwrap();
        let spec = JobSpec::Unrouted { query: json!({}) };
        self.begin(spec, listed, 1_000).await
    }

    pub async fn begin(&self, spec: JobSpec, listed: Listed, per_second: u32) -> JobId {
        let job = NewJob {
            id: self.dice.roll(|rng| JobId::new(self.now(), rng)),
            spec,
            scope: Scope::All,
            rate: per_second.try_into().unwrap(),
            listed,
        };
        let id = job.id;
        assert!(
            self.store
                .begin_job(job, &Actor::Local, self.now())
                .await
                .unwrap()
        );
        id
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.store.job(&Scope::All, id).await.unwrap().unwrap()
    }

    /// Waits until a job is as it should be.
    pub async fn until_job(&self, id: JobId, is: impl Fn(&Job) -> bool) -> Job {
        loop {
            let job = self.job(id).await;
            if is(&job) {
                return job;
            }
            self.look_again().await;
        }
    }

    /// The mapping of all companies, on or off.
    pub async fn map(&self, on: bool) {
        let configuration = self.store.newest_configuration().await.unwrap();
        let mapping = configuration.mappings_for(self.company).next().unwrap();
        let mapping = CompanyMapping {
            create_webhook_alert: on,
            ..CompanyMapping::clone(mapping)
        };
        self.store
            .change(
                Change::PutMappings(vec![mapping]),
                &Actor::Local,
                self.now(),
            )
            .await
            .unwrap();
    }

    /// Mutes everything for so long.
    pub async fn silence(&self, lasts: Duration) {
        let silence = Silence {
            id: self.dice.roll(|rng| SilenceId::new(self.now(), rng)),
            name: "Maintenance".to_owned(),
            filter: "severity>=info".parse().unwrap(),
            companies: Vec::new(),
            from: self.now(),
            until: self.now().after(lasts),
            repeat: None,
            reason: "new firewall".to_owned(),
            author: Actor::Local,
            created_at: self.now(),
            ended_at: None,
        };
        let change = Change::InsertSilence(silence);
        let changed = self.store.change(change, &Actor::Local, self.now()).await;
        changed.unwrap();
    }

    /// The store tells nobody that it has settled, so it is asked every few milliseconds.
    pub async fn look_again(&self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        ticks.tick().await;
        ticks.tick().await;
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
