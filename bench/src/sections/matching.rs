//! What matching costs, in process: company mapping, rule, event set, integration.

use std::hint::black_box;

use anyhow::{Result, ensure};
use domain::access::Actor;
use domain::company::Company;
use domain::configuration::{Configuration, Parts};
use domain::event::{Fingerprint, Reading, Routing};
use domain::event_set::{EventSet, NotifyBy};
use domain::integration::{DeliverySettings, Integration};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::matching::{Facts, route};
use domain::message::Decode;
use domain::rule::IntegrationRule;
use domain::silence::{SILENCES, Silence};
use domain::{CompanyId, EventSetId, IntegrationId, RuleId, Severity, SilenceId, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Arena;
use crate::figures::{Table, whole};
use crate::{alerts, machine};

const COMPANIES: usize = 10_000;
const INTEGRATIONS: usize = 1_000;
/// Integrations that each company is mapped to: 100,000 mappings.
const MAPPINGS: usize = 10;
const EVENT_SETS: usize = 4;

pub fn run(arena: &Arena) -> Result<()> {
    let parts = parts()?;
    let companies: Vec<CompanyId> = parts.companies.iter().map(|company| company.id).collect();
    let mappings = parts.mappings.len();
    let configuration = Configuration::new(parts.clone());
    let silenced = Configuration::new(Parts {
        silences: silences(&companies)?,
        ..parts
    });
    let reading = Reading::nothing(Decode::Ok);
    let facts = |company| Facts {
        company: Some(company),
        source: None,
        kind: Some(alerts::KIND),
        category: Some("System Changes"),
        subject: "New Asset(s) Added",
        body: "New asset added with ip 192.168.1.100",
        severity: Severity::Info,
        reading: &reading,
        received_at: Timestamp::from_micros(0),
        occurred_at: None,
        fingerprint: Fingerprint([0; 16]),
        routing: Routing::Routed,
        via: &[],
    };
    let plans = route(&facts(companies[0]), &configuration).plans.len();
    ensure!(plans == MAPPINGS, "{plans} plans");
    let plans_of_silenced = route(&facts(companies[0]), &silenced).plans.len();
    ensure!(plans_of_silenced == MAPPINGS, "a silence mutes the event");
    let time = |configuration: &Configuration| {
        let all = || {
            for company in &companies {
                black_box(route(black_box(&facts(*company)), configuration));
            }
        };
        machine::processor_nanoseconds(2, all) / 1e3 / companies.len() as f64
    };
    arena.heading("Matching an event")?;
    let mut table = Table::new(&["What", "Processor time", "Goal"]);
    let what = format!(
        "one event among {} companies, {} integrations, {} mappings; {plans} deliveries planned, a matcher in each rule",
        whole(COMPANIES as f64),
        whole(INTEGRATIONS as f64),
        whole(mappings as f64)
    );
    for (what, configuration) in [
        (what, &configuration),
        (
            format!("the same, with {SILENCES} silences that hold for other events"),
            &silenced,
        ),
    ] {
        let time = time(configuration);
        table.row(&[what, format!("{time:.2} µs"), "50 µs".to_owned()]);
    }
    table.print();
    Ok(())
}

/// Each company is mapped to ten integrations, each integration lists the companies it serves.
fn parts() -> Result<Parts> {
    let (now, mut rng) = (Timestamp::from_micros(0), StdRng::seed_from_u64(7));
    let mut parts = Parts {
        epoch: 1,
        instance: "bench".into(),
        ..Parts::default()
    };
    for place in 0..COMPANIES {
        let (id, name) = (CompanyId::new(now, &mut rng), format!("Company {place}"));
        parts.companies.push(Company {
            id,
            name,
            aliases: vec![],
            domain: None,
            external_id: None,
            quota: None,
            created_at: now,
        });
    }
    for place in 0..EVENT_SETS {
        parts.event_sets.push(EventSet {
            id: EventSetId::new(now, &mut rng),
            name: format!("Set {place}"),
            notify_by: NotifyBy::Event,
            events: vec![
                "login.failure".into(),
                "system.agent_offline".into(),
                alerts::KIND.into(),
            ],
            critical_bypass: false,
            created_at: now,
        });
        parts.event_sets[place].events.sort();
    }
    for place in 0..INTEGRATIONS {
        let integration = IntegrationId::new(now, &mut rng);
        let companies = (0..COMPANIES)
            .filter(|company| serves(place, *company))
            .map(|company| parts.companies[company].id)
            .collect();
        parts
            .integrations
            .push(this_integration(integration, place, companies, now));
        let rule = RuleId::new(now, &mut rng);
        parts.rules.push(IntegrationRule {
            enabled: true,
            id: rule,
            integration,
            name: format!("Rule {place}"),
            event_set: parts.event_sets[place % EVENT_SETS].id,
            matchers: vec!["severity>=info".parse()?],
            created_at: now,
        });
        for company in (0..COMPANIES).filter(|company| serves(place, *company)) {
            let company = MappedTo::Company(parts.companies[company].id);
            parts.mappings.push(CompanyMapping {
                integration,
                company,
                rules: vec![rule],
                create_webhook_alert: true,
            });
        }
    }
    Ok(parts)
}

/// Half of them of a company, most others of a kind, some that have to be asked.
fn silences(companies: &[CompanyId]) -> Result<Vec<Silence>> {
    let (now, mut rng) = (Timestamp::from_micros(0), StdRng::seed_from_u64(8));
    let silence = |place: usize| {
        let (filter, of) = match place % 10 {
            0..5 => ("severity>=high", vec![companies[place]]),
            5..9 => ("event=login.failure severity>=info", Vec::new()),
            _ => ("field.hostname=web-*", Vec::new()),
        };
        Ok(Silence {
            id: SilenceId::new(now, &mut rng),
            name: format!("Silence {place}"),
            filter: filter.parse()?,
            companies: of,
            from: now,
            until: Timestamp::from_micros(1_000_000),
            repeat: None,
            reason: "bench".into(),
            author: Actor::Local,
            created_at: now,
            ended_at: None,
        })
    };
    (0..SILENCES).map(silence).collect()
}

fn serves(integration: usize, company: usize) -> bool {
    integration % (INTEGRATIONS / MAPPINGS) == company % (INTEGRATIONS / MAPPINGS)
}

fn this_integration(
    id: IntegrationId,
    place: usize,
    companies: Vec<CompanyId>,
    now: Timestamp,
) -> Integration {
    Integration {
        id,
        connector: "webhook".into(),
        name: format!("Integration {place}"),
        companies,
        enabled: true,
        authenticated_at: Some(now),
        checked_at: Some(now),
        fields: serde_json::Map::new(),
        secrets_set: std::collections::BTreeMap::new(),
        delivery: DeliverySettings::default(),
        last_check: None,
        created_at: now,
        version: 1,
    }
}
