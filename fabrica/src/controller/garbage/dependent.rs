//! An object that belongs to others: does it stay, go, or lose an owner?

use std::collections::HashSet;

use tracing::info;

use super::Collector;
use super::owner::{leaves_orphans, waits};
use crate::Result;
use crate::client::{CachedObject, Client, Propagation};
use crate::resource::{Metadata, ObjectKey, OwnerReference};
use crate::store::{Guard, Revision};

/// The owners of one object, by what they mean for it.
#[derive(Default)]
struct Owners<'a> {
    /// They are there, and keep it.
    living: usize,
    /// They don't exist.
    gone: Vec<&'a OwnerReference>,
    /// They are going and release it.
    releasing: Vec<&'a OwnerReference>,
    /// They are going and wait for it to go first; each with the revision that says so.
    waiting: Vec<(&'a OwnerReference, ObjectKey, Revision)>,
}

impl Collector {
    pub(super) async fn look_at_owners(&self, key: &ObjectKey, object: &CachedObject) -> Result<()> {
        let metadata = object.metadata_ref(&key.uid);
        let owners = self.owners(&metadata.owner_references).await?;
        let gone = || owners.gone.iter().map(|owner| Client::absent(owner));
        if owners.living > 0 || !owners.releasing.is_empty() {
            // It stays. Those that it can't or needn't belong to are taken off; who waits for it is told so by that.
            let dropped = owners.gone.iter().chain(&owners.releasing).copied();
            let dropped: Vec<_> = dropped.chain(owners.waiting.iter().map(|(owner, ..)| *owner)).collect();
            if dropped.is_empty() {
                return Ok(());
            }
            let keeps = |owner: &&OwnerReference| !dropped.iter().any(|dropped| dropped.is_same_owner(owner));
            let left: Vec<_> = metadata.owner_references.iter().filter(keeps).cloned().collect();
            info!(object = %key, "{key} stays and doesn't belong to {} any more", titles(&dropped));
            return self.client.set_owners(key, object, left, gone().collect()).await;
        }
        if let Some(unblocked) = self.unblocked(key, &metadata, &owners) {
            info!(object = %key, "{key} belongs to itself in a circle: the deletion of its owner doesn't wait for it");
            return self.client.set_owners(key, object, unblocked, Vec::new()).await;
        }
        if metadata.is_deleting() {
            return Ok(());
        }
        let propagation = if owners.waiting.is_empty()
            || metadata.has_finalizer(Metadata::ORPHAN_FINALIZER)
            || self.client.some_child(key).is_none()
        {
            // In the background, or as its own finalizers say.
            None
        } else {
            Some(Propagation::Foreground)
        };
        // A later deletion may have told one of them to leave orphans.
        let waiting = owners.waiting.iter().map(|(_, owner, seen)| Client::unchanged(owner, *seen));
        let guards: Vec<Guard> = gone().chain(waiting).collect();
        self.client.collect(key, object, propagation, guards).await
    }

    /// What the owners are now. One that is not in the cache is looked for in the store.
    async fn owners<'a>(&self, references: &'a [OwnerReference]) -> Result<Owners<'a>> {
        let mut owners = Owners::default();
        for reference in references {
            let cached = self.client.owner_key(reference).and_then(|key| Some((self.client.cached(&key)?, key)));
            let Some((owner, key)) = cached else {
                if self.client.owner_exists(reference).await? {
                    owners.living += 1;
                } else {
                    owners.gone.push(reference);
                }
                continue;
            };
            let metadata = owner.metadata_ref(&key.uid);
            if leaves_orphans(&metadata) {
                owners.releasing.push(reference);
            } else if waits(&metadata) {
                owners.waiting.push((reference, key, owner.modified()));
            } else {
                owners.living += 1;
            }
        }
        Ok(owners)
    }

    /// G3: if an owner that waits for this object belongs to it in turn, the two would wait for each other. The object's
    /// owners such that this one doesn't wait; `None` if there is no such circle.
    fn unblocked(&self, key: &ObjectKey, metadata: &Metadata, owners: &Owners<'_>) -> Option<Vec<OwnerReference>> {
        let circular = |(reference, owner, _): &&(&OwnerReference, ObjectKey, Revision)| {
            reference.block_owner_deletion && self.waits_for(key, owner)
        };
        let circular: Vec<_> = owners.waiting.iter().filter(circular).map(|(reference, ..)| *reference).collect();
        if circular.is_empty() {
            return None;
        }
        let mut unblocked = metadata.owner_references.clone();
        for owner in &mut unblocked {
            owner.block_owner_deletion &= !circular.iter().any(|circular| circular.is_same_owner(owner));
        }
        Some(unblocked)
    }

    /// Must `below` go before `above` can, each waiting for what blocks it?
    fn waits_for(&self, above: &ObjectKey, below: &ObjectKey) -> bool {
        let (mut seen, mut open) = (HashSet::from([below.clone()]), vec![below.clone()]);
        while let Some(key) = open.pop() {
            if key == *above {
                return true;
            }
            let Some(object) = self.client.cached(&key) else { continue };
            for owner in object.owners().iter().filter(|owner| owner.block_owner_deletion) {
                open.extend(self.client.owner_key(owner).filter(|owner| seen.insert(owner.clone())));
            }
        }
        false
    }
}

fn titles(owners: &[&OwnerReference]) -> String {
    owners.iter().map(|owner| format!("{} {}", owner.kind, owner.name)).collect::<Vec<_>>().join(", ")
}
