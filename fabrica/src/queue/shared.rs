//! What the handles of a queue share, and the one way to change it.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use super::backoff::Backoff;
use super::core::{Core, Nanos, Next, Reasons};
use super::intake::{Intake, Wake};
use super::item::Item;
use super::key::{Hasher, Key};
use super::sync::{Instant, Mutex, MutexGuard};
use super::timing::Timing;
use super::waiting::{Parked, Waiting};

/// The furthest an [`Instant`] is sure to reach: about 30 years.
const FAR: Duration = Duration::from_hours(30 * 365 * 24);

/// The core behind its lock, with those who wait for it.
pub struct Shared<K, R> {
    state: Mutex<State<K, R>>,
    pub intake: Intake<K, R>,
    pub hasher: Hasher,
    pub start: Instant,
    /// Does every run ask what time it is?
    timed: bool,
}

/// What the lock guards.
pub struct State<K, R> {
    pub core: Core<K, R>,
    /// On the way from the intake to the core; empty, unless an `Eq` or a `merge` panicked on that way.
    arriving: VecDeque<Wake<K, R>>,
    /// What the intake was told: does someone wait who isn't woken?
    awaited: bool,
    pub waiting: Waiting,
    /// Those who wait for the last run to end.
    pub draining: Parked,
    pub shut_down: bool,
}

impl<K: Key, R: Reasons> Shared<K, R> {
    pub fn new(backoff: Backoff, timing: Option<Timing>) -> Self {
        let (hasher, timed) = (Hasher::default(), timing.is_some());
        let state = State {
            core: Core::new(backoff, hasher.clone(), timing),
            arriving: VecDeque::new(),
            awaited: false,
            waiting: Waiting::default(),
            draining: Parked::default(),
            shut_down: false,
        };
        Self { state: Mutex::new(state), intake: Intake::default(), hasher, start: Instant::now(), timed }
    }

    pub fn now(&self) -> Nanos {
        let elapsed = Instant::now().saturating_duration_since(self.start);
        Nanos::try_from(elapsed.as_nanos()).unwrap_or(Nanos::MAX)
    }

    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + Duration::from_nanos(at).min(FAR)
    }

    /// Locks the core, with all in it that was added before.
    pub fn lock(&self) -> MutexGuard<'_, State<K, R>> {
        let mut state = self.state.lock();
        self.bring_in(&mut state);
        state
    }

    /// Every change goes through here, so that none forgets to wake those who wait for it. They are woken, and what
    /// is no longer needed is dropped, after the lock is released.
    pub fn change<T>(&self, change: impl FnOnce(&mut State<K, R>) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let wakers = self.settle(&mut state);
        let swept = state.core.sweep();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        drop(swept);
        result
    }

    /// Takes to the core what lies in the intake.
    fn bring_in(&self, State { core, arriving, .. }: &mut State<K, R>) {
        loop {
            while let Some(Wake { key, reasons, priority, at }) = arriving.pop_front() {
                core.add(at, key, reasons, priority);
            }
            if !self.intake.take(arriving) {
                return;
            }
        }
    }

    /// Whom to wake for what the core has now. If someone goes on waiting then, the intake is told, and had nothing
    /// more: so whoever brings something finds out that it is waited for.
    fn settle(&self, state: &mut State<K, R>) -> Vec<Waker> {
        let mut wakers = state.pass(|| self.now());
        while state.awaited == state.waiting.is_empty() {
            let awaited = !state.awaited;
            if self.intake.tell(awaited) {
                state.awaited = awaited;
            } else {
                self.bring_in(state);
                wakers.extend(state.pass(|| self.now()));
            }
        }
        wakers
    }

    /// Ends the run of an item of this queue.
    pub fn finish(&self, item: &mut Item<K, R>, next: Next, is_own: impl FnOnce(&mut R) -> bool) {
        let id = item.taken.slot;
        // An answer without a time saves asking for it.
        let now = if matches!(next, Next::Forget | Next::Hold) && !self.timed { 0 } else { self.now() };
        let (rest, drained) = self.change(|state| {
            let rest = state.core.done(now, id, next, is_own);
            // Only now: if `is_own` panics, dropping the item still ends the run. And here, not later: the
            // count of handles is beside the lock, and outside it the cores would fight for both.
            item.queue = None;
            (rest, state.drained())
        });
        drained.for_each(Waker::wake);
        drop(rest);
    }
}

impl<K: Key, R: Reasons> State<K, R> {
    fn pass(&mut self, now: impl FnOnce() -> Nanos) -> Vec<Waker> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let queued = self.core.queued();
        let Some(due) = self.core.next_timer() else {
            return self.waiting.pass(queued, None);
        };
        // Timers that are due count as one key: whoever takes it finds out how many there are.
        if due <= now() { self.waiting.pass(queued.max(1), None) } else { self.waiting.pass(queued, Some(due)) }
    }

    pub fn is_drained(&self) -> bool {
        self.shut_down && self.core.running() == 0
    }

    /// Those who waited for the last run, if it has ended.
    pub fn drained(&mut self) -> impl Iterator<Item = Waker> + use<K, R> {
        let wakers = self.is_drained().then(|| self.draining.take());
        wakers.into_iter().flat_map(BTreeMap::into_values)
    }
}
