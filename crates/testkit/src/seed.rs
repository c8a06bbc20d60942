//! Randomness that a failing test can be repeated with.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rand::SeedableRng;
use rand::rngs::StdRng;

/// A generator that gives the same numbers each time.
#[must_use]
pub fn seeded(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Runs `test` once for each seed from 0 to `count - 1`; a failure names its seed.
pub fn for_seeds(count: u64, mut test: impl FnMut(&mut StdRng)) {
    for seed in 0..count {
        let run = catch_unwind(AssertUnwindSafe(|| test(&mut seeded(seed))));
        if let Err(panic) = run {
            #[expect(
                clippy::print_stderr,
                reason = "the seed belongs beside the panic message that the test harness shows"
            )]
            {
                eprintln!("failed with seed {seed}: repeat it with testkit::seeded({seed})");
            }
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn a_seed_gives_the_same_numbers_each_time() {
        assert_eq!(seeded(7).next_u64(), seeded(7).next_u64());
        assert_ne!(seeded(7).next_u64(), seeded(8).next_u64());
    }
}
