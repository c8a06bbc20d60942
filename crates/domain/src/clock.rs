//! Where shells get the time and randomness that the core takes as arguments. Only `cli` and tests make these.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Timestamp;

type Tell = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells the time, twice: what waits goes by [`Clock::now`], which no step of the wall clock moves (decisions.md 15); what is
/// shown, signed or compared with other machines' times goes by [`Clock::stamp`], which follows the wall clock.
#[derive(Clone)]
pub struct Clock {
    now: Tell,
    stamp: Tell,
}

impl Clock {
    /// One time for both, as tests tell it.
    pub fn new(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let tell: Tell = Arc::new(tell);
        Self {
            now: Arc::clone(&tell),
            stamp: tell,
        }
    }

    /// `now` is wall clock at start plus monotonic since; `stamp` is the wall clock as it stands.
    pub fn with_stamps(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        stamp: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            stamp: Arc::new(stamp),
        }
    }

    /// For due times, leases, rates, tokens: whatever waits.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// For signatures, ids, and the times of messages, attempts and audit rows: whatever is read elsewhere.
    #[must_use]
    pub fn stamp(&self) -> Timestamp {
        (self.stamp)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// One source of randomness, seeded by whoever made it and shared by all shells of a process.
#[derive(Clone)]
pub struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    #[must_use]
    pub fn new(rng: StdRng) -> Self {
        Self(Arc::new(Mutex::new(rng)))
    }

    /// Lends the generator; keep it short, for all others wait.
    pub fn roll<T>(&self, with: impl FnOnce(&mut StdRng) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A generator of one's own, so that a long piece of work holds nobody up.
    #[must_use]
    pub fn fork(&self) -> StdRng {
        self.roll(StdRng::from_rng)
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dice")
    }
}
