//! What became of events.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of events, counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecorderCounts {
    /// Writes that stored a new event, or counted one on.
    pub(crate) written: u64,
    /// Dropped because there were too many about one object.
    pub(crate) dropped: u64,
    /// Lost because too many different ones waited, all objects together.
    pub(crate) lost: u64,
    /// Not stored because the store didn't take them.
    pub(crate) failed: u64,
    /// Deleted because they were old, or too many of one object.
    pub(crate) expired: u64,
}

/// The counters behind [`RecorderCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(super) written: Counter,
    pub(super) dropped: Counter,
    pub(super) lost: Counter,
    pub(super) failed: Counter,
    pub(super) expired: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> RecorderCounts {
        let Self { written, dropped, lost, failed, expired } = self;
        RecorderCounts {
            written: written.read(),
            dropped: dropped.read(),
            lost: lost.read(),
            failed: failed.read(),
            expired: expired.read(),
        }
    }
}
