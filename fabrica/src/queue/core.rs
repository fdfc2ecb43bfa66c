//! The rules of the queue, without clock, lock or async: every method is told what time it is.

use std::hash::Hash;
use std::time::Duration;

use hashbrown::HashTable;

use super::backoff::Backoff;
use super::heap::Heap;
use super::key::{Hashed, Hasher};
use super::lanes::Lanes;
use super::slab::Slab;
use super::stats::{Depth, QueueStats};
use super::timing::Timing;

/// Nanoseconds since the queue was made: 584 years of them.
pub type Nanos = u64;
/// The due time of a timer that isn't set.
const NEVER: Nanos = Nanos::MAX;
/// Due timers moved to a lane by one `pop`, so that a million that are due at once hold nobody up.
const FIRED_AT_ONCE: usize = 32;
/// Slots that say nothing more are swept so many at a time: their places in the table are far apart in memory, and
/// reaching for all at once takes little longer than reaching for one.
const SWEPT_AT_ONCE: usize = 32;

/// Why a key is to run, collected beside the key while it waits.
///
/// `Default` is "nothing"; `()` collects none. `merge` (and `Eq` of the keys) is called under the queue's lock,
/// by whoever uses the queue next: keep it short, don't call the queue from it, and don't panic.
pub trait Reasons: Default + Send + 'static {
    /// Adds those of a later wake-up.
    fn merge(&mut self, later: Self);
}

impl Reasons for () {
    fn merge(&mut self, (): Self) {}
}

/// Which lane a key waits in (Q7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// First fill and resyncs: after the live ones, but one after every eight of them.
    Background,
    /// Changes, timers that fired, and retries.
    Live,
}

/// What a worker says of the key that it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It succeeded: the failure count is cleared, nothing is planned.
    Forget,
    /// It succeeded and wants to run again at once, behind those waiting in the same lane.
    Requeue,
    /// It succeeded and wants to run again after this long.
    After(Duration),
    /// It failed: it runs again after the backoff of its failure count, which grows by one.
    Retry,
    /// It failed for good: the failure count stays as it is, and only a wake-up runs it again.
    Hold,
}

/// What a key is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// On a timer, or only remembered for its failure count.
    Idle,
    /// In this lane.
    Queued(Priority),
    /// With a worker, which took it from the lane `taken`.
    Running {
        taken: Priority,
        /// Q3: woken during the run, so it goes into this lane after it.
        woken: Option<Priority>,
        /// Forgotten during the run, so the run's own answer doesn't count.
        gone: bool,
    },
}

/// Q1: all there is about one key.
#[derive(Debug)]
struct Slot<K, R> {
    key: K,
    /// Leads back to the key's entry in the table.
    hash: u32,
    phase: Phase,
    /// Is it in `leaving`?
    leaving: bool,
    failures: u32,
    /// When the wake-up came that the key waits for.
    since: Nanos,
    /// Q4, the first timer: what the last run asked for.
    requeue_at: Nanos,
    /// Q4, the second timer: the earliest `add_after`, which runs don't touch.
    after_at: Nanos,
    reasons: R,
    /// The reasons of `after_at`.
    after_reasons: R,
}

impl<K, R> Slot<K, R> {
    fn due(&self) -> Nanos {
        self.requeue_at.min(self.after_at)
    }

    /// Q8: a slot that no longer says anything.
    fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && self.failures == 0 && self.due() == NEVER
    }
}

/// A key handed out.
#[derive(Debug)]
pub struct Taken<K, R> {
    /// Names the key until [`Core::done`].
    pub slot: u32,
    pub key: K,
    pub reasons: R,
    pub failures: u32,
    pub priority: Priority,
    /// When the key was due.
    pub since: Nanos,
}

/// The pure queue. `add`, `pop` and `done` cost O(1), and O(log n) more where they touch a timer (Q5).
#[derive(Debug)]
pub struct Core<K, R> {
    /// The slot of each key, beside the key's hash: neither growing nor removing looks at a key.
    table: HashTable<(u32, u32)>,
    hasher: Hasher,
    slots: Slab<Slot<K, R>>,
    /// Invariant: an id is in a lane exactly when its phase is `Queued`, with that priority.
    lanes: Lanes,
    /// Invariant: the timer of an id is the earlier of its two due times, absent when both are `NEVER`.
    timers: Heap,
    /// Ids to be swept, unless they were woken meanwhile.
    leaving: Vec<u32>,
    running: usize,
    /// Running keys that were woken, by the lane that waits for them.
    woken: Depth,
    adds: u64,
    retries: u64,
    timing: Option<Timing>,
    backoff: Backoff,
}

impl<K: Hash + Eq + Clone, R: Reasons> Core<K, R> {
    pub fn new(backoff: Backoff, hasher: Hasher, timing: Option<Timing>) -> Self {
        Self {
            table: HashTable::new(),
            hasher,
            slots: Slab::default(),
            lanes: Lanes::default(),
            timers: Heap::default(),
            leaving: Vec::with_capacity(SWEPT_AT_ONCE),
            running: 0,
            woken: Depth::default(),
            adds: 0,
            retries: 0,
            timing,
            backoff,
        }
    }

    /// Keys that wait for a worker, timers not counted.
    pub fn queued(&self) -> usize {
        self.lanes.len()
    }

    /// Keys with a worker.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Keys on a timer.
    pub fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Keys about which anything is known.
    pub fn slots(&self) -> usize {
        self.slots.len() - self.leaving.iter().filter(|&&id| self.slots[id].is_idle()).count()
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<Nanos> {
        self.timers.first().map(|(at, _)| at)
    }

    /// All that is counted.
    pub fn stats(&self, now: Nanos) -> QueueStats {
        let waiting = self.lanes.depth();
        QueueStats {
            depth: Depth {
                live: waiting.live + self.woken.live,
                background: waiting.background + self.woken.background,
            },
            running: self.running,
            adds: self.adds,
            retries: self.retries,
            times: self.timing.as_ref().map(|timing| timing.seen(now)),
        }
    }

    /// Wakes `key`. Its requeue timer is not lost in a lane of lower priority: it stays until the run.
    pub fn add(&mut self, now: Nanos, key: Hashed<K>, reasons: R, priority: Priority) {
        let id = self.slot_of(key);
        let slot = &mut self.slots[id];
        slot.reasons.merge(reasons);
        self.wake(id, priority, now);
    }

    /// Wakes `key` after `delay`, or earlier if an earlier `add_after` asked for that.
    pub fn add_after(&mut self, now: Nanos, key: Hashed<K>, reasons: R, delay: Duration) {
        let id = self.slot_of(key);
        self.after(now, id, reasons, delay);
    }

    /// Counts a failure of `key` and wakes it when the backoff for it is over, by the second timer.
    pub fn add_rate_limited(&mut self, now: Nanos, key: Hashed<K>, reasons: R) {
        let id = self.slot_of(key);
        let failures = self.slots[id].failures;
        self.slots[id].failures = failures.saturating_add(1);
        self.after(now, id, reasons, self.backoff.delay(failures));
    }

    /// Hands out the next key, if one is due. The time is asked for only if there are timers, or it is measured.
    pub fn pop(&mut self, now: impl FnOnce() -> Nanos) -> Option<Taken<K, R>> {
        let now = if self.timers.len() > 0 || self.timing.is_some() { now() } else { 0 };
        if self.timers.len() > 0 {
            self.fire(now);
        }
        let (id, priority) = self.lanes.pop()?;
        let slot = &mut self.slots[id];
        // Q2: from here to `done` the id is in no lane, and nothing puts a running one into a lane.
        slot.phase = Phase::Running { taken: priority, woken: None, gone: false };
        self.running += 1;
        let taken = Taken {
            slot: id,
            key: slot.key.clone(),
            reasons: std::mem::take(&mut slot.reasons),
            failures: slot.failures,
            priority,
            since: slot.since,
        };
        if let Some(timing) = &mut self.timing {
            timing.begin(now, id, slot.since);
        }
        // Q4: this run's own answer replaces the requeue timer.
        if slot.requeue_at != NEVER {
            slot.requeue_at = NEVER;
            self.arm(id);
        }
        Some(taken)
    }

    /// Ends the run of the id that [`Core::pop`] handed out.
    ///
    /// If the key was woken during the run, `is_own` gets the reasons and may say that none of them
    /// counts. It is called before anything changes, so that it may panic.
    pub fn done(&mut self, now: Nanos, id: u32, next: Next, is_own: impl FnOnce(&mut R) -> bool) -> R {
        let slot = &mut self.slots[id];
        let Phase::Running { taken, mut woken, gone } = slot.phase else {
            return R::default();
        };
        let mut swallowed = R::default();
        let was_woken = woken;
        if woken.is_some() && is_own(&mut slot.reasons) {
            woken = None;
            swallowed = std::mem::take(&mut slot.reasons);
        }
        self.running -= 1;
        if let Some(priority) = was_woken {
            *self.woken.of(priority) -= 1;
        }
        if let Some(timing) = &mut self.timing {
            timing.end(now, id);
        }
        slot.phase = Phase::Idle;
        match if gone { Next::Forget } else { next } {
            Next::Forget => slot.failures = 0,
            Next::Requeue => {
                slot.failures = 0;
                if woken.is_none() {
                    slot.since = now;
                    self.adds += 1;
                }
                woken = woken.max(Some(taken));
            }
            Next::After(delay) => {
                slot.failures = 0;
                slot.requeue_at = later(now, delay);
                self.retries += 1;
            }
            // Q6: the delay grows with the key's own failures.
            Next::Retry => {
                slot.requeue_at = later(now, self.backoff.delay(slot.failures));
                self.retries += 1;
                slot.failures = slot.failures.saturating_add(1);
            }
            Next::Hold => {}
        }
        let timer_changed = slot.requeue_at != NEVER;
        // Q3: a wake-up that came during the run is a run of its own.
        if let Some(priority) = woken {
            slot.phase = Phase::Queued(priority);
            self.lanes.push(id, priority);
        }
        if timer_changed {
            self.arm(id);
        }
        self.release(id);
        swallowed
    }

    /// Q8: drops everything about `key`. If it runs, only what comes from now on counts after the run.
    pub fn forget(&mut self, key: &K) -> R {
        let Some(id) = self.find(key) else {
            return R::default();
        };
        let slot = &mut self.slots[id];
        slot.failures = 0;
        slot.requeue_at = NEVER;
        slot.after_at = NEVER;
        slot.after_reasons = R::default();
        let reasons = std::mem::take(&mut slot.reasons);
        match slot.phase {
            Phase::Queued(priority) => {
                slot.phase = Phase::Idle;
                self.lanes.remove(id, priority);
            }
            Phase::Running { taken, woken, .. } => {
                if let Some(priority) = woken {
                    *self.woken.of(priority) -= 1;
                }
                slot.phase = Phase::Running { taken, woken: None, gone: true };
            }
            Phase::Idle => {}
        }
        self.arm(id);
        self.release(id);
        reasons
    }

    /// How often `key` failed since it last succeeded.
    pub fn failures(&self, key: &K) -> u32 {
        self.find(key).map_or(0, |id| self.slots[id].failures)
    }

    /// When `key` is due: since when it waits, or when its earlier timer fires.
    pub fn next_run(&self, key: &K) -> Option<Nanos> {
        let slot = &self.slots[self.find(key)?];
        match slot.phase {
            Phase::Queued(_) => Some(slot.since),
            Phase::Idle | Phase::Running { .. } => Some(slot.due()).filter(|&at| at != NEVER),
        }
    }

    /// Sets the second timer, unless it is set to an earlier time.
    fn after(&mut self, now: Nanos, id: u32, reasons: R, delay: Duration) {
        let slot = &mut self.slots[id];
        slot.after_at = slot.after_at.min(later(now, delay));
        self.retries += 1;
        slot.after_reasons.merge(reasons);
        self.arm(id);
    }

    fn find(&self, key: &K) -> Option<u32> {
        self.look_up(self.hasher.hash(key), key)
    }

    fn look_up(&self, hash: u32, key: &K) -> Option<u32> {
        let is_it = |&(other, id): &(u32, u32)| other == hash && self.slots[id].key == *key;
        self.table.find(spread(hash), is_it).map(|&(_, id)| id)
    }

    /// The slot of `key`, made if there is none.
    fn slot_of(&mut self, Hashed { key, hash }: Hashed<K>) -> u32 {
        if let Some(id) = self.look_up(hash, &key) {
            return id;
        }
        let id = self.slots.insert(Slot {
            key,
            hash,
            phase: Phase::Idle,
            leaving: false,
            failures: 0,
            since: 0,
            requeue_at: NEVER,
            after_at: NEVER,
            reasons: R::default(),
            after_reasons: R::default(),
        });
        self.table.insert_unique(spread(hash), (hash, id), |&(hash, _)| spread(hash));
        id
    }

    /// Sees to it that `id` runs, or runs once more if it is running.
    fn wake(&mut self, id: u32, priority: Priority, now: Nanos) {
        let slot = &mut self.slots[id];
        match &mut slot.phase {
            Phase::Idle => {
                slot.phase = Phase::Queued(priority);
                slot.since = now;
                self.adds += 1;
                self.lanes.push(id, priority);
            }
            // Q7: a live change takes a key out of the background.
            Phase::Queued(queued) if *queued < priority => {
                self.lanes.remove(id, *queued);
                *queued = priority;
                self.lanes.push(id, priority);
            }
            Phase::Queued(_) => {}
            Phase::Running { woken, .. } => {
                let earlier = woken.replace(woken.map_or(priority, |earlier| earlier.max(priority)));
                if let Some(earlier) = earlier {
                    *self.woken.of(earlier) -= 1;
                } else {
                    slot.since = now;
                    self.adds += 1;
                }
                *self.woken.of(earlier.map_or(priority, |earlier| earlier.max(priority))) += 1;
            }
        }
    }

    /// Wakes the keys whose timers are due, up to [`FIRED_AT_ONCE`] of them.
    fn fire(&mut self, now: Nanos) {
        for _ in 0..FIRED_AT_ONCE {
            let Some((at, id)) = self.timers.first().filter(|&(at, _)| at <= now) else {
                return;
            };
            let slot = &mut self.slots[id];
            if slot.requeue_at <= now {
                slot.requeue_at = NEVER;
            }
            if slot.after_at <= now {
                slot.after_at = NEVER;
                slot.reasons.merge(std::mem::take(&mut slot.after_reasons));
            }
            self.arm(id);
            self.wake(id, Priority::Live, at);
        }
    }

    /// Keeps the invariant of `timers` for `id`.
    fn arm(&mut self, id: u32) {
        match self.slots[id].due() {
            NEVER => {
                self.timers.remove(id);
            }
            at => self.timers.set(id, at),
        }
    }

    /// Q8: a slot that says nothing more goes with the next sweep.
    fn release(&mut self, id: u32) {
        let slot = &mut self.slots[id];
        if slot.is_idle() && !slot.leaving {
            slot.leaving = true;
            self.leaving.push(id);
        }
    }

    /// Frees the slots that say nothing more, if there are enough of them or nothing else to do. The caller drops
    /// the keys outside the lock.
    pub fn sweep(&mut self) -> Vec<K> {
        if self.leaving.len() < SWEPT_AT_ONCE && self.queued() > 0 || self.leaving.is_empty() {
            return Vec::new();
        }
        let mut keys = Vec::with_capacity(self.leaving.len());
        for id in self.leaving.drain(..) {
            let slot = &mut self.slots[id];
            slot.leaving = false;
            if slot.is_idle() {
                if let Ok(entry) = self.table.find_entry(spread(slot.hash), |&(_, other)| other == id) {
                    entry.remove();
                }
                keys.push(self.slots.remove(id).key);
            }
        }
        keys
    }
}

/// `delay` after `now`; what is further away than the clock reaches comes at its end.
fn later(now: Nanos, delay: Duration) -> Nanos {
    let delay = Nanos::try_from(delay.as_nanos()).unwrap_or(NEVER);
    now.saturating_add(delay).min(NEVER - 1)
}

/// The table takes its place from the low bits and its tag from the high ones: all must differ.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
