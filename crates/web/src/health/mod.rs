//! Whether the process lives, whether it can do its work, and its figures.

pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod ready;
