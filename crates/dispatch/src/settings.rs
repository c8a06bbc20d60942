//! The bounds and rhythms of delivering.

use std::time::Duration;

/// What an operator may set of the dispatcher.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a lease is good; it is renewed three times within it.
    pub lease: Duration,
    /// How often all integrations are looked at, for a wake-up that got lost.
    pub sweep: Duration,
    /// Most integrations that this node works at once.
    pub integrations: usize,
    /// Most attempts that are in flight at this node: as many as egress opens connections. Integrations share them.
    pub in_flight: usize,
    /// Most deliveries of one integration that wait in memory; companies behind a flood of another have as much room again.
    pub queue: usize,
    /// Most deliveries of one integration whose attempt is over and not yet written. A crash makes them anew, beside those
    /// in flight. With 256 one fast target is sent a fifth less than with this, for attempts then wait for the disk.
    pub unsettled: usize,
    /// An owner with nothing to do for this long gives its lease back.
    pub idle: Duration,
    pub retention: Retention,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            sweep: Duration::from_secs(30),
            integrations: 10_000,
            in_flight: 1_024,
            queue: 512,
            unsettled: 1_024,
            idle: Duration::from_secs(60),
            retention: Retention::default(),
        }
    }
}

/// How long each class is kept (decisions.md 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    pub messages: Duration,
    pub delivered: Duration,
    pub dead: Duration,
    pub audit: Duration,
    pub webhook_ids: Duration,
    pub idempotency_keys: Duration,
    pub fingerprints: Duration,
    /// After an import has met it for the last time.
    pub known: Duration,
    /// After their end.
    pub silences: Duration,
    pub jobs: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3_600);
        Self {
            messages: days(30),
            delivered: days(14),
            dead: days(90),
            audit: days(365),
            webhook_ids: days(7),
            idempotency_keys: days(1),
            fingerprints: days(30),
            known: days(400),
            silences: days(90),
            jobs: days(90),
        }
    }
}
