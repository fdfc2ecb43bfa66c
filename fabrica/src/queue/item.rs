//! A key in a worker's hands.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Next, Priority, Reasons, Taken};
use super::key::Key;
use super::shared::Shared;
use super::sync::Instant;

/// A key that a worker has to itself until it is [done](super::WorkQueue::done).
///
/// Dropped without that (the worker panicked or was cancelled), it counts as failed: [`Next::Retry`].
pub struct Item<K: Key, R: Reasons = ()> {
    /// None once the run has ended.
    pub(super) queue: Option<Arc<Shared<K, R>>>,
    pub(super) taken: Taken<K, R>,
    pub(super) since: Instant,
}

impl<K: Key, R: Reasons> Item<K, R> {
    /// What to run.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.taken.key
    }

    /// Why, merged over all wake-ups since the last run.
    #[must_use]
    pub fn reasons(&self) -> &R {
        &self.taken.reasons
    }

    /// How often the key failed since it last succeeded: 0 at the first attempt.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.taken.failures
    }

    /// How long ago the key was due: at the start of the run, how long it waited for a worker.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Instant::now().saturating_duration_since(self.since)
    }

    /// The lane that it waited in.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.taken.priority
    }

    /// Ends the run in the queue that the item came from, which is returned so that it outlives its lock.
    pub(super) fn finish(&mut self, next: Next, is_own: impl FnOnce(&mut R) -> bool) -> Option<Arc<Shared<K, R>>> {
        let queue = self.queue.clone()?;
        queue.finish(self, next, is_own);
        Some(queue)
    }
}

impl<K: Key, R: Reasons> Drop for Item<K, R> {
    fn drop(&mut self) {
        drop(self.finish(Next::Retry, |_| false));
    }
}

impl<K: Key + fmt::Debug, R: Reasons> fmt::Debug for Item<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("key", self.key()).field("attempt", &self.attempt()).finish_non_exhaustive()
    }
}
