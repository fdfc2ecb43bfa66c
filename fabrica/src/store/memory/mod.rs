//! The store that keeps everything in memory.

mod faults;
mod pages;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use parking_lot::Mutex;

use super::feed::{Feed, Woken};
use super::{Change, Entry, Key, Limits, ListPage, Op, Page, Revision, Store, StoreError, Transaction, Watch};
pub use faults::{Fault, Faults};

/// How many revisions are kept for watches and pages, if nothing else is said.
const DEFAULT_WINDOW: usize = 65_536;

/// A store that keeps everything in memory, and loses it with the last clone of itself.
///
/// It keeps a bounded window of its last revisions, by count, for watches and pages that are behind. What
/// a transaction costs depends neither on how many readers lag nor on how far. No call ever waits.
///
/// [`faults`](Self::faults) makes it fail on purpose.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    // Written only while `state` is locked, so that its revision never differs from the state's. Watches
    // read it without that lock.
    feed: Arc<Feed>,
    limits: Limits,
    faults: Faults,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<Key, Entry>,
    revision: Revision,
}

impl MemoryStore {
    /// An empty store that keeps its last 65,536 revisions for watches and pages.
    #[must_use]
    pub fn new() -> Self {
        Self::with_window(DEFAULT_WINDOW)
    }

    /// An empty store that keeps this many revisions, at least one, for watches and pages. Readers that fall
    /// further behind get `Expired`. Each kept revision costs the memory of its values and of the values
    /// that it replaced.
    #[must_use]
    pub fn with_window(revisions: usize) -> Self {
        let feed = Feed::new(Revision::ZERO, revisions);
        Self {
            inner: Arc::new(Inner {
                state: Mutex::default(),
                faults: Faults::new(feed.clone()),
                feed,
                limits: Limits::default(),
            }),
        }
    }

    /// The switch that makes this store, in all its clones, fail on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state.lock();
        f.debug_struct("MemoryStore")
            .field("entries", &state.entries.len())
            .field("revision", &state.revision)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl Inner {
    fn txn(&self, txn: Transaction) -> Result<Revision, StoreError> {
        self.limits.check(&txn)?;
        let Some(fault) = self.faults.for_txn(&txn) else {
            return self.commit(txn);
        };
        match fault {
            Fault::UnknownApplied => {
                // The answer is what gets lost.
                let _ = self.commit(txn);
                Err(StoreError::Unknown)
            }
            Fault::ExpireWatches => {
                let answer = self.commit(txn);
                self.feed.expire_watches();
                answer
            }
            refusal => Err(refusal.refuse(&txn, |key| self.state.lock().entries.get(key).cloned())),
        }
    }

    fn commit(&self, txn: Transaction) -> Result<Revision, StoreError> {
        let mut state = self.state.lock();
        for (index, guard) in txn.guards.iter().enumerate() {
            let current = state.entries.get(guard.key());
            if !guard.holds(current) {
                return Err(guard.refusal(index, current.cloned()));
            }
        }
        let revision = state.revision.next();
        let changes: Vec<Change> = txn.ops.into_iter().filter_map(|op| state.apply(op, revision)).collect();
        if changes.is_empty() {
            return Ok(state.revision);
        }
        state.revision = revision;
        let woken: Woken = self.feed.push(revision, changes.into());
        drop(state);
        woken.wake();
        Ok(revision)
    }

    fn get(&self, key: &Key, at_least: Option<Revision>) -> Result<(Option<Entry>, Revision), StoreError> {
        self.faults.for_read()?;
        let state = self.state.lock();
        if let Some(asked) = at_least
            && asked > state.revision
        {
            return Err(StoreError::FutureRevision { asked, current: state.revision });
        }
        Ok((state.entries.get(key).cloned(), state.revision))
    }

    fn list(&self, prefix: &Key, page: &Page) -> Result<ListPage, StoreError> {
        self.faults.for_read()?;
        if page.limit == Some(0) {
            return Err(StoreError::Invalid("a page of 0 entries: ask for at least 1".into()));
        }
        let limit = page.limit.unwrap_or(usize::MAX);
        let (entries, revision, more) = match &page.token {
            None => {
                let state = self.state.lock();
                let (entries, more) = pages::cut(state.under(prefix, Bound::Included(prefix)).cloned(), limit);
                (entries, state.revision, more)
            }
            Some(token) => self.list_past(prefix, token, limit)?,
        };
        let next = entries.last().filter(|_| more).map(|last| pages::token(revision, last));
        Ok(ListPage { entries, revision, next })
    }
}

impl State {
    fn apply(&mut self, op: Op, revision: Revision) -> Option<Change> {
        match op {
            Op::Delete(key) => {
                let previous = self.entries.remove(&key)?;
                Some(Change { key, entry: None, previous: Some(previous) })
            }
            Op::Put(key, value) => match self.entries.entry(key) {
                Slot::Occupied(slot) if slot.get().value == value => None,
                Slot::Occupied(mut slot) => {
                    let old = slot.get();
                    let (key, created) = (old.key.clone(), old.created);
                    let entry = Entry { key: key.clone(), value, created, modified: revision };
                    let previous = slot.insert(entry.clone());
                    Some(Change { key, entry: Some(entry), previous: Some(previous) })
                }
                Slot::Vacant(slot) => {
                    let key = slot.key().clone();
                    let entry = Entry { key: key.clone(), value, created: revision, modified: revision };
                    slot.insert(entry.clone());
                    Some(Change { key, entry: Some(entry), previous: None })
                }
            },
        }
    }

    /// The entries with a prefix, in order, from a key on.
    fn under<'a>(&'a self, prefix: &'a Key, from: Bound<&'a Key>) -> impl Iterator<Item = &'a Entry> {
        let range = self.entries.range::<Key, _>((from, Bound::Unbounded));
        range.take_while(|(key, _)| key.starts_with(prefix)).map(|(_, entry)| entry)
    }
}

impl Store for MemoryStore {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        // Nothing happens before the future is polled.
        async move { self.inner.txn(txn) }.boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        async move { self.inner.get(key, at_least) }.boxed()
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        async move { self.inner.list(prefix, &page) }.boxed()
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            self.inner.feed.watch(prefix, after)
        }
        .boxed()
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            Ok(self.inner.state.lock().revision)
        }
        .boxed()
    }

    fn limits(&self) -> Limits {
        self.inner.limits
    }
}

#[cfg(test)]
mod tests;
