//! Which objects fail, and what became of them (C9).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::resource::{Timestamp, Uid};

/// What a failing object's last run said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How many runs in a row have failed.
    pub attempts: u32,
    /// What the last of them said.
    pub error: String,
    /// When it said so.
    pub at: Timestamp,
    /// Does the object wait for a change, since a retry can't help?
    pub is_terminal: bool,
    /// When it is tried again, if nothing happens before.
    pub next_retry: Option<Timestamp>,
}

/// The failing objects of one kind.
#[derive(Debug, Default)]
pub(super) struct Failures {
    of: Mutex<HashMap<Uid, Failure>>,
    /// The size of the map: nearly every run goes well while nothing fails, and need not take the lock.
    count: AtomicUsize,
}

impl Failures {
    pub(super) fn record(&self, uid: &Uid, failure: Failure) {
        let mut of = self.of.lock();
        of.insert(uid.clone(), failure);
        self.count.store(of.len(), Ordering::Release);
    }

    /// The object's last run went well, or the object is gone. How it failed until then.
    pub(super) fn clear(&self, uid: &Uid) -> Option<Failure> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut of = self.of.lock();
        let failure = of.remove(uid);
        self.count.store(of.len(), Ordering::Release);
        failure
    }

    /// How many objects fail.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn get(&self, uid: &str) -> Option<Failure> {
        self.of.lock().get(uid).cloned()
    }

    /// Does the object wait for a change?
    pub(super) fn is_terminal(&self, uid: &Uid) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.of.lock().get(uid).is_some_and(|failure| failure.is_terminal)
    }
}
