//! Whose things somebody or something reaches: all companies, or those that are ticked.

use domain::CompanyId;
use domain::access::Scope;
use serde_json::{Value, json};

use super::text::visible;
use crate::read::{Caller, Posted};

/// Most companies that a form shows to tick.
const MOST: usize = 5_000;
/// Most names of one line of a list.
const NAMED: usize = 3;

/// The part of a form that says which companies.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) is_all: bool,
    /// More are ticked than the form shows: it leaves them as they are.
    pub(super) beyond: Option<usize>,
    /// The ticked ones first, then by name.
    pub(super) choices: Vec<Choice>,
}

#[derive(Debug)]
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_ticked: bool,
}

impl Reach {
    /// What is stored; none is all.
    pub(super) fn of(caller: &Caller, ticked: Option<&[CompanyId]>) -> Self {
        let is_all = ticked.is_none();
        let ticked = ticked.unwrap_or_default();
        if ticked.len() > MOST {
            return Self {
                is_all,
                beyond: Some(ticked.len()),
                choices: Vec::new(),
            };
        }
        let companies = caller.configuration.companies();
        let seen = companies.filter(|company| caller.sees(company.id));
        let mut choices: Vec<_> = seen
            .map(|company| Choice {
                id: company.id.to_string(),
                name: visible(&company.name),
                is_ticked: ticked.contains(&company.id),
            })
            .collect();
        choices.sort_by_cached_key(|one| (!one.is_ticked, one.name.to_lowercase()));
        choices.truncate(MOST);
        Self {
            is_all,
            beyond: None,
            choices,
        }
    }

    pub(super) fn of_scope(caller: &Caller, scope: &Scope) -> Self {
        match scope {
            Scope::All => Self::of(caller, None),
            Scope::Companies(ids) => Self::of(caller, Some(ids)),
        }
    }

    /// What a form said.
    pub(super) fn posted(caller: &Caller, posted: &Posted) -> Self {
        let ids = posted.all("companies").filter_map(|id| id.parse().ok());
        let ids: Vec<CompanyId> = ids.take(MOST).collect();
        let mut reach = Self::of(caller, Some(&ids));
        reach.is_all = posted.text("reach") == "all";
        reach
    }

    #[cfg(test)]
    pub(super) fn sample(is_all: bool) -> Self {
        let choice = |name: &str, is_ticked| Choice {
            id: "\"><script>".to_owned(),
            name: name.to_owned(),
            is_ticked,
        };
        Self {
            is_all,
            beyond: None,
            choices: vec![choice("<img src=x>", true), choice("Globex", false)],
        }
    }

    #[cfg(test)]
    pub(super) fn sample_beyond() -> Self {
        Self {
            beyond: Some(MOST + 1),
            choices: Vec::new(),
            ..Self::sample(false)
        }
    }
}

/// The companies of a form as the API's forms want to have them: null is all. None: they stay as they are.
pub(super) fn asked(posted: &Posted) -> Option<Value> {
    if posted.has("companies_stay") {
        return None;
    }
    if posted.text("reach") == "all" {
        return Some(Value::Null);
    }
    Some(json!(posted.all("companies").collect::<Vec<_>>()))
}

/// Companies in the line of a list; none is all.
pub(super) fn words(caller: &Caller, companies: Option<&[CompanyId]>) -> String {
    let Some(ids) = companies else {
        return "All companies".to_owned();
    };
    let known = ids.iter().filter(|id| caller.sees(**id));
    let known = known.filter_map(|id| caller.configuration.company(*id));
    let names: Vec<_> = known
        .take(NAMED)
        .map(|company| visible(&company.name))
        .collect();
    match (names.len(), ids.len() - names.len()) {
        (0, _) => "none that is left".to_owned(),
        (_, 0) => names.join(", "),
        (_, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// The same of a scope.
pub(super) fn scope_words(caller: &Caller, scope: &Scope) -> String {
    match scope {
        Scope::All => words(caller, None),
        Scope::Companies(ids) => words(caller, Some(ids)),
    }
}
