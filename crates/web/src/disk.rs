//! How much room the disk of the state folder has.

use std::sync::Arc;

use crate::blocking::blocking;

/// Less than this is told: some days of alerts of a busy server, in which somebody can make room.
pub(crate) const LOW: u64 = 1024 * 1024 * 1024;

/// Asks the disk; made by whoever knows where the state folder is.
#[derive(Clone)]
pub struct Disk(Arc<dyn Fn() -> Option<Room> + Send + Sync>);

/// What a disk says of itself, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What this process may still write.
    pub free: u64,
    pub total: u64,
}

impl Disk {
    /// `look` answers nothing when the disk does not tell.
    pub fn new(look: impl Fn() -> Option<Room> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Asked away from the threads that others wait for: a disk at the other end of a network may take its time.
    pub(crate) async fn room(&self) -> Option<Room> {
        let look = Arc::clone(&self.0);
        blocking(move || look()).await.ok().flatten()
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Room {
    pub(crate) fn is_low(self) -> bool {
        self.free < LOW
    }

    /// In GiB, or MiB where that is more exact.
    pub(crate) fn words(self) -> String {
        format!("{} free of {}", size(self.free), size(self.total))
    }

    pub(crate) fn free_words(self) -> String {
        size(self.free)
    }
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match bytes / MIB {
        mib @ 0..1024 => format!("{mib} MiB"),
        mib => format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told_in_few_digits() {
        let room = |free| Room {
            free,
            total: 40 * LOW,
        };
        assert_eq!(
            room(5 * 1024 * 1024).words(),
            "5 MiB free of 40.0 GiB".to_owned()
        );
        assert_eq!(room(LOW + LOW / 2).free_words(), "1.5 GiB");
        assert!(room(LOW - 1).is_low() && !room(LOW).is_low());
    }
}
