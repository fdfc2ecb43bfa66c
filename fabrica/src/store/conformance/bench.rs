//! What the checks work with.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use super::{Settings, TestStore};
use crate::store::{
    Batch, Entry, Guard, Key, ListPage, Page, Revision, Store, StoreError, Transaction, Watch, WatchItem,
};

/// What a check finds: nothing, or what is wrong.
pub(super) type Outcome = Result<(), String>;

/// Ends a check with a reason unless something holds.
macro_rules! ensure {
    ($holds:expr, $($reason:tt)+) => {
        if !$holds {
            return Err(format!($($reason)+));
        }
    };
}
pub(super) use ensure;

/// A window that no scripted check reaches the end of.
const WIDE: usize = 4096;

/// How long the suite waits for one item of a watch.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Makes fresh stores.
pub(super) struct Maker<'a> {
    make: &'a dyn Fn(Settings) -> LocalBoxFuture<'a, TestStore>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(make: &'a dyn Fn(Settings) -> LocalBoxFuture<'a, TestStore>) -> Self {
        Self { make }
    }

    pub(super) async fn bench(&self) -> Bench {
        self.bench_with_window(WIDE).await
    }

    pub(super) async fn bench_with_window(&self, watch_window: usize) -> Bench {
        let TestStore { store, inject_unknown } = (self.make)(Settings { watch_window }).await;
        Bench { store, inject_unknown }
    }
}

/// A store under test. An error from it that a check did not ask for is the check's failure.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) store: Arc<dyn Store>,
    pub(super) inject_unknown: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Bench {
    pub(super) async fn commit(&self, txn: Transaction) -> Result<Revision, String> {
        let answer = self.store.txn(txn.clone()).await;
        answer.map_err(|error| format!("a transaction with {} answered: {error}", outline(&txn)))
    }

    pub(super) async fn refusal(&self, txn: Transaction) -> Result<StoreError, String> {
        match self.store.txn(txn.clone()).await {
            Ok(revision) => Err(format!("a transaction with {} was accepted, at revision {revision}", outline(&txn))),
            Err(error) => Ok(error),
        }
    }

    pub(super) async fn put(&self, key: impl Into<Key>, value: impl Into<Bytes>) -> Result<Revision, String> {
        self.commit(Transaction::new().put(key, value)).await
    }

    pub(super) async fn delete(&self, key: impl Into<Key>) -> Result<Revision, String> {
        self.commit(Transaction::new().delete(key)).await
    }

    pub(super) async fn entry(&self, key: impl Into<Key>) -> Result<Option<Entry>, String> {
        let key = key.into();
        let answer = self.store.get(&key, None).await;
        answer.map(|(entry, _)| entry).map_err(|error| format!("get of {key} answered: {error}"))
    }

    pub(super) async fn existing(&self, key: impl Into<Key>) -> Result<Entry, String> {
        let key = key.into();
        self.entry(key.clone()).await?.ok_or_else(|| format!("{key} is absent"))
    }

    pub(super) async fn list(&self, prefix: impl Into<Key>, page: Page) -> Result<ListPage, String> {
        let prefix = prefix.into();
        let after = page.token.as_ref().map(|token| token.after().clone());
        let answer = self.store.list(&prefix, page).await;
        let page = answer.map_err(|error| format!("list of {prefix} answered: {error}"))?;
        // Else reading page after page might never end.
        if let (Some(after), Some(first)) = (after, page.entries.first()) {
            ensure!(first.key > after, "the page after {after} begins with {}", first.key);
        }
        Ok(page)
    }

    pub(super) async fn revision(&self) -> Result<Revision, String> {
        self.store.revision().await.map_err(|error| format!("revision answered: {error}"))
    }

    pub(super) async fn watch(&self, prefix: impl Into<Key>, after: Revision) -> Result<Watch, String> {
        let prefix = prefix.into();
        let answer = self.store.watch(&prefix, after).await;
        answer.map_err(|error| format!("a watch of {prefix} after {after} answered: {error}"))
    }

    /// Puts `n` different values under one key.
    pub(super) async fn churn(&self, key: &str, n: usize) -> Result<Revision, String> {
        let mut last = Revision::ZERO;
        for i in 0..n {
            last = self.put(key, format!("churn {i}")).await?;
        }
        Ok(last)
    }
}

/// The next item of a watch that must not end.
pub(super) async fn item(watch: &mut Watch) -> Result<WatchItem, String> {
    let item = timeout(PATIENCE, watch.next()).await;
    item.map_err(|_| format!("nothing came from the watch for {PATIENCE:?}"))?
        .ok_or_else(|| "the watch ended without saying that it expired".to_owned())
}

/// The next batch of a watch that must not expire.
pub(super) async fn batch(watch: &mut Watch) -> Result<Batch, String> {
    loop {
        match item(watch).await? {
            WatchItem::Batch(batch) => return Ok(batch),
            WatchItem::Progress(_) => {}
            WatchItem::Expired { oldest } => {
                return Err(format!("the watch expired (oldest: {oldest}) within the window"));
            }
        }
    }
}

pub(super) fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.key.to_string()).collect()
}

pub(super) fn outline(txn: &Transaction) -> String {
    let guards: Vec<String> = txn.guards.iter().map(outline_guard).collect();
    let ops: Vec<String> = txn.ops.iter().take(4).map(|op| op.key().to_string()).collect();
    format!("guards [{}] and {} operations on [{}]", guards.join(", "), txn.ops.len(), ops.join(", "))
}

fn outline_guard(guard: &Guard) -> String {
    match guard {
        Guard::Absent(key) => format!("{key} absent"),
        Guard::Modified(key, revision) => format!("{key} modified at {revision}"),
        Guard::Created(key, revision) => format!("{key} created at {revision}"),
    }
}
