//! Deleting.

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::preconditions::Preconditions;
use super::trouble;
use super::write::{ATTEMPTS, Done, Step, Target};
use crate::resource::{Metadata, Namespace, ObjectKey, Resource, ResourceVersion, Timestamp, Uid};
use crate::{Error, Fault, Result};

/// What becomes of the objects that the deleted one owns.
///
/// A running controller sees to it: its garbage collector deletes, or releases, what belongs to an object that is going
/// or gone. An object that has another owner besides stays, and loses its reference to this one.
///
/// A deletion that has begun already may be told another way, for as long as the object waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// They are deleted after it. The object loses the finalizers of the other ways, if it has one.
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
/// let options = DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() };
/// assert_eq!(options.uid, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Delete only if the object has this uid. Default: whatever it has.
    pub uid: Option<Uid>,
    /// Delete only this version. Default: whatever version there is.
    pub resource_version: Option<ResourceVersion>,
    /// What becomes of the objects that it owns. Default: what the finalizer `foregroundDeletion` or `orphan` of the
    /// object says, and without one [`Propagation::Background`].
    pub propagation: Option<Propagation>,
}

/// What became of an object that was to be deleted.
#[cfg_attr(not(feature = "api"), allow(dead_code))]
pub(crate) enum Deleted {
    /// It is gone; this was its last version.
    Gone(CachedObject),
    /// It waits for its finalizers.
    Waiting(CachedObject),
}

impl Client {
    /// Deletes an object of any kind; see [`Client::delete_with`].
    pub(crate) async fn delete_key(&self, key: &ObjectKey, options: &DeleteOptions) -> Result<Deleted> {
        let plan = &mut |target: &Target| deletion(target, options);
        match self.carry_out(self.target(key)?, ATTEMPTS, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } => Ok(Deleted::Waiting(object)),
            Done::Deleted(object) => Ok(Deleted::Gone(object)),
            Done::Gone => Err(trouble::not_found(key)),
        }
    }
}

pub(super) fn deletion(target: &Target, options: &DeleteOptions) -> Result<Step> {
    let newest = &target.newest;
    let DeleteOptions { uid, resource_version, propagation } = options;
    Preconditions { uid: uid.as_deref(), version: resource_version.unwrap_or_default() }.check(target)?;
    let mut metadata = newest.metadata(&target.uid);
    if target.kind.type_.is_same_type(Namespace::TYPE) && metadata.name == Namespace::DEFAULT {
        let fault = Fault::new("metadata.name", "the namespace `default` always exists: delete what is in it instead");
        return Err(Error::invalid(target.title(), vec![fault]));
    }
    let changed = propagate(&mut metadata, *propagation);
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

/// Puts the finalizer of a propagation, if it has one, in the place of the others. Says whether anything changed.
fn propagate(metadata: &mut Metadata, propagation: Option<Propagation>) -> bool {
    const ALL: [&str; 2] = [Metadata::FOREGROUND_FINALIZER, Metadata::ORPHAN_FINALIZER];
    let wanted = match propagation {
        None => return false,
        Some(Propagation::Background) => None,
        Some(Propagation::Foreground) => Some(Metadata::FOREGROUND_FINALIZER),
        Some(Propagation::Orphan) => Some(Metadata::ORPHAN_FINALIZER),
    };
    if ALL.iter().all(|finalizer| metadata.has_finalizer(finalizer) == (wanted == Some(finalizer))) {
        return false;
    }
    metadata.finalizers.retain(|finalizer| !ALL.contains(&finalizer.as_str()));
    metadata.finalizers.extend(wanted.map(str::to_owned));
    true
}
