//! Wake-ups: which integrations have new due work.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use domain::IntegrationId;
use tokio::sync::Notify;

/// Collects rings until someone answers, so that a thousand accepts wake an owner once.
#[derive(Debug, Default)]
pub struct Bell {
    waiting: Mutex<Rung>,
    notify: Notify,
}

/// For whom the bell has rung since it was last answered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rung {
    pub integrations: HashSet<IntegrationId>,
    /// Rings may have been missed (a listener was away): look at every integration.
    pub everything: bool,
}

impl Bell {
    /// Most integrations that are told apart; beyond it the bell rings for everything.
    pub const INTEGRATIONS: usize = 10_000;

    /// Rings for these integrations.
    pub fn ring(&self, integrations: impl IntoIterator<Item = IntegrationId>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = waiting.is_empty();
        waiting.integrations.extend(integrations);
        if waiting.integrations.len() > Self::INTEGRATIONS {
            waiting.integrations.clear();
            waiting.everything = true;
        }
        let rings = was_empty && !waiting.is_empty();
        drop(waiting);
        if rings {
            self.notify.notify_one();
        }
    }

    /// Rings for every integration.
    pub fn ring_all(&self) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .everything = true;
        self.notify.notify_one();
    }

    /// Waits until the bell has rung, and takes all that has been rung for. One caller answers at a time.
    pub async fn rung(&self) -> Rung {
        loop {
            let rung =
                std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !rung.is_empty() {
                return rung;
            }
            self.notify.notified().await;
        }
    }
}

impl Rung {
    fn is_empty(&self) -> bool {
        self.integrations.is_empty() && !self.everything
    }
}
