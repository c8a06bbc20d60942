//! Upkeep: what has to be done now and then, in small batches, off every hot path; and replays.

pub mod drift;
pub mod replay;
pub mod retention;
pub mod search;
pub mod silences;
