//! The sections of the document, in the order in which things refer to one another.

pub(super) mod companies;
pub(super) mod event_kinds;
pub(super) mod event_sets;
pub(super) mod integrations;
pub(super) mod sources;

mod credentials;
mod mappings;
mod rules;
