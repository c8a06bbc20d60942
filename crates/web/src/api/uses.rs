//! What uses a thing that was to be removed: the 409 names it.

use domain::company::Company;
use domain::configuration::Configuration;
use domain::mapping::MappedTo;
use domain::{CompanyId, EventSetId, RuleId};
use http::StatusCode;
use serde_json::{Map, Value, json};
use store::StoreError;

use crate::App;
use crate::problem::Problem;

/// Most uses that one answer names.
const NAMED: usize = 20;

/// One thing that uses another.
#[derive(Debug)]
pub(super) struct Use {
    what: &'static str,
    id: String,
    name: String,
}

/// The answer to a removal: 204, or 409 that names what still uses the thing as the configuration has it by now.
pub(super) async fn refuse(
    app: &App,
    removed: Result<u64, StoreError>,
    what: &str,
    name: &str,
    uses: impl FnOnce(&Configuration) -> Vec<Use>,
) -> Result<StatusCode, Problem> {
    match removed {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::InUse { .. }) => {
            let configuration = app.store().newest_configuration().await?;
            Err(problem(what, name, &uses(&configuration)))
        }
        Err(error) => Err(error.into()),
    }
}

fn problem(what: &str, name: &str, uses: &[Use]) -> Problem {
    let mut listed: Vec<String> = uses
        .iter()
        .take(NAMED)
        .map(|used| format!("{} `{}`", used.what, used.name))
        .collect();
    if uses.len() > NAMED {
        listed.push(format!("{} more", uses.len() - NAMED));
    }
    let detail = format!(
        "the {what} `{name}` is still used by {}; change or remove that first",
        listed.join(", ")
    );
    let view = |used: &Use| json!({"what": used.what, "id": used.id, "name": used.name});
    let mut extra = Map::new();
    extra.insert(
        "used_by".into(),
        Value::Array(uses.iter().take(NAMED).map(view).collect()),
    );
    Problem::in_use(detail, extra)
}

/// Sources, integrations and silences that name a company. A silence of one company alone goes with it.
pub(super) fn of_company(configuration: &Configuration, id: CompanyId) -> Vec<Use> {
    let sources = configuration.sources().filter(|source| {
        let ruled = source.company_rules.iter().map(|rule| rule.company);
        let mut named = source.companies.iter().copied().chain(source.company);
        named.any(|company| company == id) || ruled.into_iter().any(|company| company == id)
    });
    let integrations = configuration
        .integrations()
        .filter(|integration| integration.companies.contains(&id));
    let sources = sources.map(|source| Use {
        what: "source",
        id: source.id.to_string(),
        name: source.name.clone(),
    });
    let integrations = integrations.map(|integration| Use {
        what: "integration",
        id: integration.id.to_string(),
        name: integration.name.clone(),
    });
    let silences = configuration
        .silences()
        .filter(|silence| silence.companies.len() > 1 && silence.companies.contains(&id));
    let silences = silences.map(|silence| Use {
        what: "silence",
        id: silence.id.to_string(),
        name: silence.name.clone(),
    });
    sorted(sources.chain(integrations).chain(silences))
}

/// Rules that link an event set.
pub(super) fn of_event_set(configuration: &Configuration, id: EventSetId) -> Vec<Use> {
    let rules = configuration.rules().filter(|rule| rule.event_set == id);
    sorted(rules.map(|rule| Use {
        what: "rule",
        id: rule.id.to_string(),
        name: rule.name.clone(),
    }))
}

/// Mappings that name a rule; each is called by its company.
pub(super) fn of_rule(configuration: &Configuration, id: RuleId) -> Vec<Use> {
    let mappings = configuration
        .mappings()
        .filter(|mapping| mapping.rules.contains(&id));
    sorted(mappings.map(|mapping| {
        let (id, name) = match mapping.company {
            MappedTo::All => ("all".to_owned(), "all".to_owned()),
            MappedTo::Company(id) => {
                let name = |company: &std::sync::Arc<Company>| company.name.clone();
                let name = configuration.company(id).map(name);
                (id.to_string(), name.unwrap_or_else(|| id.to_string()))
            }
        };
        Use {
            what: "mapping",
            id,
            name,
        }
    }))
}

fn sorted(uses: impl Iterator<Item = Use>) -> Vec<Use> {
    let mut uses: Vec<_> = uses.collect();
    uses.sort_by(|one, other| (one.what, &one.name).cmp(&(other.what, &other.name)));
    uses
}
