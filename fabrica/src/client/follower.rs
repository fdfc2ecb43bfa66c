//! The one task that keeps the cache: list everything once, then follow the store's watch.
//!
//! It is the only writer of the cache, and does for each revision, in the order of the store's history: put the change
//! into the cache and its indexes, tell the observers, publish the events, and only then let those go on who wait for
//! the revision. So whoever returns from a write sees it, and everybody else was told of it.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::cached::CachedObject;
use super::derived;
use super::keys;
use super::kinds::{Kind, Kinds};
use super::observer::{ObjectChange, Observer};
use super::progress::Progress;
use crate::event::EventBus;
use crate::resource::{ObjectKey, Uid};
use crate::store::{Batch, Entry, Key, Page, Revision, Store, StoreError, Watch, WatchItem};

/// How many entries are asked for at once when everything is listed.
const PAGE: usize = 1000;
/// The first and the longest pause before the store is asked again after it failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// What the follower writes and everybody reads.
pub(super) struct Shared {
    pub(super) kinds: Kinds,
    pub(super) progress: Progress,
    pub(super) bus: EventBus,
    observers: Mutex<Arc<[Arc<dyn Observer>]>>,
    /// How many changes of each kind are kept. Locked while a revision is done, so that keeping them begins between two.
    #[cfg(feature = "api")]
    pub(super) history_size: Mutex<usize>,
}

impl Shared {
    pub(super) fn new(kinds: Kinds, bus: EventBus) -> Self {
        Self {
            kinds,
            progress: Progress::new(),
            bus,
            observers: Mutex::new(Arc::new([])),
            #[cfg(feature = "api")]
            history_size: Mutex::new(0),
        }
    }

    pub(super) fn observe(&self, observer: Arc<dyn Observer>) {
        let mut observers = self.observers.lock();
        *observers = observers.iter().cloned().chain([observer]).collect();
    }

    /// Ends all waiting: the cache stands still from here on.
    pub(super) fn close(&self) {
        self.progress.close();
        // An observer may hold the client: neither would ever be dropped.
        *self.observers.lock() = Arc::new([]);
        for kind in self.kinds.all() {
            kind.cache.write().close();
        }
    }

    /// Does one revision.
    fn batch(&self, batch: &Batch) {
        #[cfg(feature = "api")]
        let history_size = self.history_size.lock();
        for change in &*batch.changes {
            match self.split(&change.key) {
                Some((kind, uid)) => self.change(kind, uid, change.entry.as_ref(), batch.revision, false),
                None if change.entry.is_none() => self.stranger_gone(&change.key),
                None => {}
            }
        }
        self.progress.advance(batch.revision);
        #[cfg(feature = "api")]
        if *history_size > 0 {
            self.announce(batch);
        }
    }

    /// The kind and uid of an object's key. Whatever else stands in the store, and kinds that this program doesn't know,
    /// are left alone.
    pub(super) fn split<'k>(&self, key: &'k Key) -> Option<(&Arc<Kind>, &'k str)> {
        let (kind, uid) = keys::split_object(key)?;
        Some((self.kinds.by_key(kind)?, uid))
    }

    fn change(&self, kind: &Kind, uid: &str, entry: Option<&Entry>, revision: Revision, relisted: bool) {
        let uid = kind.cache.read().intern(uid);
        // Decoding is user code: it runs outside the lock.
        let new = entry.map(|entry| CachedObject::read(kind, &uid, entry));
        let mut cache = kind.cache.write();
        let old = cache.apply(&uid, new.as_ref());
        #[cfg(feature = "api")]
        cache.keep_change(&uid, old.as_ref(), new.as_ref(), revision);
        drop(cache);
        if old.is_none() && new.is_none() {
            return;
        }
        let key = ObjectKey { kind: kind.group_kind(), uid };
        let change = ObjectChange { key, old, new, revision, relisted };
        // Only now: an observer that is not among these is registered after the cache shows the change, and so finds it
        // there.
        let observers = self.observers.lock().clone();
        for observer in &*observers {
            observer.changed(&change);
        }
        derived::publish(&self.bus, kind, &change);
    }

    fn stranger_gone(&self, key: &Key) {
        let Some((of, uid)) = keys::split_object(key) else { return };
        let Some((group, kind)) = of.split_once('/') else { return };
        let observers = self.observers.lock().clone();
        observers.iter().for_each(|observer| observer.stranger_gone(group, kind, &uid.into()));
    }

    /// Makes the cache equal to a list, telling of what is different.
    fn relist(&self, list: &Relist) {
        #[cfg(feature = "api")]
        let _whole = self.history_size.lock();
        #[cfg(feature = "api")]
        self.begin_gap(list.revision);
        // Deletions first: they may free a name that another object has taken.
        for kind in self.kinds.all() {
            let mut gone: Vec<Uid> = {
                let cache = kind.cache.read();
                let present = |uid: &&Uid| list.present.contains(&keys::object(kind.group_kind(), uid));
                cache.uids().filter(|uid| !present(uid)).cloned().collect()
            };
            gone.sort_unstable();
            for uid in gone {
                self.change(kind, &uid, None, list.revision, true);
            }
        }
        for entry in &list.changed {
            let Some((kind, uid)) = self.split(&entry.key) else { continue };
            // Deleted and created again meanwhile: that is another object, whatever its uid says.
            if kind.cache.read().get(uid).is_some_and(|old| old.created != entry.created) {
                self.change(kind, uid, None, list.revision, true);
            }
            self.change(kind, uid, Some(entry), entry.modified, true);
        }
        let observers = self.observers.lock().clone();
        observers.iter().for_each(|observer| observer.gap_closed());
        self.progress.advance(list.revision);
        #[cfg(feature = "api")]
        self.end_gap(list.revision);
    }

    /// Is this what the cache holds already?
    fn is_known(&self, entry: &Entry) -> bool {
        let Some((kind, uid)) = self.split(&entry.key) else { return true };
        let cache = kind.cache.read();
        cache.get(uid).is_some_and(|cached| cached.modified() == entry.modified && cached.created == entry.created)
    }
}

/// A list of everything at one revision, next to what the cache holds.
struct Relist {
    revision: Revision,
    present: HashSet<Key>,
    /// What the cache doesn't hold, or holds in another version; in the order in which it was written.
    changed: Vec<Entry>,
}

/// Follows a store for a client.
pub(super) struct Follower {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    prefix: Key,
    /// Ends, or turns true, when the client is closed.
    closed: watch::Receiver<bool>,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, store: Arc<dyn Store>, closed: watch::Receiver<bool>) -> Self {
        Self { shared, store, prefix: keys::objects(), closed }
    }

    /// The first fill; the watch that goes on from there.
    ///
    /// Nobody observes yet and nobody has subscribed: what exists already is no news.
    pub(super) async fn fill(&self) -> Result<Watch, StoreError> {
        let list = self.list().await?;
        self.shared.relist(&list);
        self.store.watch(&self.prefix, list.revision).await
    }

    /// Follows until the client is closed.
    pub(super) async fn run(mut self, watch: Watch) {
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => {}
            () = self.follow(watch) => {}
        }
        self.shared.close();
    }

    async fn follow(&mut self, mut watch: Watch) {
        loop {
            let why = self.drain(&mut watch).await;
            watch = self.recover(why).await;
        }
    }

    /// Does what a watch delivers, until it ends; says why.
    async fn drain(&self, watch: &mut Watch) -> String {
        while let Some(item) = watch.next().await {
            match item {
                WatchItem::Batch(batch) => self.shared.batch(&batch),
                WatchItem::Progress(revision) => self.shared.progress.advance(revision),
                WatchItem::Expired { oldest } => return format!("the watch fell behind revision {oldest}"),
            }
        }
        "the watch ended".to_owned()
    }

    /// The one recovery: list again, tell of the difference, watch from there. Says so once, however long it takes.
    async fn recover(&self, why: String) -> Watch {
        tracing::warn!(why, seen = %self.shared.progress.seen(), "the cache has a gap: listing everything again");
        let mut pause = PAUSE.0;
        loop {
            match self.relist().await {
                Ok(watch) => {
                    tracing::info!(seen = %self.shared.progress.seen(), "the cache is up to date again");
                    return watch;
                }
                Err(error) => tracing::debug!(%error, ?pause, "listing again failed"),
            }
            tokio::time::sleep(pause).await;
            pause = PAUSE.1.min(pause * 2);
        }
    }

    async fn relist(&self) -> Result<Watch, StoreError> {
        let list = self.list().await?;
        let seen = self.shared.progress.seen();
        // A list from the past would undo what everybody was told.
        if list.revision < seen {
            return Err(StoreError::FutureRevision { asked: seen, current: list.revision });
        }
        self.shared.relist(&list);
        self.store.watch(&self.prefix, list.revision).await
    }

    async fn list(&self) -> Result<Relist, StoreError> {
        let mut list = Relist { revision: Revision::ZERO, present: HashSet::new(), changed: Vec::new() };
        let mut page = Page::first(PAGE);
        loop {
            let part = self.store.list(&self.prefix, page).await?;
            list.revision = part.revision;
            for entry in part.entries {
                list.present.insert(entry.key.clone());
                if !self.shared.is_known(&entry) {
                    list.changed.push(entry);
                }
            }
            let Some(next) = part.next else { break };
            page = Page::first(PAGE).after(next);
            // A store in memory never waits: let others run.
            tokio::task::yield_now().await;
        }
        list.changed.sort_by_key(|entry| entry.modified);
        Ok(list)
    }
}
