//! What stands around every page of somebody who is signed in.

use domain::access::Role;
use url::form_urlencoded::Serializer;

use super::Visitor;
use super::assets::{self, Assets};
use super::nav::{self, Entry, Group};
use super::query::with_company;
use super::told::Told;

/// Most companies that the switch proposes; any other can be typed.
const PROPOSED: usize = 200;

/// Which part of the console a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Dashboard,
    Events,
    Deliveries,
    Jobs,
    Integrations,
    Rules,
    Sources,
    Catalogue,
    Silences,
    Companies,
    Users,
    Keys,
    Audit,
    System,
    Welcome,
    Help,
    Account,
}

/// Navigation, the company that is looked at, and who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(super) assets: &'static Assets,
    pub(super) title: String,
    here: Here,
    /// A page of its part that is narrowed by itself.
    narrows: Option<&'static str>,
    pub(super) user: String,
    pub(super) role: &'static str,
    pub(super) form_token: String,
    /// The company that everything is narrowed to; empty is Global.
    pub(super) company: String,
    pub(super) companies: Vec<String>,
    /// They see some companies alone.
    pub(super) is_limited: bool,
    pub(super) may_operate: bool,
    /// They may change the configuration.
    pub(super) may_configure: bool,
    /// What came of the form that led here.
    pub(super) told: Option<Told>,
}

impl Frame {
    pub(super) fn new(visitor: &Visitor, here: Here, title: &str, company: Option<&str>) -> Self {
        let caller = &visitor.caller;
        let seen = caller.configuration.companies();
        let mut companies: Vec<_> = seen
            .filter(|company| caller.sees(company.id))
            .map(|company| company.name.clone())
            .collect();
        companies.sort_unstable_by_key(|name| name.to_lowercase());
        companies.truncate(PROPOSED);
        Self {
            assets: assets::all(),
            title: title.to_owned(),
            here,
            narrows: None,
            user: caller.name().to_owned(),
            role: caller.role().as_str(),
            form_token: visitor.form_token.clone(),
            company: company.unwrap_or_default().to_owned(),
            companies,
            is_limited: !caller.sees_all(),
            may_operate: caller.role() >= Role::Operator,
            may_configure: caller.rules_all(),
            told: visitor.told,
        }
    }

    /// The same on a page that the company's switch comes back to, though others of its part do not know companies.
    pub(super) fn narrowing(self, path: &'static str) -> Self {
        Self {
            narrows: Some(path),
            ..self
        }
    }

    /// Links keep the company that is looked at.
    pub(super) fn link(&self, path: &str) -> String {
        with_company(path, &self.company)
    }

    /// The same with one parameter more.
    pub(super) fn link_with(&self, path: &str, name: &str, value: &str) -> String {
        let mut pairs = Serializer::new(String::new());
        pairs.append_pair(name, value);
        if !self.company.is_empty() {
            pairs.append_pair("company", &self.company);
        }
        format!("{path}?{}", pairs.finish())
    }

    /// What they may go to.
    pub(super) fn groups(&self) -> [Group; 3] {
        nav::groups(self.may_configure)
    }

    pub(super) fn is_at(&self, entry: &Entry) -> bool {
        self.here == entry.here
    }

    /// Where the switch of companies goes: the list that is shown, or that a detail belongs to.
    pub(super) fn list(&self) -> &'static str {
        self.narrows.unwrap_or_else(|| nav::list(self.here))
    }

    #[cfg(test)]
    pub(super) fn sample(here: Here) -> Self {
        Self {
            assets: assets::all(),
            title: "Sample".to_owned(),
            here,
            narrows: None,
            user: "anna@example.com \"><script>alert(1)</script>".to_owned(),
            role: "operator",
            form_token: "f00".to_owned(),
            company: "Acme \"><b>".to_owned(),
            companies: vec!["Acme".to_owned(), "<i>Globex".to_owned()],
            is_limited: true,
            may_operate: true,
            may_configure: true,
            told: Some(Told::Saved),
        }
    }
}
