//! One process' way to the store: where its writes are counted and fail, and where it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, FutureExt as _, pending};
use parking_lot::Mutex;

use super::delivery::Delivery;
use super::world::{Verdict, World};
use super::write::{Written, effect_of};
use crate::store::{
    Entry, Key, Limits, ListPage, MemoryStore, Page, PageToken, Revision, Store, StoreError, Transaction, Watch,
};

/// A store as one process sees it. Once the process has ended, no call returns.
pub(super) struct Gate {
    store: MemoryStore,
    world: Arc<World>,
    /// What is beside the process, and never fails: whoever plays the user.
    is_user: bool,
    ended: AtomicBool,
    /// Lists show the store as it was then, until the first of them was watched from.
    past: Mutex<Option<Revision>>,
}

impl Gate {
    pub(super) fn of_user(store: MemoryStore, world: Arc<World>) -> Self {
        Self { store, world, is_user: true, ended: AtomicBool::new(false), past: Mutex::new(None) }
    }

    pub(super) fn of_process(store: MemoryStore, world: Arc<World>, past: Option<Revision>) -> Self {
        Self { store, world, is_user: false, ended: AtomicBool::new(false), past: Mutex::new(past) }
    }

    /// Has the process ended?
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends the process.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Ends the process where it stands: the call never returns.
    pub(super) async fn crash<T>(&self) -> T {
        self.end();
        self.world.crash();
        pending().await
    }

    async fn alive(&self) {
        if self.has_ended() {
            pending::<()>().await;
        }
    }

    async fn make(&self, txn: Transaction, written: Written) -> Result<Revision, StoreError> {
        let answer = self.store.txn(txn).await;
        if let Ok(revision) = answer {
            self.world.wrote(revision, written, self.is_user);
        }
        answer
    }
}

impl Store for Gate {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.alive().await;
            if !self.is_user && self.world.is_unknown(&txn) {
                return Err(StoreError::Unknown);
            }
            // What is refused or changes nothing is no place for a fault: nobody could tell that it happened.
            let Some(written) = effect_of(&self.store, &txn) else { return self.store.txn(txn).await };
            if self.is_user {
                return self.make(txn, written).await;
            }
            match self.world.judge(&txn) {
                Verdict::Go => self.make(txn, written).await,
                Verdict::Refuse(StoreError::Conflict { index, .. }) => {
                    let current = match txn.guards.first() {
                        Some(guard) => self.store.get(guard.key(), None).await?.0,
                        None => None,
                    };
                    Err(StoreError::Conflict { index, current })
                }
                Verdict::Refuse(error) => Err(error),
                Verdict::CrashBefore => self.crash().await,
                Verdict::CrashAfter => {
                    self.make(txn, written).await?;
                    self.crash().await
                }
                Verdict::Unknown => {
                    self.make(txn, written).await?;
                    Err(StoreError::Unknown)
                }
            }
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        async move {
            self.alive().await;
            self.store.get(key, at_least).await
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        async move {
            self.alive().await;
            let past = *self.past.lock();
            let page = match (past, &page.token) {
                (Some(past), None) => page.after(PageToken::new(past, prefix.clone())),
                _ => page,
            };
            self.store.list(prefix, page).await
        }
        .boxed()
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        async move {
            self.alive().await;
            let watch = self.store.watch(prefix, after).await?;
            if self.is_user {
                return Ok(watch);
            }
            let past = self.past.lock().take();
            Ok(Watch::new(Delivery::new(watch, Arc::clone(&self.world), past.is_some()).into_stream()))
        }
        .boxed()
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.alive().await;
            self.store.revision().await
        }
        .boxed()
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}
