//! Deleting.

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::trouble;
use super::write::{ATTEMPTS, Done, Step, Target};
use crate::resource::{Metadata, Namespace, ObjectKey, Resource, ResourceVersion, Timestamp, Uid};
use crate::{Error, Fault, Result};

/// What becomes of the objects that the deleted one owns.
///
/// A running controller sees to it: its garbage collector deletes, or releases, what belongs to an object that is going
/// or gone. An object that has another owner besides stays, and loses its reference to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// They are deleted after it. An object that carries `foregroundDeletion` or `orphan` among its finalizers goes as
    /// these say.
    #[default]
    Background,
    /// They are deleted before it, and in turn what belongs to them. It waits until those are gone whose reference says
    /// `blockOwnerDeletion`, not for the rest. The object carries the finalizer `foregroundDeletion` until then.
    Foreground,
    /// They stay, without this owner. The object carries the finalizer `orphan` until they are released.
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

pub(super) fn deletion(target: &Target, options: &DeleteOptions) -> Result<Step> {
    let newest = &target.newest;
    let version = options.resource_version.filter(|version| !version.is_unset());
    let is_other_version = version.is_some_and(|version| version.get() != newest.modified().get());
    if is_other_version || options.uid.as_ref().is_some_and(|uid| *uid != target.uid) {
        return Err(trouble::conflict(target.title()));
    }
    let mut metadata = newest.metadata(&target.uid);
    if target.kind.type_.is_same_type(Namespace::TYPE) && metadata.name == Namespace::DEFAULT {
        let fault = Fault::new("metadata.name", "the namespace `default` always exists: delete what is in it instead");
        return Err(Error::invalid(target.title(), vec![fault]));
    }
    let changed = propagate(&mut metadata, options.propagation);
    if metadata.finalizers.is_empty() {
        return Ok(Step::Delete);
    }
    if metadata.is_deleting() && !changed {
        return Ok(Step::Keep);
    }
    metadata.deletion_timestamp.get_or_insert_with(Timestamp::now);
    // Finalizers were read from this envelope, or it can be given some: it can be taken apart.
    Ok(envelope::with_metadata(&newest.raw, &metadata).map_or(Step::Delete, Step::Put))
}

/// Puts the finalizer of a propagation in the place of the other. Says whether anything changed.
fn propagate(metadata: &mut Metadata, propagation: Propagation) -> bool {
    let (wanted, other) = match propagation {
        Propagation::Background => return false,
        Propagation::Foreground => (Metadata::FOREGROUND_FINALIZER, Metadata::ORPHAN_FINALIZER),
        Propagation::Orphan => (Metadata::ORPHAN_FINALIZER, Metadata::FOREGROUND_FINALIZER),
    };
    if metadata.has_finalizer(wanted) && !metadata.has_finalizer(other) {
        return false;
    }
    metadata.finalizers.retain(|finalizer| finalizer != wanted && finalizer != other);
    metadata.finalizers.push(wanted.to_owned());
    true
}
