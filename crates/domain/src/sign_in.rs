//! What slows down whoever guesses passwords, and whom it does not slow down.
//!
//! Three delays, each doubling with every failure beyond those that are free: of an address, of an address that tries one
//! account, and of an account from wherever it is tried. The last one is what many addresses together run into; an address
//! that the account has signed in from passes it, so that nobody is locked out by strangers.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::Timestamp;
use crate::company::name_key;

/// Most addresses, accounts and pairs that are remembered, each; beyond it the one whose failure is oldest is forgotten.
pub const REMEMBERED: usize = 10_000;
/// Longest piece of a name that is remembered, in characters.
const NAME_CHARS: usize = 200;

/// How failures of one kind are met.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Failures that cost nothing: people mistype.
    free: u32,
    /// The delay doubles from a second up to this.
    longest: Duration,
    /// After this long without a failure all is forgotten.
    quiet: Duration,
}

const ADDRESS: Rule = Rule {
    free: 20,
    longest: Duration::from_secs(15 * 60),
    quiet: Duration::from_secs(3_600),
};
const PAIR: Rule = Rule {
    free: 4,
    longest: Duration::from_secs(15 * 60),
    quiet: Duration::from_secs(3_600),
};
const ACCOUNT: Rule = Rule {
    free: 100,
    longest: Duration::from_secs(60),
    quiet: Duration::from_secs(3_600),
};

#[derive(Debug, Clone, Copy)]
struct Failing {
    failures: u32,
    last: Timestamp,
}

/// Failed sign-ins of this node, in bounded tables. Times are the steady clock's.
#[derive(Debug, Default)]
pub struct SignIns {
    addresses: HashMap<IpAddr, Failing>,
    pairs: HashMap<(String, IpAddr), Failing>,
    accounts: HashMap<String, Failing>,
    /// Where accounts have signed in from, and when last.
    known: HashMap<(String, IpAddr), Timestamp>,
}

impl SignIns {
    /// Lets one try pass, or says how long to wait. A try counts as failed until [`Self::succeeded`] says otherwise, so
    /// that many at once do not all pass.
    pub fn admit(&mut self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let (account, network) = (account(name), network(address));
        let pair = (account.clone(), network);
        let is_known = self.known.contains_key(&pair);
        let waits = [
            ADDRESS.wait(self.addresses.get(&network), now),
            PAIR.wait(self.pairs.get(&pair), now),
            if is_known {
                Duration::ZERO
            } else {
                ACCOUNT.wait(self.accounts.get(&account), now)
            },
        ];
        let wait = waits.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        ADDRESS.count(&mut self.addresses, network, now);
        PAIR.count(&mut self.pairs, pair, now);
        if !is_known {
            ACCOUNT.count(&mut self.accounts, account, now);
        }
        Ok(())
    }

    /// The password was good: nothing is held against the address any more, and it is known from now on.
    pub fn succeeded(&mut self, name: &str, address: IpAddr, now: Timestamp) {
        let pair = (account(name), network(address));
        self.addresses.remove(&pair.1);
        self.pairs.remove(&pair);
        if let Some(failing) = self.accounts.get_mut(&pair.0) {
            failing.failures = failing.failures.saturating_sub(1);
        }
        make_room(&mut self.known, &pair, |at| *at);
        self.known.insert(pair, now);
    }
}

impl Rule {
    fn wait(self, failing: Option<&Failing>, now: Timestamp) -> Duration {
        let Some(failing) = failing.filter(|failing| now.since(failing.last) < self.quiet) else {
            return Duration::ZERO;
        };
        let Some(beyond) = failing.failures.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let delay = Duration::from_secs(1_u64 << beyond.min(20)).min(self.longest);
        delay.saturating_sub(now.since(failing.last))
    }

    fn count<K: Hash + Eq + Clone>(self, table: &mut HashMap<K, Failing>, key: K, now: Timestamp) {
        make_room(table, &key, |failing| failing.last);
        let failing = table.entry(key).or_insert(Failing {
            failures: 0,
            last: now,
        });
        if now.since(failing.last) >= self.quiet {
            failing.failures = 0;
        }
        failing.failures = failing.failures.saturating_add(1);
        failing.last = now;
    }
}

/// The entry that is oldest goes when there are too many.
fn make_room<K: Hash + Eq + Clone, V>(
    table: &mut HashMap<K, V>,
    key: &K,
    last: impl Fn(&V) -> Timestamp,
) {
    if table.len() < REMEMBERED || table.contains_key(key) {
        return;
    }
    let oldest = table.iter().min_by_key(|(_, value)| last(value));
    if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
        table.remove(&oldest);
    }
}

fn account(name: &str) -> String {
    name_key(&name.chars().take(NAME_CHARS).collect::<String>())
}

/// Whoever has an IPv6 address has the whole network of 64 bits with it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}
