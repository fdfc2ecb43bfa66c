//! Wake-ups on their way to the core.

use std::collections::VecDeque;

use super::core::{Nanos, Priority};
use super::key::Hashed;
use super::sync::{AtomicBool, Mutex, Ordering};

/// As many wake-ups lie here at most, and one more for each producer that is taking them further just then.
const FULL: usize = 64;

/// A key that was added, and what is known about that.
#[derive(Debug)]
pub struct Wake<K, R> {
    pub key: Hashed<K>,
    pub reasons: R,
    pub priority: Priority,
    pub at: Nanos,
}

/// Where producers leave what they add, so that they don't wait for workers that have the core, nor those for them.
///
/// Whoever locks the core brings it there before anything else, so that an `add` that has returned counts in all
/// that follows. It is cheaper, too: the core's memory stays with the processors of the workers, and many wake-ups
/// come to it at once.
#[derive(Debug)]
pub struct Intake<K, R> {
    batch: Mutex<Batch<K, R>>,
    /// Is there anything in the batch? Changed under its lock only.
    filled: AtomicBool,
}

#[derive(Debug)]
struct Batch<K, R> {
    wakes: VecDeque<Wake<K, R>>,
    /// Somebody waits for a key, and nobody will look here unless told to.
    awaited: bool,
    closed: bool,
}

impl<K, R> Default for Intake<K, R> {
    fn default() -> Self {
        Self { batch: Mutex::new(Batch::default()), filled: AtomicBool::new(false) }
    }
}

impl<K, R> Intake<K, R> {
    /// Leaves `wake` here. True if the caller has to see to it that the batch gets to the core.
    pub fn push(&self, wake: Wake<K, R>) -> bool {
        let mut batch = self.batch.lock();
        if batch.closed {
            drop(batch); // before `wake`, whose parts are the caller's
            return false;
        }
        self.filled.store(true, Ordering::Release);
        batch.push(wake)
    }

    /// Exchanges the batch for an empty one. False if it is empty itself.
    pub fn take(&self, empty: &mut VecDeque<Wake<K, R>>) -> bool {
        // What another thread added, and told this one of, is seen here.
        if !self.filled.load(Ordering::Acquire) {
            return false;
        }
        let mut batch = self.batch.lock();
        std::mem::swap(&mut batch.wakes, empty);
        self.filled.store(false, Ordering::Release);
        true
    }

    /// Says whether somebody waits. False, and nothing said, if there is something here that may end the waiting.
    pub fn tell(&self, awaited: bool) -> bool {
        self.batch.lock().tell(awaited)
    }

    /// Refuses all further ones.
    pub fn close(&self) {
        self.batch.lock().closed = true;
    }
}

impl<K, R> Default for Batch<K, R> {
    fn default() -> Self {
        Self { wakes: VecDeque::new(), awaited: false, closed: false }
    }
}

impl<K, R> Batch<K, R> {
    fn push(&mut self, wake: Wake<K, R>) -> bool {
        self.wakes.push_back(wake);
        self.awaited || self.wakes.len() >= FULL
    }

    fn tell(&mut self, awaited: bool) -> bool {
        if awaited && !self.wakes.is_empty() {
            return false;
        }
        self.awaited = awaited;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::core::Priority;
    use super::super::key::Hasher;
    use super::{Batch, FULL, Wake};

    fn wake(key: usize) -> Wake<usize, ()> {
        Wake { key: Hasher::default().hashed(key), reasons: (), priority: Priority::Live, at: 0 }
    }

    #[test]
    fn a_full_batch_is_the_producers_to_take_further() {
        let mut batch = Batch::default();
        for key in 1..FULL {
            assert!(!batch.push(wake(key)));
        }
        assert!(batch.push(wake(FULL)));
        assert!(batch.wakes.iter().map(|wake| wake.key.key).eq(1..=FULL));
    }

    #[test]
    fn a_producer_learns_that_someone_waits_unless_there_is_something_for_them() {
        let mut batch = Batch::default();
        assert!(!batch.push(wake(1)));
        assert!(!batch.tell(true), "that key may be what they wait for");
        batch.wakes.clear();
        assert!(batch.tell(true) && batch.push(wake(2)));
        assert!(batch.tell(false) && !batch.push(wake(3)));
    }
}
