//! Reading the fields of a form into the domain's types, gathering what is wrong.

use std::fmt::Display;
use std::str::FromStr;

use connectors::FieldError;
use domain::CompanyId;
use domain::catalogue::nearest;
use domain::company::parse_name;
use domain::configuration::Configuration;

use crate::problem::Problem;
use crate::read::Caller;

/// Broken rules that one answer names.
pub(super) const ERRORS: usize = 100;

/// Broken rules by their pointers.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// What every pointer begins with: the place of a form inside a larger document.
    place: String,
    errors: Vec<FieldError>,
}

impl Fields {
    /// From here on pointers begin with this place.
    pub(super) fn within(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    pub(super) fn error(&mut self, pointer: impl AsRef<str>, detail: impl Into<String>) {
        if !self.is_full() {
            self.errors.push(FieldError {
                pointer: format!("{}{}", self.place, pointer.as_ref()),
                detail: detail.into(),
            });
        }
    }

    /// There are as many broken rules as one answer names; looking for more is a waste.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= ERRORS
    }

    pub(super) fn extend(&mut self, errors: Vec<FieldError>) {
        for FieldError { pointer, detail } in errors {
            self.error(pointer, detail);
        }
    }

    /// The value, or its error noted.
    pub(super) fn take<T>(&mut self, pointer: &str, result: Result<T, impl Display>) -> Option<T> {
        result
            .map_err(|error| self.error(pointer, error.to_string()))
            .ok()
    }

    pub(super) fn name(&mut self, name: &str) -> Option<String> {
        self.take("/name", parse_name(name))
    }

    /// A list that is not longer than its bound.
    pub(super) fn at_most(&mut self, pointer: &str, count: usize, most: usize) {
        if count > most {
            self.error(pointer, format!("has at most {most} entries"));
        }
    }

    /// A company by id or name; one that the caller may not see is not there.
    pub(super) fn company(
        &mut self,
        pointer: &str,
        text: &str,
        caller: &Caller,
    ) -> Option<CompanyId> {
        self.take(pointer, find_company(text, caller))
    }

    /// Companies by id or name, without repeats.
    pub(super) fn companies(
        &mut self,
        pointer: &str,
        texts: &[String],
        caller: &Caller,
    ) -> Vec<CompanyId> {
        let mut ids: Vec<CompanyId> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            if self.is_full() {
                break;
            }
            ids.extend(self.company(&format!("{pointer}/{index}"), text, caller));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// An id of something that `find` finds.
    pub(super) fn id<T: FromStr + Copy>(
        &mut self,
        pointer: &str,
        text: &str,
        what: &str,
        is_there: impl FnOnce(T) -> bool,
    ) -> Option<T> {
        let found = text.parse::<T>().ok().filter(|id| is_there(*id));
        if found.is_none() {
            let shown: String = text.chars().take(64).collect();
            self.error(pointer, format!("there is no {what} `{shown}`"));
        }
        found
    }

    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }

    /// The value that only a broken rule can have kept from being there.
    pub(super) fn finish_with<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            value => {
                if self.errors.is_empty() && value.is_none() {
                    self.error("", "is not complete");
                }
                Err(Problem::invalid(self.errors))
            }
        }
    }
}

/// A company by id or name, with the nearest name when there is none.
pub(crate) fn find_company(text: &str, caller: &Caller) -> Result<CompanyId, String> {
    let configuration: &Configuration = &caller.configuration;
    let by_id = text
        .parse::<CompanyId>()
        .ok()
        .filter(|id| configuration.company(*id).is_some());
    let found = by_id.or_else(|| configuration.company_named(text).map(|company| company.id));
    if let Some(id) = found.filter(|id| caller.sees(*id)) {
        return Ok(id);
    }
    let shown: String = text.chars().take(64).collect();
    let seen = configuration
        .companies()
        .filter(|company| caller.sees(company.id))
        .map(|company| company.name.as_str());
    Err(match nearest(text, seen) {
        Some(name) => format!("there is no company `{shown}`; did you mean `{name}`?"),
        None => format!("there is no company `{shown}`; give the id or the name of one"),
    })
}
