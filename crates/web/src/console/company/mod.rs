//! Companies.

mod create;
mod detail;
mod list;
mod remove;

use axum::Router;
use axum::routing::get;
use domain::company::Company;
use serde_json::{Value, json};

use crate::App;
use crate::console::form::number;
use crate::read::Posted;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/companies", get(list::show).post(create::create))
        .route("/companies/new", get(create::show))
        .route("/companies/{id}", get(detail::show).post(detail::update))
        .route(
            "/companies/{id}/remove",
            get(remove::ask).post(remove::remove),
        )
}

/// What the form of a company says, as it is typed.
#[derive(Debug, Default)]
struct Entries {
    name: String,
    /// One a line.
    aliases: String,
    domain: String,
    external_id: String,
    events_per_second: String,
}

/// The pointers of the entries, in the API's form.
const POINTERS: &[&str] = &["/name", "/aliases", "/domain", "/external_id", "/quota"];

impl Entries {
    fn of(company: &Company) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: company.name.clone(),
            aliases: company.aliases.join("\n"),
            domain: text(&company.domain),
            external_id: text(&company.external_id),
            events_per_second: company
                .quota
                .map_or_else(String::new, |quota| quota.events_per_second.to_string()),
        }
    }

    fn posted(posted: &Posted) -> Self {
        let text = |name: &str| posted.text(name).to_owned();
        Self {
            name: text("name"),
            aliases: text("aliases"),
            domain: text("domain"),
            external_id: text("external_id"),
            events_per_second: text("events_per_second"),
        }
    }

    /// The API's form, of a new company and of a change alike: what is empty is taken away.
    fn form(&self) -> Value {
        let optional = |text: &str| match text.trim() {
            "" => Value::Null,
            text => json!(text),
        };
        let aliases = self.aliases.lines().map(str::trim);
        let aliases: Vec<_> = aliases.filter(|alias| !alias.is_empty()).collect();
        let quota = number(&self.events_per_second)
            .map_or(Value::Null, |number| json!({"events_per_second": number}));
        json!({"name": self.name, "aliases": aliases, "domain": optional(&self.domain),
            "external_id": optional(&self.external_id), "quota": quota})
    }
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    [
        rendered(list::CompaniesPage::samples()),
        rendered(create::NewCompanyPage::samples()),
        rendered(detail::CompanyPage::samples()),
    ]
    .concat()
}

#[cfg(test)]
fn sample_entries() -> Entries {
    let hostile = "\"><script>alert(1)</script>".to_owned();
    Entries {
        name: hostile.clone(),
        aliases: "</textarea><script>".to_owned(),
        domain: hostile.clone(),
        external_id: hostile.clone(),
        events_per_second: hostile,
    }
}
