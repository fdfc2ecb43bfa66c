//! A store that ends the process right after a given write.

use std::sync::atomic::{AtomicU64, Ordering};

use fabrica::store::{Entry, Key, Limits, ListPage, Page, Revision, Store, StoreError, Transaction, Watch};
use futures_util::future::BoxFuture;
use rustix::process::{Signal, getpid, kill_process};

/// Another store, until the last write is done.
pub struct Mortal<S> {
    store: S,
    /// How many writes are done.
    done: AtomicU64,
    /// The last; none if it is to live on.
    last: Option<u64>,
}

impl<S> Mortal<S> {
    pub fn new(store: S, last: Option<u64>) -> Self {
        Self { store, done: AtomicU64::new(0), last }
    }
}

impl<S: Store> Store for Mortal<S> {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        Box::pin(async move {
            let answer = self.store.txn(txn).await;
            // The write is done, and nobody has heard of it.
            if answer.is_ok() && Some(self.done.fetch_add(1, Ordering::SeqCst) + 1) == self.last {
                kill_process(getpid(), Signal::KILL).map_err(|error| StoreError::Unavailable(error.to_string()))?;
            }
            answer
        })
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        self.store.get(key, at_least)
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        self.store.list(prefix, page)
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.store.watch(prefix, after)
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.revision()
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}
