//! Following the changes of a kind, revision by revision.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::cached::CachedObject;
use super::follower::Shared;
use super::history::{History, HistoryChange};
use super::keys;
use super::kinds::Kind;
use super::lifecycle::{Client, Inner};
use super::snapshot::not_reached;
use crate::resource::{ResourceType, Uid};
use crate::store::{Batch, Change, Entry, Revision, StoreError, Watch, WatchItem};
use crate::{Error, ErrorKind, Result};

/// The pause before a store that failed is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What happened to a kind.
pub(crate) enum Followed {
    /// All that one revision did to objects of the kind; never empty.
    Changes(Vec<Arc<HistoryChange>>),
    /// Changes are missing: neither the history nor the store has them any more. It is the last item.
    Expired,
}

/// The changes of a kind after a revision, from [`Client::follow`]: each revision whole, in order, exactly once.
///
/// It holds a cursor and no queue. It reads from the history; if it is behind that, it goes through the store's until it
/// has caught up.
pub(crate) struct Follow {
    kind: Arc<Kind>,
    shared: Arc<Shared>,
    client: Weak<Inner>,
    news: watch::Receiver<bool>,
    /// Every change up to here was delivered.
    cursor: Revision,
    /// The store's watch, while the history begins only after the cursor.
    behind: Option<Watch>,
    ended: bool,
}

/// What the history has for a follower.
enum Pulled {
    Changes(Vec<Arc<HistoryChange>>),
    CaughtUp,
    Behind,
}

impl Client {
    /// Follows a kind after a revision. [`Client::keep_history`] must have been called.
    ///
    /// # Errors
    /// `Unavailable` if the revision is not seen yet (see [`Client::wait_seen`]), or if no history is kept; `NotFound` if
    /// the program doesn't know the kind.
    pub(crate) fn follow(&self, type_: &ResourceType, after: Revision) -> Result<Follow> {
        let kind = self.inner.shared.kinds.of_type(type_)?.clone();
        let seen = self.seen();
        if after > seen {
            return Err(not_reached(after, seen));
        }
        let news = kind.cache.read().history().map(History::news);
        let news = news.ok_or_else(|| {
            let message = format!("{} can't be followed: this client keeps no history", kind.type_.plural);
            Error::new(ErrorKind::Unavailable, message)
        })?;
        let (shared, client) = (self.inner.shared.clone(), Arc::downgrade(&self.inner));
        Ok(Follow { kind, shared, client, news, cursor: after, behind: None, ended: false })
    }
}

impl Follow {
    /// Waits for the next revision that changed the kind; `None` when the client is closed, or after `Expired`. Dropping
    /// the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Followed> {
        if self.ended {
            return None;
        }
        let next = self.step().await;
        self.ended = !matches!(next, Some(Followed::Changes(_)));
        next
    }

    /// Every change of the kind up to here was delivered. While nothing is pending it moves on with the whole store.
    pub(crate) fn position(&self) -> Revision {
        let seen = self.shared.progress.seen();
        let cache = self.kind.cache.read();
        let pending = cache.history().and_then(|history| history.after(self.cursor, seen));
        if pending.is_some_and(|pending| pending.is_empty()) { self.cursor.max(seen) } else { self.cursor }
    }

    async fn step(&mut self) -> Option<Followed> {
        loop {
            // A reader that never has to wait still lets other tasks run.
            tokio::task::coop::consume_budget().await;
            // Before the history is read: what comes after that is news.
            let closed = *self.news.borrow_and_update();
            match self.pull() {
                Pulled::Changes(changes) => return Some(Followed::Changes(changes)),
                _ if closed => return None,
                Pulled::CaughtUp => self.news.changed().await.ok()?,
                Pulled::Behind => {
                    if let Some(followed) = self.catch_up().await {
                        return Some(followed);
                    }
                }
            }
        }
    }

    /// Takes the next revision from the history.
    fn pull(&mut self) -> Pulled {
        let seen = self.shared.progress.seen();
        let next = self.kind.cache.read().history().and_then(|history| history.after(self.cursor, seen));
        let Some(changes) = next else { return Pulled::Behind };
        self.behind = None;
        let Some(revision) = changes.first().map(|change| change.revision) else {
            self.cursor = self.cursor.max(seen);
            return Pulled::CaughtUp;
        };
        self.cursor = revision;
        Pulled::Changes(changes)
    }

    /// Takes the next revision from the store. `None` if the history is to be looked at again.
    async fn catch_up(&mut self) -> Option<Followed> {
        let mut closed = self.news.clone();
        let item = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => return None,
            item = self.next_of_store() => item?,
        };
        let seen = self.shared.progress.seen();
        match item {
            WatchItem::Batch(batch) if batch.revision <= seen => {
                self.cursor = batch.revision;
                let changes: Vec<_> = batch.changes.iter().filter_map(|change| self.read(change, &batch)).collect();
                (!changes.is_empty()).then_some(Followed::Changes(changes))
            }
            WatchItem::Progress(revision) if revision <= seen => {
                self.cursor = self.cursor.max(revision);
                None
            }
            // Not before the cache shows it: by then the history has it.
            WatchItem::Batch(_) | WatchItem::Progress(_) => {
                self.cursor = self.cursor.max(seen);
                self.behind = None;
                None
            }
            // The store ended its watches, and keeps what a new one needs.
            WatchItem::Expired { oldest } if oldest <= self.cursor => {
                self.behind = None;
                tokio::time::sleep(PAUSE).await;
                None
            }
            WatchItem::Expired { .. } => Some(Followed::Expired),
        }
    }

    async fn next_of_store(&mut self) -> Option<WatchItem> {
        if let Some(watch) = &mut self.behind {
            let item = watch.next().await;
            if item.is_none() {
                self.behind = None;
            }
            return item;
        }
        let client = self.client.upgrade()?;
        match client.store.watch(&keys::objects_of(self.kind.group_kind()), self.cursor).await {
            Ok(watch) => self.behind = Some(watch),
            // Another history: that of before is gone.
            Err(StoreError::FutureRevision { .. }) => return Some(WatchItem::Expired { oldest: self.cursor.next() }),
            Err(error) => {
                tracing::debug!(%error, kind = self.kind.type_.kind, "a watch that is behind can't be served yet");
                drop(client);
                tokio::time::sleep(PAUSE).await;
            }
        }
        None
    }

    fn read(&self, change: &Change, batch: &Batch) -> Option<Arc<HistoryChange>> {
        let uid: Uid = self.kind.cache.read().intern(keys::uid_of(self.kind.type_, &change.key)?);
        let read = |entry: &Entry| CachedObject::read(&self.kind, &uid, entry);
        let (old, new) = (change.previous.as_ref().map(read), change.entry.as_ref().map(read));
        Some(Arc::new(HistoryChange::new(uid, old, new, batch.revision)))
    }
}
