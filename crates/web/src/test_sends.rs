//! The limit on test sends by hand: a check or a finish makes this server send a request to where its caller likes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;

/// Most callers that are remembered; beyond it, those whose minute is over are forgotten.
const KEYS: usize = 10_000;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts test sends of each caller, a key or a user, in windows of a minute.
#[derive(Debug)]
pub(crate) struct TestSends {
    most: u32,
    sent: Mutex<HashMap<[u8; 16], (Timestamp, u32)>>,
}

impl TestSends {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            sent: Mutex::default(),
        }
    }

    /// Takes one; an error tells how long to wait for the next.
    pub(crate) fn take(&self, caller: [u8; 16], now: Timestamp) -> Result<(), Duration> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= KEYS {
            sent.retain(|_, (begun, _)| now.since(*begun) < WINDOW);
        }
        let (begun, count) = sent.entry(caller).or_insert((now, 0));
        if now.since(*begun) >= WINDOW {
            (*begun, *count) = (now, 0);
        }
        if *count >= self.most {
            return Err(WINDOW.saturating_sub(now.since(*begun)));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_one_caller_s_and_a_minute_s() {
        let sends = TestSends::new(2);
        let (one, other) = ([1; 16], [2; 16]);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(sends.take(one, at(0)), Ok(()));
        assert_eq!(sends.take(one, at(10)), Ok(()));
        assert_eq!(sends.take(one, at(20)), Err(Duration::from_secs(40)));
        assert_eq!(sends.take(other, at(20)), Ok(()));
        assert_eq!(sends.take(one, at(60)), Ok(()));
    }
}
