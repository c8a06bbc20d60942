//! What is wrong with a form, beside its fields.

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;
use crate::read::{Form, json};

/// What the API says of a form that a page shows again. Fields are named by the JSON pointers of the API's form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    status: StatusCode,
    /// What is said of the whole.
    detail: Option<String>,
    fields: Vec<(String, String)>,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One fault of one field.
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: None,
            fields: vec![(pointer.to_owned(), detail.into())],
        }
    }

    /// What a person can mend by typing something else, or by waiting. Every other problem is a page of its own.
    pub(crate) fn of(problem: Problem) -> Result<Self, Problem> {
        let is_fault = matches!(
            problem.status(),
            StatusCode::UNPROCESSABLE_ENTITY
                | StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
        );
        if !is_fault {
            return Err(problem);
        }
        let fields: Vec<_> = problem
            .errors()
            .map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned()))
            .collect();
        let detail = fields.is_empty().then(|| problem.detail().to_owned());
        Ok(Self {
            status: problem.status(),
            detail,
            fields,
        })
    }

    pub(crate) fn is_none(&self) -> bool {
        self.detail.is_none() && self.fields.is_empty()
    }

    /// The status of the page that shows them.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong with a field, or with something inside it; empty when nothing is.
    pub(crate) fn at(&self, pointer: &str) -> &str {
        let found = self.fields.iter().find(|(own, _)| is_at(own, pointer));
        found.map_or("", |(_, detail)| detail)
    }

    /// Everything that is wrong with a field, such as each finding about a file.
    pub(crate) fn every(&self, pointer: &str) -> impl Iterator<Item = &str> {
        let found = self
            .fields
            .iter()
            .filter(move |(own, _)| is_at(own, pointer));
        found.map(|(_, detail)| detail.as_str())
    }

    /// What belongs to none of the fields that a page has, each with its pointer; for the top of the form.
    pub(crate) fn beside(&self, shown: &[&str]) -> Vec<String> {
        let others = self
            .fields
            .iter()
            .filter(|(own, _)| !shown.iter().any(|pointer| is_at(own, pointer)));
        let others = others.map(|(own, detail)| match own.trim_start_matches('/') {
            "" => detail.clone(),
            name => format!("{name}: {detail}"),
        });
        self.detail.clone().into_iter().chain(others).collect()
    }
}

fn is_at(own: &str, pointer: &str) -> bool {
    let rest = own.strip_prefix(pointer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A number as it is typed, for the API to judge; none where nothing is.
pub(crate) fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let number = || {
        text.parse::<u64>()
            .map_or_else(|_| text.into(), Value::from)
    };
    (!text.is_empty()).then(number)
}

/// What a page's form says, as the form of the API that it stands for: one set of rules for both.
pub(crate) fn read<T: DeserializeOwned>(form: &Value) -> Result<Form<T>, Problem> {
    let text = serde_json::to_vec(form)
        .map_err(|error| Problem::internal(format!("a form cannot be written: {error}")))?;
    json::parse(&text).map(Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stands_beside_its_field() {
        let faults = Faults::of(Problem::field("/companies/3", "is not there")).unwrap();
        assert_eq!(faults.at("/companies"), "is not there");
        assert_eq!(faults.at("/comp"), "");
        assert!(faults.beside(&["/companies"]).is_empty());
        assert_eq!(faults.beside(&["/name"]), ["companies/3: is not there"]);
        assert_eq!(faults.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn what_nobody_can_mend_is_a_page_of_its_own() {
        assert!(Faults::of(Problem::not_found("company")).is_err());
        assert!(Faults::of(Problem::internal("x")).is_err());
        let faults = Faults::of(Problem::wrong_state("not now")).unwrap();
        assert_eq!(faults.beside(&[]), ["not now"]);
    }
}
