//! Connections that wait for the next exchange, and the count of all that are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::connection::Connection;

pub(crate) struct Pool {
    /// One turn for each exchange under way.
    turns: Arc<Semaphore>,
    connections: usize,
    idle_per_host: usize,
    idle_timeout: Duration,
    shelves: Mutex<Shelves>,
}

#[derive(Default)]
struct Shelves {
    /// By origin and identity ([`crate::Target`] has the key); the last of each is the freshest and goes out first.
    by_origin: HashMap<Arc<str>, Vec<Idle>>,
    count: usize,
    /// Whether somebody clears up by and by.
    swept: bool,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(connections: usize, idle_per_host: usize, idle_timeout: Duration) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(connections)),
            connections,
            idle_per_host,
            idle_timeout,
            shelves: Mutex::default(),
        }
    }

    /// Waits for a turn. The wait is fair, and ends with the deadline of the exchange.
    pub(crate) async fn turn(&self) -> SemaphorePermit<'_> {
        self.turns
            .acquire()
            .await
            .expect("the semaphore is never closed")
    }

    /// A turn that a stream takes along.
    pub(crate) async fn owned_turn(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// The freshest idle connection to the origin.
    pub(crate) fn take(&self, origin: &str) -> Option<Box<Connection>> {
        let mut shelves = self.lock();
        let idle = shelves.by_origin.get_mut(origin)?.pop()?;
        shelves.count -= 1;
        // When the freshest is too old, all below it are, and the sweep will have them.
        (idle.since.elapsed() < self.idle_timeout).then_some(idle.connection)
    }

    /// Keeps a connection for the next exchange. The caller still has its turn.
    pub(crate) fn put(self: &Arc<Self>, origin: &Arc<str>, connection: Box<Connection>) {
        let mut shelves = self.lock();
        if !shelves.swept {
            shelves.swept = true;
            tokio::spawn(sweep(Arc::downgrade(self), self.idle_timeout));
        }
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        match shelves.by_origin.get_mut(origin) {
            Some(shelf) if shelf.len() >= self.idle_per_host => return,
            Some(shelf) => shelf.push(idle),
            None => {
                shelves.by_origin.insert(Arc::clone(origin), vec![idle]);
            }
        }
        shelves.count += 1;
    }

    /// Makes room for one more connection. The caller has its turn, so connections in use and idle ones together are at most
    /// the limit once the oldest idle ones have gone.
    pub(crate) fn make_room(&self) {
        let in_use = self.connections - self.turns.available_permits();
        let mut shelves = self.lock();
        while shelves.count > 0 && shelves.count + in_use > self.connections {
            shelves.drop_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn drop_oldest(&mut self) {
        let oldest = self
            .by_origin
            .values_mut()
            .filter(|shelf| !shelf.is_empty())
            .min_by_key(|shelf| shelf[0].since);
        if let Some(shelf) = oldest {
            shelf.remove(0);
            self.count -= 1;
        }
    }

    fn drop_older_than(&mut self, timeout: Duration) {
        let mut dropped = 0;
        self.by_origin.retain(|_, shelf| {
            let before = shelf.len();
            shelf.retain(|idle| idle.since.elapsed() < timeout);
            dropped += before - shelf.len();
            !shelf.is_empty()
        });
        self.count -= dropped;
    }
}

/// Closes what has been idle for too long, until the pool is gone.
async fn sweep(pool: Weak<Pool>, timeout: Duration) {
    loop {
        tokio::time::sleep(timeout).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.lock().drop_older_than(timeout);
    }
}
