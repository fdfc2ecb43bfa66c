//! The last changes of each kind, for lists of one exact revision and for those who follow a kind.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hashbrown::HashMap;
use tokio::sync::watch;

use super::cached::CachedObject;
use super::follower::Shared;
use super::lifecycle::Client;
use crate::resource::Uid;
use crate::store::{Batch, Revision};

/// What one revision did to one object. At least one of `old` and `new` is there.
pub(crate) struct HistoryChange {
    /// Whose change it is.
    pub(crate) uid: Uid,
    /// What was; `None` if the object is new.
    pub(crate) old: Option<CachedObject>,
    /// What is; `None` if the object is gone.
    pub(crate) new: Option<CachedObject>,
    /// The revision that did it.
    pub(crate) revision: Revision,
    /// The change as it is sent, made by the first who needs it, for all.
    pub(crate) rendered: OnceLock<Bytes>,
}

impl HistoryChange {
    pub(super) fn new(uid: Uid, old: Option<CachedObject>, new: Option<CachedObject>, revision: Revision) -> Self {
        Self { uid, old, new, revision, rendered: OnceLock::new() }
    }
}

/// The last changes of one kind. Who follows holds a revision, and no queue: a reader that stands still costs nothing.
pub(super) struct History {
    /// In the order of their revisions. Of a revision that is not seen yet, some may still be missing.
    changes: VecDeque<Arc<HistoryChange>>,
    capacity: usize,
    /// Every change after this revision is in `changes`. Never greater than the revision that is seen.
    base: Revision,
    gap: Option<Gap>,
    /// Changes when there may be something to read; turns true when there will be nothing more.
    news: watch::Sender<bool>,
}

/// A relist that is going on: what it finds between two revisions is one change an object, however many there were.
#[derive(Clone, Copy)]
struct Gap {
    from: Revision,
    to: Revision,
}

impl History {
    pub(super) fn new(base: Revision, closed: bool) -> Self {
        Self { changes: VecDeque::new(), capacity: 0, base, gap: None, news: watch::Sender::new(closed) }
    }

    pub(super) fn grow(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    /// Adds a change. The oldest give way to it, whole revisions of them; what is not seen yet stays however much it is.
    pub(super) fn push(&mut self, mut change: HistoryChange) {
        if let Some(gap) = self.gap {
            change.revision = gap.to;
        }
        while self.changes.len() >= self.capacity
            && let Some(oldest) = self.changes.front().map(|oldest| oldest.revision)
            && oldest < change.revision
        {
            self.base = oldest;
            let kept = self.changes.partition_point(|other| other.revision <= oldest);
            self.changes.drain(..kept);
        }
        self.changes.push_back(Arc::new(change));
    }

    /// The changes of the first revision after a cursor that is seen; empty if there is none. `None` if they are not, or
    /// not all, in here.
    pub(super) fn after(&self, cursor: Revision, seen: Revision) -> Option<Vec<Arc<HistoryChange>>> {
        if cursor < self.base || self.gap.is_some_and(|gap| cursor < gap.to && seen >= gap.to) {
            return None;
        }
        let start = self.changes.partition_point(|change| change.revision <= cursor);
        let mut next = self.changes.range(start..).take_while(|change| change.revision <= seen).peekable();
        let Some(revision) = next.peek().map(|change| change.revision) else { return Some(Vec::new()) };
        Some(next.take_while(|change| change.revision == revision).cloned().collect())
    }

    /// What the objects that changed after a revision were at it. `None` if that can't be told.
    pub(super) fn before(&self, at: Revision) -> Option<HashMap<&Uid, Option<&CachedObject>>> {
        if at < self.base || self.gap.is_some_and(|gap| gap.from < at && at < gap.to) {
            return None;
        }
        let mut before = HashMap::new();
        let start = self.changes.partition_point(|change| change.revision <= at);
        for change in self.changes.range(start..) {
            // The first change of an object says what it was before all of them.
            before.entry(&change.uid).or_insert(change.old.as_ref());
        }
        Some(before)
    }

    pub(super) fn news(&self) -> watch::Receiver<bool> {
        self.news.subscribe()
    }

    /// Wakes those who follow.
    fn announce(&self) {
        self.news.send_modify(|_| ());
    }

    pub(super) fn close(&self) {
        self.news.send_replace(true);
    }

    fn begin_anew(&mut self, base: Revision) {
        self.changes.clear();
        self.gap = None;
        self.base = base;
        self.announce();
    }
}

impl Client {
    /// Keeps the changes from now on: of each kind the last so many, at least one. It can't be undone; the largest number
    /// counts.
    ///
    /// Each change keeps the version that it replaced in memory.
    pub(crate) fn keep_history(&self, changes_per_kind: usize) {
        self.inner.shared.keep_history(changes_per_kind.max(1));
    }
}

impl Shared {
    fn keep_history(&self, changes: usize) {
        // While this is locked no revision is half done: so everything up to what is seen is in the cache, and no more.
        let mut kept = self.history_size.lock();
        *kept = changes.max(*kept);
        for kind in self.kinds.all() {
            kind.cache.write().keep_history(*kept, self.progress.seen());
        }
    }

    /// Tells those who follow a kind that a revision with changes of it is seen.
    pub(super) fn announce(&self, batch: &Batch) {
        let mut last = None;
        for change in &*batch.changes {
            let Some((kind, _)) = self.split(&change.key) else { continue };
            if last.is_some_and(|last| Arc::ptr_eq(last, kind)) {
                continue;
            }
            last = Some(kind);
            if let Some(history) = kind.cache.read().history() {
                history.announce();
            }
        }
    }

    /// Before a relist up to a revision.
    pub(super) fn begin_gap(&self, to: Revision) {
        let gap = Gap { from: self.progress.seen(), to };
        for kind in self.kinds.all() {
            if let Some(history) = kind.cache.write().history_mut() {
                history.gap = Some(gap);
            }
        }
    }

    /// After a relist up to a revision, which is seen: how it came to be is not known.
    pub(super) fn end_gap(&self, to: Revision) {
        for kind in self.kinds.all() {
            if let Some(history) = kind.cache.write().history_mut() {
                history.begin_anew(to);
            }
        }
    }
}
