//! How integrations share what a node may have in flight at once, so that targets that hang do not use up the room of the others.
//!
//! An integration may hold a quarter of the room that is free, and always one place while there is any. Whoever holds much
//! thus leaves ever more for the others, and gets less the more of them there are; a lone one may have about a sixth of it
//! all. The last eighth is for first places alone, so that newcomers find one however greedy the others were before them.
//! An integration that holds nothing and finds no room waits in order of arrival, and a place that comes free is kept for it.
//! One that holds something needs no waiting list: it looks again when an attempt of its own ends.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// Beyond its first place, an integration holds at most this part of what is free.
const PART_OF_THE_FREE: usize = 4;
/// This part of all places is for integrations that hold nothing yet.
const PART_FOR_FIRST: usize = 8;

/// The places of one node. Whoever asks is bounded in number by those it works.
#[derive(Debug)]
pub struct Shares<K> {
    places: usize,
    used: usize,
    held: HashMap<K, usize>,
    waiting: VecDeque<K>,
    /// Called from the waiting list, each with a place kept for it, until they take it or leave.
    called: HashSet<K>,
}

impl<K: Copy + Eq + Hash> Shares<K> {
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            places,
            used: 0,
            held: HashMap::new(),
            waiting: VecDeque::new(),
            called: HashSet::new(),
        }
    }

    /// Takes a place. False when there is none for it now: whoever holds nothing is called when there is one.
    pub fn take(&mut self, who: K) -> bool {
        let held = self.held.get(&who).copied().unwrap_or(0);
        let was_called = self.called.remove(&who);
        let free = self.free();
        let may = was_called || (free > 0 && held < self.share());
        if may {
            self.used += 1;
            self.held.insert(who, held + 1);
        } else if held == 0 && !self.waiting.contains(&who) {
            self.waiting.push_back(who);
        }
        may
    }

    /// How many places one integration may hold now.
    fn share(&self) -> usize {
        let common = self.free().saturating_sub(self.places / PART_FOR_FIRST);
        (common / PART_OF_THE_FREE).max(1)
    }

    /// Gives a place back; answers who is to be called.
    #[must_use]
    pub fn give_back(&mut self, who: K) -> Option<K> {
        if let Some(held) = self.held.get_mut(&who) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&who);
            }
            self.used -= 1;
        }
        self.call()
    }

    /// Waits no longer, and needs no place that was kept for it; answers who is to be called instead.
    #[must_use]
    pub fn leave(&mut self, who: K) -> Option<K> {
        self.waiting.retain(|waiting| *waiting != who);
        self.called.remove(&who);
        self.call()
    }

    fn call(&mut self) -> Option<K> {
        if self.free() == 0 {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.called.insert(next);
        Some(next)
    }

    /// Places that are neither used nor kept for somebody.
    #[must_use]
    pub fn free(&self) -> usize {
        self.places.saturating_sub(self.used + self.called.len())
    }

    /// Places that this one holds.
    #[must_use]
    pub fn held_by(&self, who: K) -> usize {
        self.held.get(&who).copied().unwrap_or(0)
    }
}
