//! Facts and laws of delivering, on a manual clock and seeded randomness.

mod gate;
mod group;
mod login;
mod outcome;
mod queue;
mod rate;
mod state;
mod story;

use domain::Timestamp;

/// A point in the tests' own time, in seconds.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).after(std::time::Duration::from_secs(seconds))
}

fn rng(seed: u64) -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(seed)
}
