//! Deleting.

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::trouble;
use super::write::{ATTEMPTS, Done, Step, Target};
use crate::resource::{Namespace, ObjectKey, Resource, ResourceVersion, Timestamp, Uid};
use crate::{Error, Fault, Result};

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

/// How to delete.
///
/// ```
/// use fabrica::client::{DeleteOptions, Propagation};
///
/// let options = DeleteOptions { uid: Some("dev-123".into()), ..DeleteOptions::default() };
/// assert_eq!(options.propagation, Propagation::Background);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Delete only if the object has this uid. Default: whatever it has.
    pub uid: Option<Uid>,
    /// Delete only this version. Default: whatever version there is.
    pub resource_version: Option<ResourceVersion>,
    /// What becomes of the objects that it owns. Default: [`Propagation::Background`].
    pub propagation: Propagation,
}

impl Client {
    /// Deletes an object of any kind; see [`Client::delete_with`]. `None` if it is gone, else the object that waits for
    /// its finalizers.
    pub(crate) async fn delete_key(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Option<CachedObject>> {
        let plan = &mut |target: &Target| deletion(target, options);
        match self.carry_out(self.target(key)?, ATTEMPTS, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } => Ok(Some(object)),
            Done::Deleted(_) | Done::Gone => Ok(None),
        }
    }
}

fn deletion(target: &Target, options: &DeleteOptions) -> Result<Step> {
    let newest = &target.newest;
    let version = options.resource_version.filter(|version| !version.is_unset());
    let is_other_version = version.is_some_and(|version| version.get() != newest.modified.get());
    if is_other_version || options.uid.as_ref().is_some_and(|uid| *uid != target.uid) {
        return Err(trouble::conflict(target.title()));
    }
    let mut metadata = newest.metadata(&target.uid);
    if target.kind.type_.is_same_type(Namespace::TYPE) && metadata.name == Namespace::DEFAULT {
        let fault = Fault::new("metadata.name", "the namespace `default` always exists: delete what is in it instead");
        return Err(Error::invalid(target.title(), vec![fault]));
    }
    if metadata.finalizers.is_empty() {
        return Ok(Step::Delete);
    }
    if metadata.is_deleting() {
        return Ok(Step::Keep);
    }
    metadata.deletion_timestamp = Some(Timestamp::now());
    // Finalizers were read from this envelope, so it can be taken apart.
    Ok(envelope::with_metadata(&newest.raw, &metadata).map_or(Step::Delete, Step::Put))
}
