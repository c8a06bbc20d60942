//! The form of a source, as it is typed.

use std::collections::BTreeMap;

use domain::Secret;
use domain::source::{Authentication, Digested, Require, Source};
use domain::time::format_duration;
use serde_json::{Map, Value, json};

use super::WAYS;
use crate::App;
use crate::api::source::rotate::made_secret;
use crate::console::form::number;
use crate::console::reach;
use crate::read::{Caller, Posted};

/// The pointers of what the form asks for.
pub(super) const POINTERS: &[&str] = &[
    "/name",
    "/companies",
    "/company",
    "/authentication/require",
    "/authentication/header/key",
    "/authentication/header/value",
    "/authentication/basic/username",
    "/authentication/basic/password",
    "/authentication/login/username",
    "/authentication/login/password",
    "/authentication/signature/secret",
    "/authentication/addresses",
    "/dedup_window",
    "/limits/body_bytes",
    "/limits/json_depth",
    "/limits/messages_per_second",
    "/limits/burst",
];

/// Secrets by their ways, as they were typed or made.
pub(super) type Secrets = BTreeMap<&'static str, Secret<String>>;

/// What is typed, but the companies and the secrets.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) name: String,
    /// The default company, by id or name.
    pub(super) company: String,
    /// All ways that are set are asked for.
    pub(super) is_all: bool,
    pub(super) header: Way,
    pub(super) basic: Way,
    pub(super) login: Way,
    pub(super) signature: Way,
    /// One a line.
    pub(super) addresses: String,
    pub(super) dedup_window: String,
    pub(super) body_bytes: String,
    pub(super) json_depth: String,
    pub(super) messages_per_second: String,
    pub(super) burst: String,
}

/// One way by which a sender proves itself.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) is_on: bool,
    /// The header's name, or the user's.
    pub(super) name: String,
    /// What is stored of the secret; empty when nothing is.
    pub(super) stored: String,
}

impl Way {
    fn of(name: &str, secret: &Digested) -> Self {
        Self {
            is_on: true,
            name: name.to_owned(),
            stored: match &secret.last4 {
                Some(last4) => format!("set, ends with {last4}"),
                None => "set".to_owned(),
            },
        }
    }

    /// The way as it was posted, before what is stored of it.
    fn posted(posted: &Posted, way: &str, stored: Self) -> Self {
        Self {
            is_on: posted.has(way),
            name: posted.text(&format!("{way}_name")).to_owned(),
            stored: stored.stored,
        }
    }
}

impl Entries {
    /// A new source: a header lets in, until something else is chosen.
    pub(super) fn fresh() -> Self {
        Self {
            header: Way {
                is_on: true,
                name: "X-API-Key".to_owned(),
                ..Way::default()
            },
            ..Self::default()
        }
    }

    pub(super) fn of(source: &Source, caller: &Caller) -> Self {
        let wanted = &source.authentication;
        let company = source
            .company
            .and_then(|id| caller.configuration.company(id));
        let text = |number: Option<u32>| number.map_or_else(String::new, |it| it.to_string());
        let rate = source.limits.rate;
        let addresses: Vec<_> = wanted.addresses.iter().map(ToString::to_string).collect();
        let (header, basic, login, signature) = ways(wanted);
        Self {
            name: source.name.clone(),
            company: company.map_or_else(String::new, |company| company.name.clone()),
            is_all: wanted.require == Require::All,
            header,
            basic,
            login,
            signature,
            addresses: addresses.join("\n"),
            dedup_window: source
                .dedup_window
                .map_or_else(String::new, format_duration),
            body_bytes: text(source.limits.body_bytes),
            json_depth: text(source.limits.json_depth),
            messages_per_second: text(rate.map(|rate| rate.per_second.get())),
            burst: text(rate.map(|rate| rate.burst.get())),
        }
    }

    pub(super) fn posted(posted: &Posted, stored: Option<&Source>) -> Self {
        let text = |name: &str| posted.text(name).to_owned();
        let known = stored.map(|source| ways(&source.authentication));
        let (header, basic, login, signature) = known.unwrap_or_default();
        Self {
            name: text("name"),
            company: text("default_company"),
            is_all: text("require") == "all",
            header: Way::posted(posted, "header", header),
            basic: Way::posted(posted, "basic", basic),
            login: Way::posted(posted, "login", login),
            signature: Way::posted(posted, "signature", signature),
            addresses: text("addresses"),
            dedup_window: text("dedup_window"),
            body_bytes: text("body_bytes"),
            json_depth: text("json_depth"),
            messages_per_second: text("messages_per_second"),
            burst: text("burst"),
        }
    }

    fn ways(&self) -> [(&'static str, &Way); 4] {
        let ways = [&self.header, &self.basic, &self.login, &self.signature];
        std::array::from_fn(|place| (WAYS[place].0, ways[place]))
    }

    /// The secrets that were typed, and those that are made because nothing was typed and nothing is stored.
    pub(super) fn secrets(&self, posted: &Posted, app: &App) -> (Secrets, Secrets) {
        let (mut given, mut made) = (Secrets::new(), Secrets::new());
        for (name, way) in self.ways().into_iter().filter(|(_, way)| way.is_on) {
            let typed = posted.secret(&format!("{name}_secret"));
            if !typed.reveal().is_empty() {
                given.insert(name, typed);
            } else if way.stored.is_empty() {
                made.insert(name, made_secret(app, name));
            }
        }
        (given, made)
    }

    /// The API's form, of a new source and of a change alike: what is empty is taken away.
    pub(super) fn form(&self, posted: &Posted, given: &Secrets, made: &Secrets) -> Value {
        let text = |text: &str| match text.trim() {
            "" => Value::Null,
            text => json!(text),
        };
        let addresses = self.addresses.split(['\n', ',']).map(str::trim);
        let addresses: Vec<_> = addresses.filter(|text| !text.is_empty()).collect();
        let mut authentication = Map::new();
        let require = if self.is_all { "all" } else { "any" };
        authentication.insert("require".to_owned(), require.into());
        authentication.insert("addresses".to_owned(), json!(addresses));
        for (name, way) in self.ways() {
            let secret = given.get(name).or_else(|| made.get(name));
            authentication.insert(name.to_owned(), way_form(name, way, secret));
        }
        let mut form = Map::new();
        form.insert("name".to_owned(), self.name.as_str().into());
        form.insert("company".to_owned(), text(&self.company));
        if let Some(companies) = reach::asked(posted) {
            // Of a source no company at all means all.
            let companies = if companies.is_null() {
                json!([])
            } else {
                companies
            };
            form.insert("companies".to_owned(), companies);
        }
        form.insert("authentication".to_owned(), authentication.into());
        form.insert("dedup_window".to_owned(), text(&self.dedup_window));
        form.insert("limits".to_owned(), self.limits());
        form.into()
    }

    fn limits(&self) -> Value {
        let limits = [
            ("body_bytes", &self.body_bytes),
            ("json_depth", &self.json_depth),
            ("messages_per_second", &self.messages_per_second),
            ("burst", &self.burst),
        ];
        let set = limits.into_iter().filter_map(|(name, text)| {
            let number = number(text)?;
            Some((name.to_owned(), number))
        });
        let set: Map<_, _> = set.collect();
        if set.is_empty() {
            Value::Null
        } else {
            set.into()
        }
    }
}

/// Header, Basic, login and signature as they are stored.
fn ways(wanted: &Authentication) -> (Way, Way, Way, Way) {
    let header = wanted.header.as_ref();
    let header = header.map(|way| Way::of(&way.key, &way.secret));
    let basic = wanted.basic.as_ref();
    let basic = basic.map(|way| Way::of(&way.username, &way.secret));
    let login = wanted.login.as_ref();
    let login = login.map(|way| Way::of(&way.username, &way.secret));
    let signature = Way {
        is_on: !wanted.signature.is_empty(),
        name: String::new(),
        stored: if wanted.signature.is_empty() {
            String::new()
        } else {
            "set".to_owned()
        },
    };
    (
        header.unwrap_or_default(),
        basic.unwrap_or_default(),
        login.unwrap_or_default(),
        signature,
    )
}

/// A way in the API's form; null takes it away.
fn way_form(name: &str, way: &Way, secret: Option<&Secret<String>>) -> Value {
    if !way.is_on {
        return Value::Null;
    }
    let (called, field) = match name {
        "header" => (Some("key"), "value"),
        "signature" => (None, "secret"),
        _ => (Some("username"), "password"),
    };
    let mut form = Map::new();
    if let Some(called) = called {
        form.insert(called.to_owned(), way.name.as_str().into());
    }
    if let Some(secret) = secret {
        form.insert(field.to_owned(), secret.reveal().as_str().into());
    }
    form.into()
}

#[cfg(test)]
impl Entries {
    pub(super) fn sample() -> Self {
        let hostile = || "\"><script>alert(1)</script>".to_owned();
        let way = || Way {
            is_on: true,
            name: hostile(),
            stored: "set, ends with 1234".to_owned(),
        };
        Self {
            name: hostile(),
            company: hostile(),
            is_all: true,
            header: way(),
            basic: way(),
            login: way(),
            signature: Way::default(),
            addresses: "</textarea><script>".to_owned(),
            dedup_window: hostile(),
            body_bytes: hostile(),
            json_depth: hostile(),
            messages_per_second: hostile(),
            burst: hostile(),
        }
    }
}
