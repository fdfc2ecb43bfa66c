//! What each change makes the collector look at. It is called for every change of every object: what belongs to nobody,
//! and owns nothing, costs next to nothing.

use super::owner::decides;
use super::{Collector, Look};
use crate::client::{CachedObject, ObjectChange, Observer};
use crate::resource::{Metadata, ObjectKey, OwnerReference, Uid};

impl Collector {
    /// Has it an owner that is not simply there? Such an owner may be gone, or be going and decide about it.
    pub(super) fn is_concerned(&self, object: &CachedObject) -> bool {
        object.owners().iter().any(|owner| {
            let owner = self.client.owner_key(owner).and_then(|key| Some((self.client.cached(&key)?, key.uid)));
            owner.is_none_or(|(owner, uid)| decides(&owner.metadata_ref(&uid)))
        })
    }

    /// As the one that belongs to others.
    fn wake_itself(&self, change: &ObjectChange) {
        let Some(new) = &change.new else { return };
        let old = change.old.as_ref().map(CachedObject::owners).unwrap_or_default();
        if (change.old.is_none() || old != new.owners()) && self.is_concerned(new) {
            self.queue.add(change.key.clone(), Look::ALONE);
        }
    }

    /// As the one to whom others belong.
    fn wake_children(&self, change: &ObjectChange) {
        let uid = &change.key.uid;
        let Some(new) = &change.new else {
            self.queue.forget(&change.key);
            if self.client.some_child(&change.key).is_some() {
                self.queue.add(change.key.clone(), Look::WITH_CHILDREN);
            }
            return;
        };
        if !new.is_deleting() {
            return;
        }
        let same = |old: &Metadata, new: &Metadata| old.is_deleting() && old.finalizers == new.finalizers;
        let is_known = change.old.as_ref().is_some_and(|old| same(&old.metadata_ref(uid), &new.metadata_ref(uid)));
        // What is being deleted without a finalizer was left so by somebody who wrote to the store itself.
        let metadata = new.metadata_ref(uid);
        if !is_known && (decides(&metadata) || metadata.finalizers.is_empty()) {
            self.queue.add(change.key.clone(), Look::WITH_CHILDREN);
        }
    }

    /// Those that wait for it, if it blocks or names them no longer.
    fn wake_owners(&self, change: &ObjectChange) {
        let old = change.old.as_ref().map(CachedObject::owners).unwrap_or_default();
        let new = change.new.as_ref().map(CachedObject::owners).unwrap_or_default();
        let stands = |owner: &OwnerReference| {
            let is_like = |new: &OwnerReference| {
                new.is_same_owner(owner) && new.block_owner_deletion == owner.block_owner_deletion
            };
            new.iter().any(is_like)
        };
        for owner in old.iter().filter(|owner| !stands(owner)) {
            let Some(key) = self.client.owner_key(owner) else { continue };
            if self.client.cached(&key).is_some_and(|owner| decides(&owner.metadata_ref(&key.uid))) {
                self.queue.add(key, Look::ALONE);
            }
        }
    }

    fn has_stranger(&self, key: &ObjectKey) -> bool {
        let object = self.client.cached(key);
        object.is_some_and(|object| object.owners().iter().any(|owner| self.client.owner_key(owner).is_none()))
    }
}

impl Observer for Collector {
    fn changed(&self, change: &ObjectChange) {
        self.wake_itself(change);
        self.wake_children(change);
        self.wake_owners(change);
    }

    fn stranger_gone(&self, group: &str, kind: &str, uid: &Uid) {
        for child in self.client.children(group, kind, uid) {
            self.queue.add(child, Look::ALONE);
        }
    }

    fn gap_closed(&self) {
        for key in self.client.dependents().into_iter().filter(|key| self.has_stranger(key)) {
            self.queue.add_background(key, Look::ALONE);
        }
    }
}
