//! A value that can be waited for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Clones share one value. Each change wakes whoever waits in [`Watched::until`].
pub struct Watched<T>(Arc<Shared<T>>);

struct Shared<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Watched<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            value: Mutex::new(value),
            changed: Notify::new(),
        }))
    }

    /// Changes the value and wakes all who wait.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let answer = change(&mut self.lock());
        self.0.changed.notify_waiters();
        answer
    }

    /// Looks at the value.
    pub fn see<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Waits until `look` finds what it looks for. Without a time limit of its own: the test runner has one.
    pub async fn until<R>(&self, mut look: impl FnMut(&T) -> Option<R>) -> R {
        loop {
            let changed = self.0.changed.notified();
            // Enrolled before the look, so a change between the two is not missed: `notified` counts from its making.
            let found = look(&self.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiter_sees_the_change_it_waits_for() {
        let watched = Watched::new(0);
        let other = watched.clone();
        let waiter =
            tokio::spawn(
                async move { other.until(|value| (*value == 3).then_some("three")).await },
            );
        for _ in 0..3 {
            watched.change(|value| *value += 1);
            tokio::task::yield_now().await;
        }
        assert_eq!(waiter.await.unwrap(), "three");
    }
}
