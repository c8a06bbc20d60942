//! The real clock and the real randomness. All other crates take both as arguments.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Dice, Timestamp};
use rand::rngs::{StdRng, SysRng};
use rand::{SeedableRng, TryRng};

use crate::exit::Failure;

/// Wall clock at start plus monotonic since (decisions.md 15), so that a step of the wall clock moves nothing that is due;
/// beside it the wall clock itself, for stamps: a clock that was wrong at start must not make every signature wrong.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that makes the real clock"
)]
pub(crate) fn real() -> Clock {
    let (started, start) = (Instant::now(), wall());
    Clock::with_stamps(move || start.after(started.elapsed()), wall)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the wall clock, for the real clock alone"
)]
fn wall() -> Timestamp {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(wall.as_micros()).unwrap_or(0))
}

/// Randomness seeded by the operating system.
pub(crate) fn dice() -> Result<Dice, Failure> {
    Ok(Dice::new(StdRng::from_seed(random()?)))
}

/// Bytes for keys, straight from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Failure::software(format!("the operating system gives no randomness: {error}"))
    })?;
    Ok(bytes)
}

/// Random bytes as lower-case hex.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Failure> {
    Ok(random::<N>()?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
