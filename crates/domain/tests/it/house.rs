//! A small MSP: two companies, one webhook, the sets and rules that a test asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use alertwire_domain::access::{Actor, Role};
use alertwire_domain::catalogue::{Record, Value};
use alertwire_domain::company::Company;
use alertwire_domain::configuration::{Configuration, Parts};
use alertwire_domain::event::{Event, Fingerprint, Reading, Reason, Repeats, Routing};
use alertwire_domain::event_set::{EventSet, NotifyBy};
use alertwire_domain::integration::{DeliverySettings, Integration};
use alertwire_domain::mapping::{CompanyMapping, MappedTo};
use alertwire_domain::rule::IntegrationRule;
use alertwire_domain::silence::Silence;
use alertwire_domain::{
    CompanyId, EventId, EventSetId, IntegrationId, MessageId, RuleId, Severity, SilenceId,
    Timestamp,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub struct House {
    pub parts: Parts,
    rng: StdRng,
}

impl House {
    pub fn new() -> Self {
        let parts = Parts {
            epoch: 7,
            instance: "here".to_owned(),
            ..Parts::default()
        };
        Self {
            parts,
            rng: StdRng::seed_from_u64(1),
        }
    }

    pub fn company(&mut self, name: &str) -> CompanyId {
        let id = CompanyId::new(NOW, &mut self.rng);
        let company = Company {
            id,
            name: name.to_owned(),
            aliases: vec![format!("{name} GmbH")],
            domain: None,
            external_id: None,
            quota: None,
            created_at: NOW,
        };
        self.parts.companies.push(company);
        id
    }

    pub fn integration(&mut self, companies: &[CompanyId]) -> IntegrationId {
        let id = IntegrationId::new(NOW, &mut self.rng);
        self.parts.integrations.push(Integration {
            id,
            connector: "webhook".to_owned(),
            name: "Desk".to_owned(),
            companies: companies.to_vec(),
            enabled: true,
            authenticated_at: Some(NOW),
            checked_at: Some(NOW),
            fields: serde_json::Map::new(),
            secrets_set: BTreeMap::new(),
            delivery: DeliverySettings::default(),
            last_check: None,
            created_at: NOW,
            version: 1,
        });
        id
    }

    pub fn rule(
        &mut self,
        integration: IntegrationId,
        events: &[&str],
        by: NotifyBy,
        matchers: &[&str],
    ) -> RuleId {
        let set = EventSetId::new(NOW, &mut self.rng);
        let mut events: Vec<String> = events.iter().map(|code| (*code).to_owned()).collect();
        events.sort();
        self.parts.event_sets.push(EventSet {
            id: set,
            name: "Set".to_owned(),
            notify_by: by,
            events,
            critical_bypass: false,
            created_at: NOW,
        });
        let id = RuleId::new(NOW, &mut self.rng);
        self.parts.rules.push(IntegrationRule {
            enabled: true,
            id,
            integration,
            name: "Rule".to_owned(),
            event_set: set,
            matchers: matchers
                .iter()
                .map(|matcher| matcher.parse().unwrap())
                .collect(),
            created_at: NOW,
        });
        id
    }

    pub fn map(
        &mut self,
        integration: IntegrationId,
        company: MappedTo,
        rules: &[RuleId],
        on: bool,
    ) {
        self.parts.mappings.push(CompanyMapping {
            integration,
            company,
            rules: rules.to_vec(),
            create_webhook_alert: on,
        });
    }

    /// A silence of an hour, which began a minute ago.
    pub fn silence(&mut self, filter: &str, companies: &[CompanyId]) -> SilenceId {
        let silence = a_silence(SilenceId::new(NOW, &mut self.rng), filter, companies);
        let id = silence.id;
        self.parts.silences.push(silence);
        id
    }

    pub fn configuration(&self) -> Configuration {
        Configuration::new(self.parts.clone())
    }

    pub fn event(
        &mut self,
        company: Option<CompanyId>,
        kind: Option<&str>,
        records: &[&[(&str, &str)]],
    ) -> Event {
        let records = records.iter().map(|fields| record(fields)).collect();
        Event {
            id: EventId::new(NOW, &mut self.rng),
            message: MessageId::new(NOW, &mut self.rng),
            source: None,
            company,
            kind: kind.map(str::to_owned),
            category: Some("System Changes".to_owned()),
            subject: "New Asset(s) Added".to_owned(),
            body: "New asset added with ip 192.168.1.100".to_owned(),
            severity: Severity::Medium,
            reading: Reading::of_records(records),
            fingerprint: Fingerprint([0; 16]),
            occurred_at: None,
            received_at: NOW,
            count: 1,
            routing: Routing::Unrouted(Reason::NoMapping),
            silence: None,
            epoch: 7,
            via: Vec::new(),
            repeats: Repeats::default(),
        }
    }
}

pub fn a_silence(id: SilenceId, filter: &str, companies: &[CompanyId]) -> Silence {
    let mut companies = companies.to_vec();
    companies.sort_unstable();
    Silence {
        id,
        name: format!("Silence of {filter}"),
        filter: filter.parse().unwrap(),
        companies,
        from: NOW.before(Duration::from_secs(60)),
        until: NOW.after(Duration::from_secs(3_540)),
        repeat: None,
        reason: "Maintenance".to_owned(),
        author: Actor::Local,
        created_at: NOW,
        ended_at: None,
    }
}

pub fn record(fields: &[(&str, &str)]) -> Record {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned())))
        .collect()
}

#[test]
fn roles_order_by_what_they_may_do() {
    assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    assert_eq!("admin".parse(), Ok(Role::Admin));
    assert!("root".parse::<Role>().is_err());
}
