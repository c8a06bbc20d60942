//! Upkeep: what has to be done now and then, in small batches, off every hot path; replays, reading again, and imports.

mod behind;
pub mod drift;
pub mod figures;
mod import;
mod release;
pub mod replay;
mod reread;
pub mod retention;
pub mod sealing;
pub mod search;
pub mod silences;
