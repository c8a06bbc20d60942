//! The places of this node: each attempt in flight takes one, and [`delivery::Shares`] says whose turn it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::Shares;
use domain::IntegrationId;
use tokio::sync::Notify;

/// Clones of the handle share the places.
#[derive(Debug)]
pub(crate) struct Places(Mutex<Room>);

#[derive(Debug)]
struct Room {
    shares: Shares<IntegrationId>,
    /// How those that found none are called.
    bells: HashMap<IntegrationId, Arc<Notify>>,
}

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    who: IntegrationId,
}

impl Places {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Room {
            shares: Shares::new(places),
            bells: HashMap::new(),
        })))
    }

    /// A place; without one the bell rings when there may be one, unless an attempt of its own ends before.
    pub(crate) fn take(self: &Arc<Self>, who: IntegrationId, bell: &Arc<Notify>) -> Option<Place> {
        let mut room = self.lock();
        if !room.shares.take(who) {
            room.bells.insert(who, Arc::clone(bell));
            return None;
        }
        drop(room);
        let places = Arc::clone(self);
        Some(Place { places, who })
    }

    /// Wants none any more: a place that was kept for it goes to the next.
    pub(crate) fn leave(&self, who: IntegrationId) {
        let mut room = self.lock();
        room.bells.remove(&who);
        let next = room.shares.leave(who);
        room.call(next);
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn call(&self, next: Option<IntegrationId>) {
        if let Some(bell) = next.and_then(|next| self.bells.get(&next)) {
            bell.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut room = self.places.lock();
        let next = room.shares.give_back(self.who);
        room.call(next);
    }
}
