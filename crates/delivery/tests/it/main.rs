//! Facts and laws of delivering, on a manual clock and seeded randomness.

#[cfg(test)]
mod gate;
#[cfg(test)]
mod group;
#[cfg(test)]
mod login;
#[cfg(test)]
mod outcome;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod share;
#[cfg(test)]
mod state;
#[cfg(test)]
mod story;

use domain::Timestamp;

/// A point in the tests' own time, in seconds.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).after(std::time::Duration::from_secs(seconds))
}

fn rng(seed: u64) -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(seed)
}
