use domain::IntegrationId;
use domain::configuration::{Configuration, Parts, Removed};
use domain::integration::{COMPANIES, DeliveryForm, DeliverySettings, Integration, Secrets};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Change;
use utoipa::ToSchema;

use super::credentials::{self, Credentials};
use super::mappings::{self, MappingEntry};
use super::rules::{self, RuleEntry};
use crate::api::configuration::plan::{Names, Pair, Plan, written};
use crate::api::integration::create::parse_delivery;
use crate::api::rule::create::on;
use crate::problem::Problem;

/// An integration with its rules and mappings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationEntry {
    pub(super) name: String,
    /// `webhook`.
    connector: String,
    /// A person's switch; on unless told.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    #[schema(required = false)]
    enabled: bool,
    /// Associated companies; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    companies: Vec<String>,
    /// What it does not name is at its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    delivery: Option<DeliveryForm>,
    /// Secrets are texts, or references `{"env": NAME}` or `{"file": PATH}`, which keep what is stored.
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    /// Not there: not spoken of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<Vec<RuleEntry>>,
    /// Not there: not spoken of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mappings: Option<Vec<MappingEntry>>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference to whatever says when to skip"
)]
pub(super) fn is_on(enabled: &bool) -> bool {
    *enabled
}

/// An entry whose integration is known: what its rules and mappings are planned for.
pub(super) struct Known<'a> {
    pub(super) index: usize,
    pub(super) id: IntegrationId,
    pub(super) entry: &'a IntegrationEntry,
}

pub(in crate::api::configuration) fn export(
    configuration: &Configuration,
) -> Vec<IntegrationEntry> {
    let call = |id| match configuration.company(id) {
        Some(company) => company.name.clone(),
        None => id.to_string(),
    };
    let mut rules = rules::export(configuration);
    let mut mappings = mappings::export(configuration);
    let entry = |integration: &std::sync::Arc<Integration>| IntegrationEntry {
        rules: Some(rules.remove(&integration.id).unwrap_or_default()),
        mappings: Some(mappings.remove(&integration.id).unwrap_or_default()),
        ..IntegrationEntry::of(integration, call)
    };
    let mut entries: Vec<_> = configuration.integrations().map(entry).collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

pub(in crate::api::configuration) async fn plan(
    plan: &mut Plan<'_>,
    entries: &[IntegrationEntry],
) -> Result<(), Problem> {
    let stored = plan.stored.clone();
    let mut names = Names::new(
        stored
            .integrations()
            .map(|integration| (integration.name.as_str(), integration)),
    );
    let (mut put, mut known) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        if plan.fields.is_full() {
            return Ok(());
        }
        plan.fields.within(format!("/integrations/{index}"));
        let stored = names
            .take(&mut plan.fields, &entry.name)
            .map(|integration| &**integration);
        let credentials = credentials::read(plan, &entry.credentials, &entry.connector, stored);
        let credentials = credentials.await?;
        let parsed = entry.parse(plan, stored, credentials.as_ref());
        // Rules and mappings are looked at even when their integration is not good, to name all that is wrong at once.
        let integration = match (&parsed, stored) {
            (Some(parsed), _) => parsed.clone(),
            (None, Some(stored)) => stored.clone(),
            (None, None) => entry.blank(plan),
        };
        known.push(Known {
            index,
            id: integration.id,
            entry,
        });
        put.push(integration);
        if let (Some(integration), Some(credentials)) = (parsed, credentials) {
            change(plan, stored, integration, credentials);
        }
    }
    let mut removed = Vec::new();
    if plan.prune {
        for integration in names.left() {
            let change = Change::RemoveIntegration(integration.id);
            plan.remove("integration", &integration.name, change);
            removed.push(integration.id);
        }
    }
    plan.advance(
        Parts {
            integrations: put,
            ..Parts::default()
        },
        Removed {
            integrations: removed,
            ..Removed::default()
        },
    );
    rules::plan(plan, &known);
    mappings::plan(plan, &known);
    Ok(())
}

/// Plans what becomes of one integration.
fn change(
    plan: &mut Plan<'_>,
    stored: Option<&Integration>,
    integration: Integration,
    credentials: Credentials,
) {
    let form = |integration| written(&IntegrationEntry::of(integration, |id| plan.call(id)));
    let pair = Pair {
        what: "integration",
        name: &integration.name,
        old: stored.map(form),
        new: form(&integration),
        secrets: credentials.changed,
    };
    if !plan.show(pair) {
        return;
    }
    let (id, secrets) = (
        integration.id,
        credentials.parsed.map(|parsed| parsed.secrets),
    );
    if secrets.is_some() {
        plan.unproven.push(id);
    }
    let switched_on = stored.is_some_and(|stored| !stored.enabled && integration.enabled);
    plan.write(match stored {
        Some(_) => Change::UpdateIntegration {
            integration,
            secrets,
        },
        None => Change::InsertIntegration {
            integration,
            secrets: secrets.unwrap_or_else(Secrets::new),
        },
    });
    // As when a person switches it on: the machine's gate opens too.
    if switched_on {
        plan.write(Change::ReleaseGate { id });
    }
}

impl IntegrationEntry {
    fn parse(
        &self,
        plan: &mut Plan<'_>,
        stored: Option<&Integration>,
        credentials: Option<&Credentials>,
    ) -> Option<Integration> {
        let fields = &mut plan.fields;
        let name = fields.name(&self.name);
        fields.at_most("/companies", self.companies.len(), COMPANIES);
        let companies = fields.companies("/companies", &self.companies, &plan.caller);
        let form = self.delivery.clone().unwrap_or_default();
        let delivery = parse_delivery(fields, &form);
        let mut integration = match stored {
            Some(stored) => stored.clone(),
            None => self.blank(plan),
        };
        integration.name = name?;
        integration.companies = companies;
        integration.delivery = delivery?;
        integration.enabled = self.enabled;
        if let Some(parsed) = &credentials?.parsed {
            integration.fields = parsed.fields.clone();
            integration.secrets_set = parsed.secrets_set();
            (
                integration.authenticated_at,
                integration.checked_at,
                integration.last_check,
            ) = (None, None, None);
        }
        Some(integration)
    }

    /// A new integration, before anything is known of it.
    fn blank(&self, plan: &Plan<'_>) -> Integration {
        Integration {
            id: plan.app.fresh(IntegrationId::new),
            connector: self.connector.clone(),
            name: String::new(),
            companies: Vec::new(),
            enabled: true,
            authenticated_at: None,
            checked_at: None,
            fields: Map::new(),
            secrets_set: std::collections::BTreeMap::new(),
            delivery: DeliverySettings::default(),
            last_check: None,
            created_at: plan.app.now(),
            version: 1,
        }
    }

    /// The entry of an integration, without its rules and mappings.
    fn of(integration: &Integration, call: impl Fn(domain::CompanyId) -> String) -> Self {
        let mut companies: Vec<_> = integration.companies.iter().map(|id| call(*id)).collect();
        companies.sort_unstable();
        Self {
            name: integration.name.clone(),
            connector: integration.connector.clone(),
            enabled: integration.enabled,
            companies,
            delivery: beyond_defaults(&integration.delivery),
            credentials: credentials::export(integration),
            rules: None,
            mappings: None,
        }
    }
}

/// The settings that are not at their defaults.
fn beyond_defaults(settings: &DeliverySettings) -> Option<DeliveryForm> {
    let (form, plain) = (
        DeliveryForm::from(settings),
        DeliveryForm::from(&DeliverySettings::default()),
    );
    fn beyond<T: PartialEq>(value: Option<T>, plain: Option<T>) -> Option<T> {
        if value == plain { None } else { value }
    }
    (settings != &DeliverySettings::default()).then(|| DeliveryForm {
        schedule: beyond(form.schedule, plain.schedule),
        timeout: beyond(form.timeout, plain.timeout),
        concurrency: beyond(form.concurrency, plain.concurrency),
        rate_per_second: beyond(form.rate_per_second, plain.rate_per_second),
        group_window: beyond(form.group_window, plain.group_window),
    })
}
