//! What a backend tells the rest of the process after a commit.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, broadcast};

use crate::{Bell, Cancel};

/// Something has changed; whoever cares reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Events were accepted.
    Events,
    /// The configuration has this epoch now.
    Configuration(u64),
    /// Notices may have been missed: read everything again.
    Missed,
}

/// Most notices that a receiver may lag behind.
const CAPACITY: usize = 1_024;

/// The ends that a backend speaks into.
#[derive(Debug)]
pub(crate) struct Notices {
    bell: Bell,
    sender: broadcast::Sender<Notice>,
    /// The newest epoch that this process knows of.
    epoch: AtomicU64,
    /// How often deliveries were cancelled, here or at another node, as far as is known.
    recalls: AtomicU64,
    /// For the one task that works jobs.
    jobs: Notify,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self {
            bell: Bell::default(),
            sender: broadcast::Sender::new(CAPACITY),
            epoch: AtomicU64::new(0),
            recalls: AtomicU64::new(0),
            jobs: Notify::new(),
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }

    /// Tells whoever listens; with no listener it costs one load.
    pub(crate) fn tell(&self, notice: Notice) {
        if self.sender.receiver_count() > 0 {
            // The only failure is that the last receiver has just gone.
            let _ = self.sender.send(notice);
        }
    }

    /// The configuration has moved to this epoch; older news change nothing.
    pub(crate) fn moved(&self, epoch: u64) {
        if self.epoch.fetch_max(epoch, Ordering::AcqRel) < epoch {
            self.tell(Notice::Configuration(epoch));
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Deliveries were cancelled: whoever has some in memory looks which of them have ended.
    pub(crate) fn recall(&self) {
        self.recalls.fetch_add(1, Ordering::AcqRel);
    }

    /// The same where at least one of them was.
    pub(crate) fn cancelled(&self, told: &[Cancel]) {
        if told.contains(&Cancel::Done) {
            self.recall();
        }
    }

    pub(crate) fn recalls(&self) -> u64 {
        self.recalls.load(Ordering::Acquire)
    }

    /// A job was begun, was paused, or goes on.
    pub(crate) fn ring_jobs(&self) {
        self.jobs.notify_one();
    }

    pub(crate) async fn jobs_rung(&self) {
        self.jobs.notified().await;
    }

    /// News may have been lost: wake everyone.
    pub(crate) fn missed(&self) {
        self.bell.ring_all();
        self.recall();
        self.ring_jobs();
        self.tell(Notice::Missed);
    }
}
