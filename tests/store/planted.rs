//! Stores that are right but for one bug.

use std::collections::VecDeque;
use std::sync::Arc;

use fabrica::store::{
    Batch, Change, Entry, Guard, Key, Limits, ListPage, MemoryStore, Op, Page, Revision, Store, StoreError,
    Transaction, Watch, WatchItem,
};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    None,
    DropsAnEvent,
    RepeatsAnEvent,
    SplitsARevision,
    DropsAPart,
    ReordersTwo,
    ResumesTooEarly,
    ResumesTooLate,
    MarksRunAhead,
    NeverMarks,
    IgnoresThePrefix,
    ForgetsTheLastValue,
    EndsWithoutExpired,
    FallsSilent,
    SkipsWhatItLost,
    WatchesTheFuture,
    ServesAPageOfNow,
    ReportsUnknownAsFailure,
    AcceptsAStaleGuard,
    ChecksGuardsTooEarly,
    ReportsFencedAsConflict,
    GivesANoOpARevision,
    GivesEachOperationARevision,
    AppliesAPart,
    AnswersFromThePast,
    ChecksLimitsLast,
}

pub struct Planted {
    store: MemoryStore,
    bug: Bug,
    /// What the last get of any key answered.
    past: Mutex<Option<(Key, Option<Entry>, Revision)>>,
}

impl Planted {
    pub fn new(store: MemoryStore, bug: Bug) -> Self {
        Self { store, bug, past: Mutex::new(None) }
    }

    async fn buggy_txn(&self, mut txn: Transaction) -> Result<Revision, StoreError> {
        match self.bug {
            Bug::AcceptsAStaleGuard => {
                txn.guards.retain(|guard| !matches!(guard, Guard::Modified(..)));
                self.store.txn(txn).await
            }
            Bug::ChecksGuardsTooEarly => {
                self.store.txn(Transaction { guards: std::mem::take(&mut txn.guards), ops: Vec::new() }).await?;
                tokio::task::yield_now().await;
                self.store.txn(txn).await
            }
            Bug::ReportsUnknownAsFailure => self.store.txn(txn).await.map_err(|error| match error {
                StoreError::Unknown => StoreError::Unavailable("it took too long".into()),
                error => error,
            }),
            Bug::ReportsFencedAsConflict => self.store.txn(txn).await.map_err(|error| match error {
                StoreError::Fenced { index, .. } => StoreError::Conflict { index, current: None },
                error => error,
            }),
            Bug::GivesANoOpARevision => {
                let before = self.store.revision().await?;
                let revision = self.store.txn(txn).await?;
                if revision > before {
                    return Ok(revision);
                }
                self.store.txn(Transaction::new().put("~no-op", format!("{revision}"))).await
            }
            Bug::GivesEachOperationARevision => {
                let limits = self.store.limits();
                limits.check(&txn)?;
                let guards = std::mem::take(&mut txn.guards);
                let mut revision = self.store.txn(Transaction { guards, ops: Vec::new() }).await?;
                for op in txn.ops {
                    revision = self.store.txn(Transaction { guards: Vec::new(), ops: vec![op] }).await?;
                }
                Ok(revision)
            }
            Bug::AppliesAPart => {
                let part: Vec<Op> = txn.ops.iter().take(1).cloned().collect();
                let answer = self.store.txn(txn).await;
                if answer.is_err() {
                    self.store.txn(Transaction { guards: Vec::new(), ops: part }).await?;
                }
                answer
            }
            Bug::ChecksLimitsLast => {
                self.store.txn(Transaction { guards: txn.guards.clone(), ops: Vec::new() }).await?;
                self.store.txn(txn).await
            }
            _ => self.store.txn(txn).await,
        }
    }

    /// Answers every second get of a key with what the first one saw.
    async fn past_get(&self, key: &Key) -> Result<(Option<Entry>, Revision), StoreError> {
        if let Some((seen, entry, revision)) = self.past.lock().take()
            && seen == *key
        {
            return Ok((entry, Revision::new(revision.get().saturating_sub(1))));
        }
        let (entry, revision) = self.store.get(key, None).await?;
        *self.past.lock() = Some((key.clone(), entry.clone(), revision));
        Ok((entry, revision))
    }

    async fn page_of_now(&self, prefix: &Key, page: Page) -> Result<ListPage, StoreError> {
        let Some(token) = &page.token else { return self.store.list(prefix, page).await };
        let mut now = self.store.list(prefix, Page::all()).await?;
        now.entries.retain(|entry| entry.key > *token.after());
        // What a check of the token itself would find is not this bug.
        self.store.list(prefix, page.clone()).await?;
        Ok(ListPage { revision: token.revision(), next: None, ..now })
    }

    async fn buggy_watch(&self, prefix: &Key, after: Revision) -> Result<Watch, StoreError> {
        let after = match self.bug {
            Bug::ResumesTooEarly => Revision::new(after.get().saturating_sub(1)),
            Bug::ResumesTooLate if after > Revision::ZERO => after.next().min(self.store.revision().await?.max(after)),
            Bug::WatchesTheFuture => after.min(self.store.revision().await?),
            _ => after,
        };
        let prefix = if self.bug == Bug::IgnoresThePrefix { &Key::EVERYTHING } else { prefix };
        let watch = self.store.watch(prefix, after).await?;
        if self.bug == Bug::SkipsWhatItLost {
            return Ok(skipping(self.store.clone(), prefix.clone(), watch));
        }
        let mut batches = 0;
        let mut held = None;
        let bug = self.bug;
        let items = watch.flat_map(move |item| {
            let items = match item {
                WatchItem::Batch(batch) => {
                    batches += 1;
                    distort(bug, batches, batch, &mut held)
                }
                WatchItem::Progress(_) if bug == Bug::NeverMarks => VecDeque::new(),
                WatchItem::Expired { .. } if bug == Bug::EndsWithoutExpired => VecDeque::new(),
                WatchItem::Expired { .. } if bug == Bug::FallsSilent => {
                    return stream::pending().left_stream();
                }
                item => VecDeque::from([item]),
            };
            stream::iter(items).right_stream()
        });
        Ok(Watch::new(items))
    }
}

/// What a watch shows in place of its n-th batch.
fn distort(bug: Bug, n: usize, batch: Batch, held: &mut Option<Batch>) -> VecDeque<WatchItem> {
    let part = |changes: &[Change]| WatchItem::Batch(Batch { revision: batch.revision, changes: changes.into() });
    let half = batch.changes.len() / 2;
    match bug {
        Bug::DropsAnEvent if n == 3 => [].into(),
        Bug::RepeatsAnEvent if n == 3 => [part(&batch.changes), part(&batch.changes)].into(),
        Bug::SplitsARevision if half > 0 => [part(&batch.changes[..half]), part(&batch.changes[half..])].into(),
        Bug::DropsAPart if half > 0 => [part(&batch.changes[half..])].into(),
        Bug::ReordersTwo if n == 3 => {
            *held = Some(batch);
            [].into()
        }
        Bug::ReordersTwo if n == 4 => {
            [WatchItem::Batch(batch)].into_iter().chain(held.take().map(WatchItem::Batch)).collect()
        }
        Bug::MarksRunAhead if n == 3 => [WatchItem::Progress(batch.revision), part(&batch.changes)].into(),
        Bug::ForgetsTheLastValue => {
            let forget = |change: &Change| Change { previous: None, ..change.clone() };
            let changes: Arc<[Change]> = batch.changes.iter().map(forget).collect();
            [WatchItem::Batch(Batch { revision: batch.revision, changes })].into()
        }
        _ => [WatchItem::Batch(batch)].into(),
    }
}

/// Goes on after what it lost, as if nothing were missing.
fn skipping(store: MemoryStore, prefix: Key, watch: Watch) -> Watch {
    Watch::new(stream::unfold((store, prefix, watch), async |(store, prefix, mut watch)| {
        loop {
            match watch.next().await? {
                WatchItem::Expired { oldest } => watch = store.watch(&prefix, oldest).await.ok()?,
                item => return Some((item, (store, prefix, watch))),
            }
        }
    }))
}

impl Store for Planted {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.buggy_txn(txn).boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        match self.bug {
            Bug::AnswersFromThePast => self.past_get(key).boxed(),
            _ => self.store.get(key, at_least),
        }
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        match self.bug {
            Bug::ServesAPageOfNow => self.page_of_now(prefix, page).boxed(),
            _ => self.store.list(prefix, page),
        }
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.buggy_watch(prefix, after).boxed()
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.revision()
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}
