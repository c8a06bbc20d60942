//! Who is connected: the caps in all and for each address. When a cap is reached, the connection that has waited longest for
//! its client (its next request, or the rest of one) makes room, so that slow clients can never keep others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::Settings;

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Guests {
    most: usize,
    most_of_one: usize,
    /// Proxies speak for many: the cap of an address is not for them.
    trusted: Vec<IpNet>,
    table: Mutex<Table>,
    /// Ascends with whatever happens; older activity is a smaller number.
    activity: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    seats: HashMap<u64, Arc<Seat>>,
    of_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// One connection's place, shared by its task and the table.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    doing: AtomicU8,
    last: AtomicU64,
    wish: AtomicU8,
    told: Notify,
}

/// What its connection is at.
const WAITING: u8 = 0;
const READING: u8 = 1;
const WORKING: u8 = 2;

/// What is wished of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Finish what it is at, take nothing new.
    Finish,
    /// Make room at once.
    Leave,
}

/// A connection that was let in. Dropping it frees its place.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Guests {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            most: settings.connections.get(),
            most_of_one: settings.connections_per_address.get(),
            trusted: settings.trusted_proxies.clone(),
            table: Mutex::default(),
            activity: AtomicU64::new(0),
        }
    }

    /// Lets a connection in, if need be in the place of another; none when all others are being worked for.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let mut table = self.table();
        let capped = !self.trusted.iter().any(|range| range.contains(&address));
        let of_one = table.of_address.get(&address).copied().unwrap_or(0);
        if capped && of_one >= self.most_of_one && !table.evict(|seat| seat.address == address) {
            return None;
        }
        if table.seats.len() >= self.most && !table.evict(|_| true) {
            return None;
        }
        let number = table.next;
        table.next += 1;
        let seat = Arc::new(Seat {
            address,
            doing: AtomicU8::new(WAITING),
            last: AtomicU64::new(self.tick()),
            wish: AtomicU8::new(0),
            told: Notify::new(),
        });
        table.seats.insert(number, Arc::clone(&seat));
        *table.of_address.entry(address).or_insert(0) += 1;
        Some(Guest {
            guests: Arc::clone(self),
            number,
            seat,
        })
    }

    /// Asks the one that has waited longest to leave.
    pub(super) fn make_room(&self) {
        self.table().evict(|_| true);
    }

    /// Asks everyone to finish.
    pub(super) fn see_off(&self) {
        self.table()
            .seats
            .values()
            .for_each(|seat| seat.tell(Wish::Finish));
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        self.activity.fetch_add(1, Ordering::Relaxed)
    }
}

impl Table {
    /// The place is free at once, whenever the connection's task gets to hear of it.
    fn evict(&mut self, among: impl Fn(&Seat) -> bool) -> bool {
        let waiting = self
            .seats
            .iter()
            .filter(|(_, seat)| among(seat) && seat.doing.load(Ordering::Relaxed) != WORKING);
        let oldest = waiting
            .min_by_key(|(_, seat)| seat.last.load(Ordering::Relaxed))
            .map(|(number, _)| *number);
        let Some(seat) = oldest.and_then(|number| self.remove(number)) else {
            return false;
        };
        seat.tell(Wish::Leave);
        true
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Seat>> {
        let seat = self.seats.remove(&number)?;
        if let Some(count) = self.of_address.get_mut(&seat.address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&seat.address);
            }
        }
        Some(seat)
    }
}

impl Seat {
    fn tell(&self, wish: Wish) {
        self.wish
            .fetch_max(if wish == Wish::Leave { 2 } else { 1 }, Ordering::Relaxed);
        self.told.notify_one();
    }

    /// Waits for the next wish.
    pub(super) async fn wish(&self) -> Wish {
        loop {
            self.told.notified().await;
            match self.wish.load(Ordering::Relaxed) {
                0 => {}
                1 => return Wish::Finish,
                _ => return Wish::Leave,
            }
        }
    }

    /// The head of a request is here, its body is to come.
    pub(super) fn reads(&self) {
        self.doing.store(READING, Ordering::Relaxed);
    }

    /// The request is here in full.
    pub(super) fn works(&self) {
        self.doing.store(WORKING, Ordering::Relaxed);
    }
}

impl Guest {
    /// The request was answered; it is the client's turn again.
    pub(super) fn waits(&self) {
        self.seat.last.store(self.guests.tick(), Ordering::Relaxed);
        self.seat.doing.store(WAITING, Ordering::Relaxed);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.table().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    fn guests(most: usize, of_one: usize) -> Arc<Guests> {
        let mut settings = Settings::new("127.0.0.1:0".parse().unwrap());
        settings.connections = NonZeroUsize::new(most).unwrap();
        settings.connections_per_address = NonZeroUsize::new(of_one).unwrap();
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Arc::new(Guests::new(&settings))
    }

    fn is_told_to_leave(guest: &Guest) -> bool {
        guest.seat.wish.load(Ordering::Relaxed) == 2
    }

    #[test]
    fn the_one_that_waited_longest_makes_room() {
        let guests = guests(10, 2);
        let address = "192.0.2.1".parse().unwrap();
        let (one, two) = (
            guests.admit(address).unwrap(),
            guests.admit(address).unwrap(),
        );
        one.waits(); // One has just been answered, two has said nothing yet.
        let three = guests.admit(address).unwrap();
        assert!(is_told_to_leave(&two) && !is_told_to_leave(&one) && !is_told_to_leave(&three));
        drop(two); // Its place is another's by now.
        assert_eq!(guests.table().of_address[&address], 2);
    }

    #[test]
    fn whoever_is_worked_for_stays() {
        let guests = guests(10, 1);
        let address = "192.0.2.1".parse().unwrap();
        let one = guests.admit(address).unwrap();
        one.seat.works();
        assert!(guests.admit(address).is_none());
        assert!(guests.admit("192.0.2.2".parse().unwrap()).is_some());
        one.waits();
        assert!(guests.admit(address).is_some() && is_told_to_leave(&one));
    }

    #[test]
    fn the_cap_in_all_holds_for_proxies_too() {
        let guests = guests(2, 1);
        let proxy = "10.0.0.1".parse().unwrap();
        let (one, _two, _three) = (
            guests.admit(proxy).unwrap(),
            guests.admit(proxy).unwrap(),
            guests.admit(proxy).unwrap(),
        );
        assert!(is_told_to_leave(&one));
        assert_eq!(guests.table().seats.len(), 2);
    }

    #[test]
    fn whoever_goes_leaves_nothing_behind() {
        let guests = guests(2, 2);
        drop(guests.admit("192.0.2.1".parse().unwrap()));
        assert!(guests.table().seats.is_empty() && guests.table().of_address.is_empty());
    }
}
