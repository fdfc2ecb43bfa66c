//! What all writes have in common: the transaction, its outcome, and the wait for the cache.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::cached::CachedObject;
use super::keys;
use super::kinds::Kind;
use super::lifecycle::Client;
use super::trouble;
use crate::Result;
use crate::resource::{ObjectKey, Uid};
use crate::store::{Entry, Guard, Key, Revision, StoreError, Transaction};

/// How often a write that may be repeated is, before its conflict is reported. Each time somebody else was faster.
pub(super) const ATTEMPTS: usize = 100;
/// How often a transaction of unknown outcome is repeated.
const UNKNOWN_ATTEMPTS: u32 = 5;
/// The first pause between these; it doubles.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(10);

/// An object about to be written: its kind, its uid, and its newest version.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) kind: Arc<Kind>,
    pub(super) uid: Uid,
    pub(super) newest: CachedObject,
    /// What must hold besides for any write.
    pub(super) guards: Vec<Guard>,
}

impl Target {
    /// What it is called in messages.
    pub(super) fn title(&self) -> String {
        super::lifecycle::title(self.kind.type_, &self.newest.metadata(&self.uid))
    }

    /// What became of the newest version with the write that removed it.
    fn as_last(&self, value: Bytes) -> CachedObject {
        let key = keys::object(self.kind.group_kind(), &self.uid);
        let (created, modified) = (self.newest.created, self.newest.modified());
        CachedObject::read(&self.kind, &self.uid, &Entry { key, value, created, modified })
    }
}

/// What to do with the newest version of an object.
pub(super) enum Step {
    /// It is as it should be.
    Keep,
    /// Put this in its place.
    Put(Bytes),
    /// Remove it and its name.
    Delete,
    /// Remove it and its name, as what it becomes by the write that removes it.
    DeleteAs(Bytes),
}

/// What became of an object.
pub(super) enum Done {
    /// Nothing had to be done.
    Kept(CachedObject),
    /// It was written, on top of the version that `previous` made.
    Put { previous: Revision, object: CachedObject },
    /// It was removed; this was its last version.
    Deleted(CachedObject),
    /// It is gone; or another one of its uid is in its place.
    Gone,
}

/// What to do about the newest version of an object; asked again for each newer one.
pub(super) type Plan<'a> = dyn FnMut(&Target) -> Result<Step> + Send + 'a;

impl Client {
    /// Does a plan to the newest version of an object. If somebody else is faster, the plan is made again for what they
    /// left, up to so many times.
    pub(super) async fn carry_out(&self, mut target: Target, attempts: usize, plan: &mut Plan<'_>) -> Result<Done> {
        let created = target.newest.created;
        let mut left = attempts;
        loop {
            let previous = target.newest.modified();
            let done = match plan(&target)? {
                Step::Keep => return Ok(Done::Kept(target.newest)),
                Step::Put(value) => self.replace(&target, value).await.map(|object| Done::Put { previous, object }),
                Step::Delete => self.remove(&target).await.map(|_| Done::Deleted(target.newest.clone())),
                Step::DeleteAs(value) => self.remove(&target).await.map(|_| Done::Deleted(target.as_last(value))),
            };
            let error = match done {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            left -= 1;
            if left == 0 {
                return Err(trouble::writing(target.title(), &error));
            }
            match self.newest(&target, error).await? {
                Some(newest) if newest.created == created => target.newest = newest,
                _ => return Ok(Done::Gone),
            }
        }
    }

    /// The newest version of an object.
    pub(super) fn target(&self, key: &ObjectKey) -> Result<Target> {
        let kind = self.kind(key.kind)?.clone();
        let newest = kind.cache.read().get(&key.uid).cloned().ok_or_else(|| trouble::not_found(key))?;
        Ok(Target { kind, uid: key.uid.clone(), newest, guards: Vec::new() })
    }

    /// Waits until the cache shows all that the store holds by now; `what` is whom it is about.
    ///
    /// # Errors
    /// What the store answers; `Unavailable` if the client is closed before.
    pub(crate) async fn catch_up(&self, what: impl Display) -> Result<()> {
        let revision = self.inner.store.revision().await.map_err(|error| trouble::reading(&what, &error))?;
        self.inner.shared.progress.wait(revision).await;
        if self.inner.shared.progress.seen() < revision { Err(trouble::closed(what)) } else { Ok(()) }
    }

    /// The store's own revision, which the cache may not show yet.
    #[cfg(feature = "api")]
    pub(crate) async fn store_revision(&self) -> Result<Revision> {
        self.inner.store.revision().await.map_err(|error| trouble::reading("the store", &error))
    }

    /// Writes another version on top of the newest one. Returns when the cache shows it.
    async fn replace(&self, target: &Target, value: Bytes) -> Result<CachedObject, StoreError> {
        let key = keys::object(target.kind.group_kind(), &target.uid);
        // The modification says the incarnation too: an object that was created again has another one.
        let guard = Guard::Modified(key.clone(), target.newest.modified());
        let mut txn = Transaction::new().when(guard).put(key.clone(), value.clone());
        txn.guards.extend(target.guards.iter().cloned());
        let revision = self.commit(txn, &key, Some(&value)).await?;
        Ok(written(&target.kind, &target.uid, value, target.newest.created, revision))
    }

    /// Removes the newest version and its name. Returns when the cache shows it.
    async fn remove(&self, target: &Target) -> Result<Revision, StoreError> {
        let kind = target.kind.group_kind();
        let key = keys::object(kind, &target.uid);
        let metadata = target.newest.metadata(&target.uid);
        let mut txn =
            Transaction::new().when(Guard::Modified(key.clone(), target.newest.modified())).delete(key.clone());
        txn.guards.extend(target.guards.iter().cloned());
        if !metadata.name.is_empty() {
            txn = txn.delete(keys::name(kind, &metadata.namespace, &metadata.name));
        }
        self.commit(txn, &key, None).await
    }

    /// Commits a transaction whose point is that `key` has that value, or none. Returns when the cache has seen it.
    ///
    /// If its outcome is unknown it is tried again: its guards make sure that it happens once. If they then don't hold,
    /// either it had happened, or somebody else wrote; what the key holds tells which.
    pub(super) async fn commit(
        &self,
        txn: Transaction,
        key: &Key,
        value: Option<&Bytes>,
    ) -> Result<Revision, StoreError> {
        if self.dry_run {
            return self.rehearse(&txn).await;
        }
        let mut answer = self.inner.store.txn(txn.clone()).await;
        let mut attempt = 0;
        while answer == Err(StoreError::Unknown) && attempt < UNKNOWN_ATTEMPTS {
            tokio::time::sleep(UNKNOWN_PAUSE * 2_u32.pow(attempt)).await;
            attempt += 1;
            answer = match self.inner.store.txn(txn.clone()).await {
                Err(StoreError::Conflict { .. } | StoreError::Fenced { .. }) => self.read_back(key, value).await,
                answer => answer,
            };
        }
        let revision = answer?;
        self.inner.shared.progress.wait(revision).await;
        Ok(revision)
    }

    async fn read_back(&self, key: &Key, value: Option<&Bytes>) -> Result<Revision, StoreError> {
        let (entry, revision) = self.inner.store.get(key, None).await.map_err(|_| StoreError::Unknown)?;
        match (entry, value) {
            (Some(entry), Some(value)) if entry.value == *value => Ok(entry.modified),
            (None, None) => Ok(revision),
            _ => Err(StoreError::Unknown),
        }
    }

    /// The newest version of an object after a write on top of an older one failed; `None` if it is gone. For writes
    /// that may be repeated, whether or not they were done.
    async fn newest(&self, target: &Target, error: StoreError) -> Result<Option<CachedObject>> {
        let entry = match error {
            // The object's own guard is the first.
            StoreError::Conflict { index: 0, current } => current,
            StoreError::Conflict { .. } | StoreError::Unknown => {
                let key = keys::object(target.kind.group_kind(), &target.uid);
                let read = self.inner.store.get(&key, None).await;
                read.map_err(|error| trouble::writing(target.title(), &error))?.0
            }
            error => return Err(trouble::writing(target.title(), &error)),
        };
        Ok(entry.map(|entry| {
            // Most often the cache has read it by now.
            let cached = target.kind.cache.read().get(&target.uid).cloned();
            let same = cached.filter(|cached| cached.modified() == entry.modified);
            same.unwrap_or_else(|| CachedObject::read(&target.kind, &target.uid, &entry))
        }))
    }
}

/// The version that a write made: the cache's, unless that has moved on, is closed, or the write was only tried.
pub(super) fn written(kind: &Kind, uid: &Uid, value: Bytes, created: Revision, revision: Revision) -> CachedObject {
    let is_it = |cached: &&CachedObject| cached.modified() == revision && cached.raw == value;
    let cached = kind.cache.read().get(uid).filter(is_it).cloned();
    cached.unwrap_or_else(|| {
        let key = keys::object(kind.group_kind(), uid);
        CachedObject::read(kind, uid, &Entry { key, value, created, modified: revision })
    })
}
