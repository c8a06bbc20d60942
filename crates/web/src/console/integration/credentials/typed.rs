//! The Credentials form: what stands in its fields, and what it says in the words of the API.

use std::collections::HashSet;

use connectors::known;
use domain::company::name_key;
use domain::integration::{DeliveryForm, Integration};
use serde_json::{Map, Value, json};

use crate::read::{Caller, Posted};

/// Fields of the credentials that are texts and no secrets.
const TEXTS: [&str; 6] = [
    "webhook_url",
    "authentication_url",
    "username",
    "header_key",
    "ca",
    "client_certificate",
];
/// A secret, and the field without which it says nothing.
const SECRETS: [(&str, &str); 4] = [
    ("password", "username"),
    ("header_value", "header_key"),
    ("client_key", "client_certificate"),
    ("signing_secret", ""),
];
/// What the login may be told; the form leaves the rest of a stored one as it is.
const LOGIN: [&str; 6] = [
    "method",
    "username_field",
    "password_field",
    "token_pointer",
    "token_header",
    "scope",
];
/// Most companies that are offered beside those that are ticked; more are given over the API.
pub(super) const OFFERED: usize = 1_000;
const DELIVERY: [&str; 3] = ["timeout", "group_window", "schedule"];
const NUMBERS: [&str; 2] = ["concurrency", "rate_per_second"];

/// What stands in the fields. Secrets are never among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) name: String,
    /// By the names of the form's fields.
    texts: Map<String, Value>,
    /// Names of the companies, when it is not for all.
    pub(super) companies: Vec<String>,
    pub(super) is_for_all: bool,
}

impl Typed {
    /// An empty form.
    pub(super) fn new() -> Self {
        Self {
            is_for_all: true,
            ..Self::default()
        }
    }

    /// What is stored. Companies that the caller does not see are left out: only who sees all of them may save.
    pub(super) fn stored(integration: &Integration, caller: &Caller) -> Self {
        let mut texts = Map::new();
        for name in TEXTS {
            texts.insert(
                name.to_owned(),
                integration.fields.get(name).cloned().unwrap_or_default(),
            );
        }
        let login = integration.fields.get("login");
        for name in LOGIN {
            let value = match login {
                Some(Value::Object(login)) => login.get(name).cloned(),
                Some(Value::String(method)) if name == "method" => Some(json!(method)),
                _ => None,
            };
            texts.insert(name.to_owned(), value.unwrap_or_default());
        }
        let delivery = DeliveryForm::from(&integration.delivery);
        let mut delivery = json!(delivery);
        delivery["schedule"] = json!(delivery["schedule"].as_array().map(|waits| joined(waits)));
        for name in DELIVERY.into_iter().chain(NUMBERS) {
            texts.insert(name.to_owned(), delivery[name].clone());
        }
        let seen = integration.companies.iter().filter(|id| caller.sees(**id));
        let names = seen.filter_map(|id| caller.configuration.company(*id));
        Self {
            name: integration.name.clone(),
            texts,
            companies: names.map(|company| company.name.clone()).collect(),
            is_for_all: integration.companies.is_empty(),
        }
    }

    pub(super) fn posted(posted: &Posted) -> Self {
        let fields = TEXTS.iter().chain(&LOGIN).chain(&DELIVERY).chain(&NUMBERS);
        let texts = fields.map(|name| ((*name).to_owned(), json!(posted.text(name).trim())));
        Self {
            name: posted.text("name").to_owned(),
            texts: texts.collect(),
            companies: posted.all("companies").map(str::to_owned).collect(),
            is_for_all: posted.text("which") != "some",
        }
    }

    /// What stands in a field of text.
    pub(super) fn text(&self, name: &str) -> String {
        match self.texts.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }

    /// Something is said that stands under Advanced.
    pub(super) fn is_advanced(&self) -> bool {
        let mut said = LOGIN.iter().chain(&["ca", "client_certificate"]);
        said.any(|name| !self.text(name).is_empty() && self.text(name) != "json")
    }

    /// The form of a new integration. `secret` reads a field that is not kept here.
    pub(super) fn form(&self, connector: &str, posted: &Posted) -> Value {
        let mut credentials = Map::new();
        for name in TEXTS {
            put(&mut credentials, name, self.text(name));
        }
        for (name, _) in SECRETS {
            put(&mut credentials, name, posted.text(name).to_owned());
        }
        if let Some(login) = self.login(None) {
            credentials.insert("login".to_owned(), login);
        }
        json!({
            "connector": connector,
            "name": self.name,
            "companies": self.asked_companies(),
            "credentials": credentials,
            "delivery": self.delivery(),
        })
    }

    /// The change of a stored one: credentials are named when they are other ones, for naming them asks for a new check.
    pub(super) fn patch(&self, stored: &Integration, posted: &Posted) -> Value {
        let mut credentials = Map::new();
        for name in TEXTS {
            let old = stored.fields.get(name).and_then(Value::as_str);
            let new = self.text(name);
            if old.unwrap_or_default() != new {
                credentials.insert(name.to_owned(), or_null(new));
            }
        }
        for (name, needs) in SECRETS {
            let typed = posted.text(name);
            let is_idle = !needs.is_empty() && self.text(needs).is_empty();
            if !typed.is_empty() {
                credentials.insert(name.to_owned(), json!(typed));
            } else if stored.secrets_set.contains_key(name)
                && (is_idle || posted.has(&format!("remove_{name}")))
            {
                credentials.insert(name.to_owned(), Value::Null);
            }
        }
        let old = stored.fields.get("login");
        let login = self.login(old);
        if login.as_ref() != old {
            credentials.insert("login".to_owned(), login.unwrap_or_default());
        }
        let mut patch = json!({
            "name": self.name,
            "companies": self.asked_companies(),
            "delivery": self.delivery(),
        });
        if !credentials.is_empty() {
            patch["credentials"] = Value::Object(credentials);
        }
        patch
    }

    /// Companies that are ticked. None at all would mean all of them: that is said by its own button.
    fn asked_companies(&self) -> Vec<String> {
        match self.is_for_all {
            true => Vec::new(),
            false => self.companies.clone(),
        }
    }

    /// Without an authentication URL there is no login, and one that says the usual is none either.
    fn login(&self, stored: Option<&Value>) -> Option<Value> {
        if self.text("authentication_url").is_empty() {
            return None;
        }
        let mut login = match stored {
            Some(Value::Object(login)) => login.clone(),
            Some(Value::String(method)) => Map::from_iter([("method".to_owned(), json!(method))]),
            _ => Map::new(),
        };
        for name in LOGIN {
            login.remove(name);
            put(&mut login, name, self.text(name));
        }
        let method = login.get("method").and_then(Value::as_str);
        let is_short = login.len() <= 1 && login.len() == usize::from(method.is_some());
        match stored {
            Some(Value::String(same)) if is_short && method == Some(same) => stored.cloned(),
            None if is_short && method.is_none_or(|method| method == "json") => None,
            _ => Some(Value::Object(login)),
        }
    }

    fn delivery(&self) -> Value {
        let mut delivery = Map::new();
        for name in ["timeout", "group_window"] {
            put(&mut delivery, name, self.text(name));
        }
        let waits = self.text("schedule");
        let waits: Vec<_> = waits
            .split([',', ' '])
            .map(str::trim)
            .filter(|wait| !wait.is_empty())
            .collect();
        if !waits.is_empty() {
            delivery.insert("schedule".to_owned(), json!(waits));
        }
        for name in NUMBERS {
            let text = self.text(name);
            // What is no number goes on as it is, for the API to say so.
            let number = text
                .parse::<u64>()
                .map_or_else(|_| json!(text), |number| json!(number));
            if !text.is_empty() {
                delivery.insert(name.to_owned(), number);
            }
        }
        Value::Object(delivery)
    }
}

/// Whether a change asks for nothing that is not so already.
pub(super) fn is_stored(
    patch: &Value,
    stored: &Integration,
    caller: &Caller,
    posted: &Posted,
) -> bool {
    patch.get("credentials").is_none()
        && *patch == Typed::stored(stored, caller).patch(stored, posted)
}

/// Names of the companies that may be ticked, in the order of a list: all that are ticked, and of the others the first.
/// True: there are more.
pub(super) fn companies(caller: &Caller, typed: &Typed) -> (Vec<String>, bool) {
    let companies = caller.configuration.companies();
    let seen = companies.filter(|company| caller.sees(company.id));
    let mut names: Vec<_> = seen.map(|company| company.name.clone()).collect();
    names.sort_by_cached_key(|name| name_key(name));
    offered(names, &typed.companies, OFFERED)
}

fn offered(mut names: Vec<String>, ticked: &[String], most: usize) -> (Vec<String>, bool) {
    let (all, ticked) = (names.len(), ticked.iter().collect::<HashSet<_>>());
    let mut others = 0;
    names.retain(|name| {
        let is_ticked = ticked.contains(name);
        others += usize::from(!is_ticked);
        is_ticked || others <= most
    });
    let is_cut = names.len() < all;
    (names, is_cut)
}

/// Whether there is such a connector.
pub(super) fn is_known(connector: &str) -> bool {
    known().contains(&connector)
}

fn put(object: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        object.insert(name.to_owned(), Value::String(text));
    }
}

fn or_null(text: String) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::String(text)
    }
}

fn joined(waits: &[Value]) -> String {
    let waits: Vec<_> = waits.iter().filter_map(Value::as_str).collect();
    waits.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticked_companies_are_offered_whatever_their_number() {
        let names = || ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let ticked = ["d".to_owned()];
        let (some, is_cut) = offered(names(), &ticked, 2);
        assert_eq!(
            (some, is_cut),
            (["a", "b", "d"].map(str::to_owned).to_vec(), true)
        );
        assert_eq!(offered(names(), &ticked, 3), (names(), false));
        assert_eq!(offered(names(), &[], 4), (names(), false));
    }
}
