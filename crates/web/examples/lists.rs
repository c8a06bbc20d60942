//! How long a page of each list of the configuration takes, and the document of all of it: `lists [companies] [integrations]
//! [mappings of a company] [rounds]`, 10,000, 1,000, 10 and 20 unless told. A store of its own in a temporary folder; no
//! socket; bounded by its numbers. Build it with `--release`.

use std::io::Write as _;

use alertwire_web::{App, Disk, Parts, Settings, router};
use axum::body::Body;
use domain::access::{Actor, ApiKey, Role, Scope};
use domain::company::Company;
use domain::event_set::{EventSet, NotifyBy};
use domain::integration::{DeliverySettings, Integration};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::rule::IntegrationRule;
use domain::{Clock, CompanyId, Dice, EventSetId, IntegrationId, KeyId, NodeId, RuleId, Timestamp};
use egress::Egress;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use rand::rngs::StdRng;
use receive::Receiver;
use store::{Change, Database, SealingKey, Store};
use testkit::{ManualClock, seeded};
use tokio::time::Instant;
use tower::ServiceExt as _;

const KEY: &str = "the key of the example";

/// How much of everything there is.
struct Size {
    companies: usize,
    integrations: usize,
    mappings: usize,
    rounds: usize,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize, most: usize| {
        let given = arguments.get(index).and_then(|text| text.parse().ok());
        given.unwrap_or(default).clamp(1, most)
    };
    let size = Size {
        companies: number(0, 10_000, 100_000),
        integrations: number(1, 1_000, 10_000),
        mappings: number(2, 10, 100),
        rounds: number(3, 20, 1_000),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = ManualClock::anywhere();
    let store = open(&folder, clock.now()).await;
    let begun = Instant::now();
    let first = fill(&store, clock.now(), &size).await;
    let filled = begun.elapsed();
    let begun = Instant::now();
    store.configuration().await.expect("the configuration");
    print(&format!(
        "{} companies, {} integrations, {} mappings: written in {filled:.1?}, read whole in {:.1?}",
        size.companies,
        size.integrations,
        size.companies * size.mappings,
        begun.elapsed()
    ));
    let router = router(app(store, &clock));
    let paths = [
        "/api/v1/companies".to_owned(),
        "/api/v1/companies?limit=1000".to_owned(),
        "/api/v1/companies?mapped=false&limit=1000".to_owned(),
        "/api/v1/companies?name=Company+1".to_owned(),
        "/api/v1/integrations?limit=1000".to_owned(),
        format!("/api/v1/integrations/{first}/rules?limit=1000"),
        format!("/api/v1/integrations/{first}/mappings?limit=1000"),
        "/api/v1/event-sets?limit=1000".to_owned(),
        "/api/v1/sources?limit=1000".to_owned(),
        "/api/v1/configuration".to_owned(),
    ];
    print("middle ms | worst ms | KiB | path");
    let mut whole = Vec::new();
    for path in paths {
        whole = measure(&router, Method::GET, &path, &[], size.rounds).await;
    }
    let path = "/api/v1/configuration?dry_run=true&prune=true";
    measure(&router, Method::PUT, path, &whole, size.rounds).await;
}

/// Prints the figures of a call; answers what it answered.
async fn measure(
    router: &axum::Router,
    method: Method,
    path: &str,
    body: &[u8],
    rounds: usize,
) -> Vec<u8> {
    let (mut times, mut answered) = (Vec::with_capacity(rounds), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {KEY}"))
            .body(Body::from(body.to_vec()))
            .expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let body = answer.collect().await.expect("a body");
        answered = body.to_bytes().to_vec();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let (middle, worst) = (times[rounds / 2], times[rounds - 1]);
    let kib = answered.len() / 1_024;
    print(&format!(
        "{middle:9.2} | {worst:8.2} | {kib:5} | {method} {path}"
    ));
    answered
}

fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("stdout takes a line");
}

async fn open(folder: &tempfile::TempDir, now: Timestamp) -> Store {
    let database = Database::Sqlite(folder.path().join("alertwire.db"));
    let settings = store::Settings::new(
        database,
        NodeId::from_bytes([1; 16]),
        SealingKey::from_bytes([2; 32]),
        [3; 16],
    );
    let store = Store::open(settings, now, [4; 32]).await;
    store.expect("a new database")
}

fn app(store: Store, clock: &ManualClock) -> App {
    let told = clock.clone();
    let told = Clock::new(move || told.now());
    let dice = Dice::new(seeded(7));
    let receiver = Receiver::new(
        store.clone(),
        told.clone(),
        dice.clone(),
        receive::Settings::default(),
    );
    App::new(Parts {
        store,
        egress: Egress::new(egress::Settings::default()).expect("the default settings are good"),
        receiver,
        clock: told,
        dice,
        settings: Settings::new(([127, 0, 0, 1], 8080).into()),
        metrics: metrics_exporter_prometheus::PrometheusBuilder::new()
            .build_recorder()
            .handle(),
        disk: Disk::new(|| None),
    })
}

/// Fills the store in one step; answers an integration that has its share of mappings.
async fn fill(store: &Store, now: Timestamp, size: &Size) -> IntegrationId {
    let mut rng = seeded(11);
    let set = EventSetId::new(now, &mut rng);
    let mut changes = vec![key(store, now, &mut rng), event_set(set, now)];
    let companies: Vec<CompanyId> = (0..size.companies)
        .map(|_| CompanyId::new(now, &mut rng))
        .collect();
    for (number, id) in companies.iter().enumerate() {
        changes.push(Change::InsertCompany(Company {
            id: *id,
            name: format!("Company {number}"),
            aliases: vec![format!("Company {number} Incorporated")],
            domain: Some(format!("company-{number}.example")),
            external_id: None,
            quota: None,
            created_at: now,
        }));
    }
    let mut targets = Vec::with_capacity(size.integrations);
    for number in 0..size.integrations {
        let (id, rule) = (
            IntegrationId::new(now, &mut rng),
            RuleId::new(now, &mut rng),
        );
        changes.extend(integration(number, id, rule, set, now));
        targets.push((id, rule));
    }
    for (number, company) in companies.iter().enumerate() {
        let mappings = (0..size.mappings).map(|step| {
            let (integration, rule) = targets[(number + step * 97) % targets.len()];
            CompanyMapping {
                integration,
                company: MappedTo::Company(*company),
                rules: vec![rule],
                create_webhook_alert: number % 10 != 0,
            }
        });
        changes.push(Change::PutMappings(mappings.collect()));
    }
    store
        .change_all(changes, &Actor::Local, now)
        .await
        .expect("everything is new");
    targets[0].0
}

fn key(store: &Store, now: Timestamp, rng: &mut StdRng) -> Change {
    Change::InsertKey(ApiKey {
        id: KeyId::new(now, rng),
        name: "Example".to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        digest: receive::key_digest(store, KEY),
        created_at: now,
        last_used_at: None,
    })
}

fn event_set(id: EventSetId, now: Timestamp) -> Change {
    Change::InsertEventSet(EventSet {
        id,
        name: "Everything".to_owned(),
        notify_by: NotifyBy::Event,
        events: vec!["system.asset_added".to_owned()],
        critical_bypass: false,
        created_at: now,
    })
}

fn integration(
    number: usize,
    id: IntegrationId,
    rule: RuleId,
    event_set: EventSetId,
    now: Timestamp,
) -> [Change; 2] {
    let url = format!("https://target-{number}.example/hook");
    let integration = Integration {
        id,
        connector: "webhook".to_owned(),
        name: format!("Target {number}"),
        companies: Vec::new(),
        enabled: true,
        authenticated_at: Some(now),
        checked_at: Some(now),
        fields: [("webhook_url".to_owned(), url.into())]
            .into_iter()
            .collect(),
        secrets_set: Default::default(),
        delivery: DeliverySettings::default(),
        last_check: None,
        created_at: now,
        version: 1,
    };
    let rule = IntegrationRule {
        enabled: true,
        id: rule,
        integration: id,
        name: "Everything".to_owned(),
        event_set,
        matchers: vec!["severity>=low".parse().expect("a filter")],
        created_at: now,
    };
    let secrets = [("header_value".to_owned(), "secret".to_owned().into())].into();
    [
        Change::InsertIntegration {
            integration,
            secrets,
        },
        Change::InsertRule(rule),
    ]
}
