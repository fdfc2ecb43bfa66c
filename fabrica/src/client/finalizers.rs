//! Adding and removing finalizers.

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::status::{Saved, undecodable};
use super::write::{Step, Target};
use crate::{Error, Fault, Result};

impl Client {
    /// Adds a finalizer to an object, whoever else writes to it.
    ///
    /// # Errors
    /// `Invalid` if the object is being deleted; what the store answers, conflicts excepted.
    pub(crate) async fn add_finalizer(&self, base: &CachedObject, finalizer: &str) -> Result<Saved> {
        self.save(base, &mut |target| {
            let mut metadata = target.newest.metadata(&target.uid);
            if metadata.finalizers.iter().any(|other| other == finalizer) {
                return Ok(Step::Keep);
            }
            if metadata.is_deleting() {
                return Err(Error::invalid(target.title(), vec![added_while_deleting(finalizer)]));
            }
            metadata.finalizers.push(finalizer.to_owned());
            envelope::with_metadata(&target.newest.raw, &metadata).map(Step::Put).ok_or_else(undecodable)
        })
        .await
    }

    /// Removes a finalizer from an object, whoever else writes to it. An object that is being deleted goes with its
    /// last one: [`Saved::Gone`].
    ///
    /// # Errors
    /// What the store answers, conflicts excepted.
    pub(crate) async fn remove_finalizer(&self, base: &CachedObject, finalizer: &str) -> Result<Saved> {
        self.save(base, &mut |target| without(target, finalizer)).await
    }
}

/// The step that takes a finalizer away.
pub(super) fn without(target: &Target, finalizer: &str) -> Result<Step> {
    let mut metadata = target.newest.metadata(&target.uid);
    let before = metadata.finalizers.len();
    metadata.finalizers.retain(|other| other != finalizer);
    if metadata.finalizers.len() == before {
        return Ok(Step::Keep);
    }
    if metadata.finalizers.is_empty() && metadata.is_deleting() {
        return Ok(Step::Delete);
    }
    envelope::with_metadata(&target.newest.raw, &metadata).map(Step::Put).ok_or_else(undecodable)
}

pub(super) fn added_while_deleting(finalizer: &str) -> Fault {
    let message = format!("`{finalizer}` can't be added: the object is being deleted; only remove finalizers now");
    Fault::new("metadata.finalizers", message)
}
