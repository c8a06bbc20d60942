//! The configuration as one document: what there is by its names, and what a changed document makes of it.
//!
//! A document has sections, each in a file under `section/` with two functions: `export` writes the things there are as the
//! forms that make them, `plan` works out what a document's forms change. A further section is such a file, a field of
//! [`document::Document`] and a line in [`plan::Plan::of`].

pub(crate) mod document;
pub(crate) mod get;
pub(crate) mod plan;
pub(crate) mod put;
pub(crate) mod rollback;

mod diff;
mod section;
