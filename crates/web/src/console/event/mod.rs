//! Events: what came in, how it was read, where it went.

pub(crate) mod detail;
pub(crate) mod list;
