//! How much of the disk with the state folder is free.

use std::path::PathBuf;

use web::{Disk, Room};

/// Asks the disk of this folder.
pub(super) fn of(folder: PathBuf) -> Disk {
    Disk::new(move || {
        let told = rustix::fs::statvfs(&folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Some(Room {
            free: bytes(told.f_bavail),
            total: bytes(told.f_blocks),
        })
    })
}
