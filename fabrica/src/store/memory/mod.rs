//! The store that keeps everything in memory.

mod faults;

use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::feed::{DEFAULT_WINDOW, Feed};
use super::image::Image;
use super::{Entry, Key, Limits, ListPage, PackedMap, Page, Revision, Store, StoreError, Transaction, Watch};
pub use faults::{Fault, Faults};

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
    image: Image,
    limits: Limits,
    faults: Faults,
}

impl MemoryStore {
    /// An empty store that keeps its last 10,000 revisions for watches and pages.
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
                faults: Faults::new(feed.clone()),
                image: Image::new(PackedMap::new(), feed),
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
        f.debug_struct("MemoryStore")
            .field("entries", &self.inner.image.len())
            .field("revision", &self.inner.image.revision())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn txn(&self, txn: &Transaction) -> Result<Revision, StoreError> {
        self.limits.check(txn)?;
        let Some(fault) = self.faults.for_txn(txn) else {
            return self.image.commit(txn);
        };
        match fault {
            Fault::UnknownApplied => {
                // The answer is what gets lost.
                let _ = self.image.commit(txn);
                Err(StoreError::Unknown)
            }
            Fault::ExpireWatches => {
                let answer = self.image.commit(txn);
                self.image.feed().expire_watches();
                answer
            }
            refusal => Err(refusal.refuse(txn, |key| self.image.entry(key))),
        }
    }
}

impl Store for MemoryStore {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        // Nothing happens before the future is polled.
        async move { self.inner.txn(&txn) }.boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            self.inner.image.get(key, at_least)
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            self.inner.image.list(prefix, &page)
        }
        .boxed()
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            self.inner.image.watch(prefix, after)
        }
        .boxed()
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.inner.faults.for_read()?;
            Ok(self.inner.image.revision())
        }
        .boxed()
    }

    fn limits(&self) -> Limits {
        self.inner.limits
    }
}

#[cfg(test)]
mod tests;
