//! An owner that is going, and decides what becomes of what belongs to it.

use tracing::debug;

use super::Collector;
use crate::Result;
use crate::client::CachedObject;
use crate::resource::{Metadata, ObjectKey};

/// Is it being deleted in the foreground, or such that it leaves orphans?
pub(super) fn decides(metadata: &Metadata) -> bool {
    metadata.is_deleting() && (leaves_orphans(metadata) || waits(metadata))
}

/// Does it go after it has released what belongs to it? This goes before the foreground, if somebody wrote both.
pub(super) fn leaves_orphans(metadata: &Metadata) -> bool {
    metadata.is_deleting() && metadata.has_finalizer(Metadata::ORPHAN_FINALIZER)
}

/// Does it go after what belongs to it?
pub(super) fn waits(metadata: &Metadata) -> bool {
    metadata.is_deleting() && !leaves_orphans(metadata) && metadata.has_finalizer(Metadata::FOREGROUND_FINALIZER)
}

impl Collector {
    /// G2: takes the collector's finalizer from an owner that has nothing left to wait for. Says whether it did.
    ///
    /// What belongs to it is looked at by itself, and each part that goes or is released leads back here: one look costs
    /// the same however much is left.
    pub(super) async fn let_go(&self, key: &ObjectKey, owner: &CachedObject) -> Result<bool> {
        let (left, finalizer) = if leaves_orphans(&owner.metadata_ref(&key.uid)) {
            (self.client.some_child(key), Metadata::ORPHAN_FINALIZER)
        } else {
            (self.client.some_blocking_child(key), Metadata::FOREGROUND_FINALIZER)
        };
        if let Some(left) = left {
            debug!(object = %key, "{key} waits for {left}, and maybe for others");
            return Ok(false);
        }
        self.client.release(key, owner, finalizer).await?;
        Ok(true)
    }
}
