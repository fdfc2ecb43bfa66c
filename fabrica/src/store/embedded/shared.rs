//! What the callers of a store and its writer have in common.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::waiting::Line;
use crate::store::StoreError;
use crate::store::image::Image;

pub(super) struct Shared {
    pub(super) image: Image,
    pub(super) line: Line,
    pub(super) health: Health,
    pub(super) counts: Counts,
    /// The next group's commit succeeds, and the writer is told that it is unclear.
    pub(super) doubt_next: AtomicBool,
}

impl Shared {
    pub(super) fn new(image: Image) -> Self {
        Self {
            image,
            line: Line::default(),
            health: Health::default(),
            counts: Counts::default(),
            doubt_next: AtomicBool::new(false),
        }
    }
}

/// Why nothing can be asked, if that is so.
#[derive(Default)]
pub(super) struct Health(RwLock<Option<String>>);

impl Health {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.0.read() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(reason.clone())),
        }
    }

    pub(super) fn refuse(&self, reason: String) {
        *self.0.write() = Some(reason);
    }

    pub(super) fn serve(&self) {
        *self.0.write() = None;
    }
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) rows: AtomicU64,
    pub(super) sweeps: AtomicU64,
}

/// What an embedded store has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbeddedStats {
    /// The commits that carried transactions. Each waited once for the disk.
    pub commits: u64,
    /// The transactions that changed something. Those that came while a commit was under way share the next one.
    pub transactions: u64,
    /// The rows in the file: what each key holds, the history, and what was not swept out yet.
    pub rows: u64,
    /// How often the rows that nothing needs any more were swept out.
    pub sweeps: u64,
}

impl Counts {
    pub(super) fn read(&self) -> EmbeddedStats {
        EmbeddedStats {
            commits: self.commits.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            sweeps: self.sweeps.load(Ordering::Relaxed),
        }
    }
}
