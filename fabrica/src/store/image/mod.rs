//! What a store that lives in this process serves from: its entries of now, in memory, and the history that
//! its watches and pages need.

mod judge;
mod pages;

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

#[cfg(feature = "embedded")]
use super::Batch;
use super::feed::{Feed, Woken};
use super::{Change, Entry, Key, ListPage, PackedMap, Page, Revision, StoreError, Transaction, Watch};
pub(super) use judge::judge;

/// The entries and the feed of one store. No call waits for anything but a short lock.
pub(super) struct Image {
    state: Mutex<State>,
    // Written only while `state` is locked, so that its revision never differs from the state's. Watches
    // read it without that lock.
    feed: Arc<Feed>,
}

struct State {
    entries: PackedMap<Key, Version>,
    revision: Revision,
}

/// What a key holds: an [`Entry`] without its key.
pub(super) struct Version {
    pub(super) value: Bytes,
    pub(super) created: Revision,
    pub(super) modified: Revision,
}

impl Version {
    pub(super) fn entry(&self, key: &Key) -> Entry {
        Entry { key: key.clone(), value: self.value.clone(), created: self.created, modified: self.modified }
    }
}

impl Image {
    /// One that holds these entries, of the feed's revision.
    pub(super) fn new(entries: PackedMap<Key, Version>, feed: Arc<Feed>) -> Self {
        let revision = feed.latest();
        Self { state: Mutex::new(State { entries, revision }), feed }
    }

    pub(super) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    pub(super) fn entry(&self, key: &Key) -> Option<Entry> {
        self.state.lock().entry(key)
    }

    /// The revision that last changed a key, if it has an entry.
    #[cfg(feature = "embedded")]
    pub(super) fn modified(&self, key: &Key) -> Option<Revision> {
        self.state.lock().entries.get(key).map(|version| version.modified)
    }

    pub(super) fn revision(&self) -> Revision {
        self.state.lock().revision
    }

    /// Judges a transaction and does it.
    pub(super) fn commit(&self, txn: &Transaction) -> Result<Revision, StoreError> {
        let mut state = self.state.lock();
        let revision = state.revision.next();
        let changes = judge(txn, revision, |key| state.entry(key))?;
        if changes.is_empty() {
            return Ok(state.revision);
        }
        let woken = self.apply(&mut state, revision, changes.into());
        drop(state);
        woken.wake();
        Ok(revision)
    }

    /// Shows what a batch changed. It must have been judged against this image, and the revision be the next.
    #[cfg(feature = "embedded")]
    pub(super) fn publish(&self, batch: Batch) {
        let mut state = self.state.lock();
        let woken = self.apply(&mut state, batch.revision, batch.changes);
        drop(state);
        woken.wake();
    }

    fn apply(&self, state: &mut State, revision: Revision, changes: Arc<[Change]>) -> Woken {
        for change in changes.iter() {
            state.apply(change);
        }
        state.revision = revision;
        self.feed.push(revision, changes)
    }

    pub(super) fn get(&self, key: &Key, at_least: Option<Revision>) -> Result<(Option<Entry>, Revision), StoreError> {
        let state = self.state.lock();
        if let Some(asked) = at_least
            && asked > state.revision
        {
            return Err(StoreError::FutureRevision { asked, current: state.revision });
        }
        Ok((state.entry(key), state.revision))
    }

    pub(super) fn list(&self, prefix: &Key, page: &Page) -> Result<ListPage, StoreError> {
        if page.limit == Some(0) {
            return Err(StoreError::Invalid("a page of 0 entries: ask for at least 1".into()));
        }
        let limit = page.limit.unwrap_or(usize::MAX);
        let (entries, revision, more) = match &page.token {
            None => {
                let state = self.state.lock();
                let (entries, more) = pages::cut(state.under(prefix, Bound::Included(prefix)), limit);
                (entries, state.revision, more)
            }
            Some(token) => self.list_past(prefix, token, limit)?,
        };
        let next = entries.last().filter(|_| more).map(|last| pages::token(revision, last));
        Ok(ListPage { entries, revision, next })
    }

    pub(super) fn watch(&self, prefix: &Key, after: Revision) -> Result<Watch, StoreError> {
        self.feed.watch(prefix, after)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl State {
    fn entry(&self, key: &Key) -> Option<Entry> {
        self.entries.get_key_value(key).map(|(key, version)| version.entry(key))
    }

    fn apply(&mut self, change: &Change) {
        match &change.entry {
            Some(entry) => {
                let version = Version { value: entry.value.clone(), created: entry.created, modified: entry.modified };
                self.entries.insert(entry.key.clone(), version);
            }
            None => {
                self.entries.remove(&change.key);
            }
        }
    }

    /// The entries with a prefix, in order, from a key on.
    fn under<'a>(&'a self, prefix: &'a Key, from: Bound<&'a Key>) -> impl Iterator<Item = Entry> {
        let entries = self.entries.from(from);
        entries.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, version)| version.entry(key))
    }
}
