//! What the garbage collector asks of the store. Each write is one attempt, on top of the version that was looked at.

use super::cached::CachedObject;
use super::delete::{DeleteOptions, Propagation, deletion};
use super::envelope;
use super::keys;
use super::lifecycle::Client;
use super::status::undecodable;
use super::trouble;
use super::write::{Done, Plan, Step, Target};
use crate::Result;
use crate::resource::{ObjectKey, OwnerReference};
use crate::store::{Guard, Revision};

impl Client {
    /// Does the store hold this owner? Its kind may be unknown to the program.
    ///
    /// # Errors
    /// The store can't answer: then nobody knows.
    pub(crate) async fn owner_exists(&self, owner: &OwnerReference) -> Result<bool> {
        let read = self.inner.store.get(&keys::owner(owner), None).await;
        let (entry, _) = read
            .map_err(|error| trouble::reading(format_args!("whether {} {} exists", owner.kind, owner.uid), &error))?;
        Ok(entry.is_some())
    }

    /// Holds while an owner does not exist.
    pub(crate) fn absent(owner: &OwnerReference) -> Guard {
        Guard::Absent(keys::owner(owner))
    }

    /// Holds while an owner is as it was seen.
    pub(crate) fn unchanged(owner: &ObjectKey, seen: Revision) -> Guard {
        Guard::Modified(keys::object(owner.kind, &owner.uid), seen)
    }

    /// Deletes an object as it was seen, while the guards hold.
    ///
    /// # Errors
    /// `Conflict` if it changed or a guard does not hold; what the store answers.
    pub(crate) async fn collect(
        &self,
        key: &ObjectKey,
        seen: &CachedObject,
        propagation: Option<Propagation>,
        guards: Vec<Guard>,
    ) -> Result<()> {
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        self.once(key, seen, guards, &mut |target| deletion(target, &options)).await
    }

    /// Gives an object as it was seen other owners, while the guards hold.
    ///
    /// # Errors
    /// As for [`Client::collect`].
    pub(crate) async fn set_owners(
        &self,
        key: &ObjectKey,
        seen: &CachedObject,
        owners: Vec<OwnerReference>,
        guards: Vec<Guard>,
    ) -> Result<()> {
        let plan = &mut |target: &Target| {
            let mut metadata = target.newest.metadata(&target.uid);
            metadata.owner_references.clone_from(&owners);
            envelope::with_metadata(&target.newest.raw, &metadata).map(Step::Put).ok_or_else(undecodable)
        };
        self.once(key, seen, guards, plan).await
    }

    /// Takes a finalizer from an object as it was seen, which goes with its last one.
    ///
    /// # Errors
    /// As for [`Client::collect`].
    pub(crate) async fn release(&self, key: &ObjectKey, seen: &CachedObject, finalizer: &str) -> Result<()> {
        self.once(key, seen, Vec::new(), &mut |target| super::finalizers::without(target, finalizer)).await
    }

    async fn once(&self, key: &ObjectKey, seen: &CachedObject, guards: Vec<Guard>, plan: &mut Plan<'_>) -> Result<()> {
        let target = Target { newest: seen.clone(), guards, ..self.target(key)? };
        match self.carry_out(target, 1, plan).await? {
            Done::Kept(_) | Done::Put { .. } | Done::Deleted(_) | Done::Gone => Ok(()),
        }
    }
}
