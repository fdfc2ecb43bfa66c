//! Who waits for whose next change, without a reference from the one to the other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::resource::ObjectKey;

/// Objects whose next change wakes another: one that wants to make a child whose name is still taken by one on its way
/// out.
#[derive(Debug, Default)]
pub(crate) struct Awaited {
    of: Mutex<HashMap<ObjectKey, Vec<ObjectKey>>>,
    /// The size of the map: every change asks, and nearly always nobody waits.
    count: AtomicUsize,
}

impl Awaited {
    /// The next change of `object`, or its end, wakes `waiter`. A change from before this call doesn't.
    pub(crate) fn wait(&self, object: ObjectKey, waiter: &ObjectKey) {
        let mut of = self.of.lock();
        let waiters = of.entry(object).or_default();
        if !waiters.contains(waiter) {
            waiters.push(waiter.clone());
        }
        self.count.store(of.len(), Ordering::Release);
    }

    /// `waiter` does not wait for `object` any more.
    pub(crate) fn give_up(&self, object: &ObjectKey, waiter: &ObjectKey) {
        let mut of = self.of.lock();
        if let Some(waiters) = of.get_mut(object) {
            waiters.retain(|other| other != waiter);
            if waiters.is_empty() {
                of.remove(object);
            }
        }
        self.count.store(of.len(), Ordering::Release);
    }

    /// Who waited for this change.
    pub(crate) fn take(&self, object: &ObjectKey) -> Vec<ObjectKey> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let mut of = self.of.lock();
        let waiters = of.remove(object).unwrap_or_default();
        self.count.store(of.len(), Ordering::Release);
        waiters
    }
}
