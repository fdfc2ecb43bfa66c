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

/// The greatest size of the versions that the history of one kind holds, in bytes. Older changes are in the store.
const BYTES_MAX: usize = 32 << 20;

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

    /// About how many bytes are held for it alone: what was, and what is as it is sent.
    fn bytes(&self) -> usize {
        let size = |object: &Option<CachedObject>| object.as_ref().map_or(0, |object| object.raw.len());
        size(&self.old) + size(&self.new)
    }
}

/// The last changes of one kind. Who follows holds a revision, and no queue: a reader that stands still costs nothing.
pub(super) struct History {
    /// In the order of their revisions. Of a revision that is not seen yet, some may still be missing.
    changes: VecDeque<Arc<HistoryChange>>,
    capacity: usize,
    /// How many bytes the changes hold.
    bytes: usize,
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
        Self { changes: VecDeque::new(), capacity: 0, bytes: 0, base, gap: None, news: watch::Sender::new(closed) }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn grow(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    /// Adds a change. The oldest give way to it, whole revisions of them; what is not seen yet stays however much it is.
    pub(super) fn push(&mut self, mut change: HistoryChange) {
        if let Some(gap) = self.gap {
            change.revision = gap.to;
        }
        self.bytes += change.bytes();
        while (self.changes.len() >= self.capacity || self.bytes > BYTES_MAX)
            && let Some(oldest) = self.changes.front().map(|oldest| oldest.revision)
            && oldest < change.revision
        {
            self.base = oldest;
            let kept = self.changes.partition_point(|other| other.revision <= oldest);
            self.bytes -= self.changes.drain(..kept).map(|change| change.bytes()).sum::<usize>();
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
        self.bytes = 0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::kinds::Kinds;
    use crate::client::sample::Device;
    use crate::resource::{GroupKind, Resource as _};
    use crate::store::Entry;

    fn revision(number: u64) -> Revision {
        Revision::new(number)
    }

    fn history(capacity: usize, changes: &[(&str, u64)]) -> History {
        let mut history = History::new(revision(1), false);
        history.grow(capacity);
        for change in changes {
            push(&mut history, *change);
        }
        history
    }

    fn push(history: &mut History, (uid, number): (&str, u64)) {
        history.push(HistoryChange::new(uid.into(), None, None, revision(number)));
    }

    /// The uids of the next revision; `None` if the history doesn't have it whole.
    fn after(history: &History, cursor: u64, seen: u64) -> Option<Vec<String>> {
        let next = history.after(revision(cursor), revision(seen))?;
        Some(next.iter().map(|change| change.uid.to_string()).collect())
    }

    #[test]
    fn a_revision_comes_whole_and_not_before_it_is_seen() {
        let history = history(9, &[("a", 3), ("b", 3), ("a", 5)]);
        assert_eq!(after(&history, 1, 2).unwrap(), [""; 0]);
        assert_eq!(after(&history, 1, 4).unwrap(), ["a", "b"]);
        assert_eq!(after(&history, 3, 5).unwrap(), ["a"]);
        assert!(after(&history, 5, 9).unwrap().is_empty());
    }

    #[test]
    fn old_revisions_give_way_whole_and_who_needs_them_is_told() {
        let history = history(2, &[("a", 3), ("b", 3), ("a", 5)]);
        assert_eq!(history.len(), 1);
        assert!(after(&history, 2, 5).is_none());
        assert!(history.before(revision(2)).is_none());
        assert_eq!(after(&history, 3, 5).unwrap(), ["a"]);
    }

    #[test]
    fn a_revision_that_is_larger_than_the_history_is_held_until_the_next() {
        let mut history = history(1, &[("a", 3), ("b", 3), ("c", 3)]);
        assert_eq!(after(&history, 1, 3).unwrap().len(), 3);
        assert_eq!(history.before(revision(2)).unwrap().len(), 3);
        push(&mut history, ("a", 4));
        assert_eq!(history.len(), 1);
    }

    #[test]
    fn large_changes_give_way_before_there_are_many_of_them() {
        let kinds = Kinds::new(&[Device::TYPE], "x").unwrap();
        let kind = kinds.get(GroupKind::of::<Device>()).unwrap();
        let mut history = history(1000, &[]);
        for number in 2..102 {
            let (created, modified) = (revision(2), revision(number));
            let entry = Entry { key: "o".into(), value: vec![b' '; 1 << 20].into(), created, modified };
            let new = CachedObject::read(kind, &"a".into(), &entry);
            history.push(HistoryChange::new("a".into(), None, Some(new), modified));
        }
        assert_eq!(history.len(), 32);
        assert!(after(&history, 68, 101).is_none());
        assert_eq!(after(&history, 69, 101).unwrap(), ["a"]);
        history.begin_anew(revision(101));
        assert_eq!(history.bytes, 0);
    }

    #[test]
    fn what_a_relist_finds_is_taken_back_by_lists_and_shown_to_no_follower() {
        let mut history = history(9, &[("a", 3)]);
        history.gap = Some(Gap { from: revision(4), to: revision(8) });
        push(&mut history, ("b", 6));
        assert_eq!(history.before(revision(4)).unwrap().len(), 1, "as long as the relist is not done");
        assert!(history.before(revision(6)).is_none(), "nobody knows what was between");
        assert!(history.before(revision(8)).unwrap().is_empty());
        assert_eq!(after(&history, 1, 4).unwrap(), ["a"]);
        assert!(after(&history, 4, 4).unwrap().is_empty());
        assert!(after(&history, 4, 8).is_none());
        assert!(after(&history, 1, 8).is_none());
        assert!(after(&history, 8, 8).unwrap().is_empty());
        history.begin_anew(revision(8));
        assert!(after(&history, 4, 8).is_none());
        assert!(after(&history, 8, 9).unwrap().is_empty());
    }
}
