//! The configuration as a whole.

pub(crate) mod rollback;
