//! The queue that workers share: a handle to the core behind its lock.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::backoff::Backoff;
use super::core::{Next, Priority, Reasons};
use super::intake::Wake;
use super::item::Item;
use super::key::Key;
use super::shared::Shared;
use super::stats::QueueStats;
use super::sync::Instant;
use super::timing::Timing;
use super::wait::{Drained, Get};

/// A queue of keys that are due, now or later, for any number of producers and workers.
///
/// It keeps the invariants Q1 to Q9 of [the module](super). Clones are handles to the same queue. `add`,
/// `get` and `done` take O(1), and O(log n) where a timer is set or removed; no timer costs a task.
///
/// ```
/// use fabrica::queue::{Next, WorkQueue};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let queue: WorkQueue<&str> = WorkQueue::default();
/// queue.add("a", ());
/// queue.add("a", ()); // already waiting: one run
/// let item = queue.get().await.unwrap();
/// assert_eq!(*item.key(), "a");
/// queue.done(item, Next::Forget);
/// assert!(queue.is_empty());
/// # }
/// ```
pub struct WorkQueue<K, R = ()> {
    shared: Arc<Shared<K, R>>,
}

impl<K: Key, R: Reasons> WorkQueue<K, R> {
    /// An empty queue whose failed keys wait by `backoff`.
    #[must_use]
    pub fn new(backoff: Backoff) -> Self {
        Self { shared: Arc::new(Shared::new(backoff, None)) }
    }

    /// As [`new`](Self::new), and it measures how long keys wait and run, for [`stats`](Self::stats). Each run asks
    /// for the time twice more.
    #[must_use]
    pub fn timed(backoff: Backoff) -> Self {
        Self { shared: Arc::new(Shared::new(backoff, Some(Timing::default()))) }
    }

    /// Wakes `key`: it runs as soon as a worker is free, also if it was waiting on a timer. If it is running,
    /// it runs once more afterwards (Q3). After shut-down this does nothing.
    pub fn add(&self, key: K, reasons: R) {
        self.add_as(key, reasons, Priority::Live);
    }

    /// As [`add`](Self::add), but behind the live ones (Q7): for the first fill and resyncs. A timer that fires
    /// or a live wake-up meanwhile moves it up.
    pub fn add_background(&self, key: K, reasons: R) {
        self.add_as(key, reasons, Priority::Background);
    }

    fn add_as(&self, key: K, reasons: R, priority: Priority) {
        let wake = Wake { key: self.shared.hasher.hashed(key), reasons, priority, at: self.shared.now() };
        if self.shared.intake.push(wake) {
            self.shared.change(|_| ());
        }
    }

    /// Wakes `key` after `delay`, whatever its runs answer until then. Of several the earliest wins (Q4).
    pub fn add_after(&self, key: K, reasons: R, delay: Duration) {
        let (now, key) = (self.shared.now(), self.shared.hasher.hashed(key));
        self.shared.change(|state| {
            if !state.shut_down {
                state.core.add_after(now, key, reasons, delay);
            }
        });
    }

    /// Counts a failure of `key` that no run reports, and wakes it when the backoff for that is over. A run that
    /// fails says so with [`Next::Retry`] instead.
    pub fn add_rate_limited(&self, key: K, reasons: R) {
        let (now, key) = (self.shared.now(), self.shared.hasher.hashed(key));
        self.shared.change(|state| {
            if !state.shut_down {
                state.core.add_rate_limited(now, key, reasons);
            }
        });
    }

    /// Waits for a key that is due and hands it out; `None` after shut-down.
    ///
    /// Dropping the future loses no key.
    pub async fn get(&self) -> Option<Item<K, R>> {
        Get::new(&self.shared).await
    }

    /// Ends the run of `item` with its answer.
    pub fn done(&self, item: Item<K, R>, next: Next) {
        self.done_unless(item, next, |_| false);
    }

    /// As [`done`](Self::done), but a wake-up that came during the run counts only if `is_own` returns
    /// false. It is called once if there was one, with the reasons gathered, and may take some away.
    ///
    /// It is called under the queue's lock: keep it short, and don't call the queue from it.
    pub fn done_unless(&self, mut item: Item<K, R>, next: Next, is_own: impl FnMut(&mut R) -> bool) {
        match &item.queue {
            Some(queue) if Arc::ptr_eq(queue, &self.shared) => {
                self.shared.finish(&mut item, next, is_own);
            }
            // An item of another queue ends there.
            _ => drop(item.finish(next, is_own)),
        }
    }

    /// The object is gone: its timers, failure count and slot go (Q8). If it is running, its answer no longer
    /// counts, and neither do earlier wake-ups.
    pub fn forget(&self, key: &K) {
        drop(self.shared.change(|state| state.core.forget(key)));
    }

    /// How often `key` failed since it last succeeded.
    #[must_use]
    pub fn attempts(&self, key: &K) -> u32 {
        self.shared.lock().core.failures(key)
    }

    /// When `key` is due: in the past if it waits for a worker, `None` if nothing is planned.
    #[must_use]
    pub fn next_run(&self, key: &K) -> Option<Instant> {
        let at = self.shared.lock().core.next_run(key)?;
        Some(self.shared.instant(at))
    }

    /// Keys that wait for a worker; neither those running nor those on a timer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().core.queued()
    }

    /// No key waits for a worker.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys handed out and not done.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.lock().core.running()
    }

    /// Keys on a timer.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.shared.lock().core.timers()
    }

    /// Keys about which the queue knows anything: waiting, running, on a timer or counted as failed.
    #[must_use]
    pub fn known(&self) -> usize {
        self.shared.lock().core.slots()
    }

    /// Its numbers, all of the same moment. Costs O(running), under the queue's lock.
    ///
    /// ```
    /// use fabrica::queue::{Backoff, Next, WorkQueue};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let queue: WorkQueue<&str> = WorkQueue::timed(Backoff::default());
    /// queue.add("a", ());
    /// queue.add("a", ());
    /// let item = queue.get().await.unwrap();
    /// queue.done(item, Next::After(Duration::from_secs(1)));
    /// let stats = queue.stats();
    /// assert_eq!((stats.adds, stats.retries, stats.depth.total()), (1, 1, 0));
    /// assert_eq!(stats.times.unwrap().worked.count(), 1);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        self.shared.lock().core.stats(self.shared.now())
    }

    /// Hands out nothing from now on and ignores wake-ups; running keys can finish (Q9).
    pub fn shut_down(&self) {
        let mut state = self.shared.lock();
        state.shut_down = true;
        self.shared.intake.close();
        let waiting = state.waiting.take();
        let draining = state.drained();
        drop(state);
        waiting.into_values().chain(draining).for_each(Waker::wake);
    }

    /// Has [`shut_down`](Self::shut_down) been called?
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.shared.lock().shut_down
    }

    /// Waits until the queue is shut down and the last running key has finished.
    pub async fn drained(&self) {
        Drained::new(&self.shared).await;
    }
}

impl<K, R> Clone for WorkQueue<K, R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Key, R: Reasons> Default for WorkQueue<K, R> {
    fn default() -> Self {
        Self::new(Backoff::default())
    }
}

impl<K: Key, R: Reasons> fmt::Debug for WorkQueue<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("WorkQueue")
            .field("queued", &state.core.queued())
            .field("running", &state.core.running())
            .field("timers", &state.core.timers())
            .field("shut_down", &state.shut_down)
            .finish()
    }
}
