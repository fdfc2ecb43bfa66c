//! Failing on purpose, so that callers meet every error before their users do.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::store::feed::Feed;
use crate::store::{Entry, Guard, Key, Op, Revision, StoreError, Transaction};

/// What becomes of a transaction that was chosen to fail. Limits are still checked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is refused as if its first guard did not hold.
    Conflict,
    /// It is refused as if its first [`Guard::Created`] did not hold.
    Fenced,
    /// It runs as usual, and the caller gets [`StoreError::Unknown`] in place of the answer.
    UnknownApplied,
    /// It does not run, and the caller gets [`StoreError::Unknown`].
    UnknownNotApplied,
    /// It is refused because the store can't be reached.
    Unavailable,
    /// It is refused as if its first value were too large.
    TooLarge,
    /// It is refused as if it had too many operations.
    TooManyOps,
    /// It runs as usual, and then all open watches expire.
    ExpireWatches,
}

impl Fault {
    pub(super) fn refuse(self, txn: &Transaction, current: impl Fn(&Key) -> Option<Entry>) -> StoreError {
        let fence = txn.guards.iter().enumerate().find_map(|(index, guard)| match guard {
            Guard::Created(key, token) => Some((index, key.clone(), *token)),
            _ => None,
        });
        let guarded = txn.guards.first().map(Guard::key);
        let key = guarded.or_else(|| txn.ops.first().map(Op::key)).cloned().unwrap_or_default();
        match self {
            Self::Conflict => StoreError::Conflict { index: 0, current: current(&key) },
            Self::Fenced => {
                let (index, key, token) = fence.unwrap_or((0, key, Revision::ZERO));
                StoreError::Fenced { index, key, token }
            }
            Self::TooLarge => StoreError::TooLarge { key, bytes: 0, limit: 0 },
            Self::TooManyOps => StoreError::TooManyOps { count: txn.ops.len(), limit: 0 },
            Self::Unavailable => StoreError::Unavailable("it was told to fail".into()),
            Self::UnknownApplied | Self::UnknownNotApplied | Self::ExpireWatches => StoreError::Unknown,
        }
    }
}

type Hook = Box<dyn FnMut(&Transaction) -> Option<Fault> + Send>;

/// The switch that makes a [`MemoryStore`](super::MemoryStore) fail on purpose. Unused, it costs one load
/// of a flag for each call.
///
/// ```
/// use fabrica::store::{Fault, MemoryStore, Store, StoreError, Transaction};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = MemoryStore::new();
/// store.faults().fail_next(1, Fault::UnknownApplied);
/// let answer = store.txn(Transaction::new().put("/a", "1")).await;
/// assert_eq!(answer, Err(StoreError::Unknown));
/// assert!(store.get(&"/a".into(), None).await.unwrap().0.is_some());
/// # }
/// ```
pub struct Faults {
    armed: AtomicBool,
    plan: Mutex<Plan>,
    feed: Arc<Feed>,
}

#[derive(Default)]
struct Plan {
    txns: VecDeque<(usize, Fault)>,
    reads: VecDeque<(usize, StoreError)>,
    hook: Option<Hook>,
}

impl Faults {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        Self { armed: AtomicBool::new(false), plan: Mutex::default(), feed }
    }

    /// Makes the next `n` transactions fail so, after those of earlier calls.
    pub fn fail_next(&self, n: usize, fault: Fault) {
        self.change(|plan| plan.txns.push_back((n, fault)));
    }

    /// Makes the next `n` calls of `get`, `list`, `watch` and `revision` fail with this error, after those of
    /// earlier calls.
    pub fn fail_reads(&self, n: usize, error: StoreError) {
        self.change(|plan| plan.reads.push_back((n, error)));
    }

    /// Asks `choose` about every transaction that no [`fail_next`](Self::fail_next) applies to. It replaces
    /// the one before. `choose` must not use this switch.
    pub fn on_txn(&self, choose: impl FnMut(&Transaction) -> Option<Fault> + Send + 'static) {
        self.change(|plan| plan.hook = Some(Box::new(choose)));
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.change(|plan| *plan = Plan::default());
    }

    /// Makes all open watches expire. New ones may start wherever they could before.
    pub fn expire_watches(&self) {
        self.feed.expire_watches();
    }

    /// Forgets the history: watches, new or open, and pages that need a past revision expire.
    pub fn compact(&self) {
        self.feed.compact();
    }

    fn change(&self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.plan.lock();
        change(&mut plan);
        self.armed.store(plan.is_armed(), Ordering::Release);
    }

    pub(super) fn for_txn(&self, txn: &Transaction) -> Option<Fault> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut plan = self.plan.lock();
        let planned = next_of(&mut plan.txns);
        let fault = planned.or_else(|| plan.hook.as_mut().and_then(|choose| choose(txn)));
        self.armed.store(plan.is_armed(), Ordering::Release);
        fault
    }

    pub(super) fn for_read(&self) -> Result<(), StoreError> {
        if !self.armed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut plan = self.plan.lock();
        let planned = next_of(&mut plan.reads);
        self.armed.store(plan.is_armed(), Ordering::Release);
        planned.map_or(Ok(()), Err)
    }
}

impl Plan {
    fn is_armed(&self) -> bool {
        self.hook.is_some() || !self.txns.is_empty() || !self.reads.is_empty()
    }
}

fn next_of<T: Clone>(planned: &mut VecDeque<(usize, T)>) -> Option<T> {
    while let Some((left, item)) = planned.front_mut() {
        if *left > 0 {
            *left -= 1;
            let item = item.clone();
            if *left == 0 {
                planned.pop_front();
            }
            return Some(item);
        }
        planned.pop_front();
    }
    None
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = self.armed.load(Ordering::Acquire);
        f.debug_struct("Faults").field("armed", &armed).finish_non_exhaustive()
    }
}
