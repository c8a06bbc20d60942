use askama::Template;

use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::Admin;

/// What the program is made of beside its own code: a line each, with name, version, licence and repository. Written by
/// `cargo xtask licences`.
const LIST: &str = include_str!("../../../assets/licences.tsv");

#[derive(Debug, Template)]
#[template(path = "system/licences.html")]
pub(super) struct LicencesPage {
    frame: Frame,
    version: &'static str,
    parts: Vec<Part>,
}

/// A library that is built in.
#[derive(Debug, Clone, Copy)]
struct Part {
    name: &'static str,
    version: &'static str,
    licence: &'static str,
    /// Empty where none is told.
    repository: &'static str,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&LicencesPage::new(Frame::new(
        &visitor,
        Here::System,
        "Licences",
        None,
    ))?)
}

impl LicencesPage {
    fn new(frame: Frame) -> Result<Self, Problem> {
        Ok(Self {
            frame,
            version: env!("CARGO_PKG_VERSION"),
            parts: LIST
                .lines()
                .map(Part::of)
                .collect::<Option<_>>()
                .ok_or_else(|| {
                    Problem::internal("the list of licences has a line of another form")
                })?,
        })
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self::new(Frame::sample(Here::System)).unwrap()]
    }
}

impl Part {
    fn of(line: &'static str) -> Option<Self> {
        let mut words = line.split('\t');
        let mut next = || words.next();
        Some(Self {
            name: next()?,
            version: next()?,
            licence: next()?,
            repository: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_its_licence() {
        let page = LicencesPage::samples().remove(0);
        assert!(page.parts.len() > 50);
        for part in page.parts {
            assert!(
                !part.name.is_empty() && !part.version.is_empty(),
                "{part:?}"
            );
            assert!(!part.licence.is_empty(), "{part:?}");
        }
    }
}
