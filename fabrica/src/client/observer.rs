//! Who is told of every change, in order, before the writer's call returns.

use std::fmt;

use super::cached::CachedObject;
use crate::resource::{ObjectKey, Uid};
use crate::store::Revision;

/// Is told of every change of every known kind.
///
/// Calls come one at a time, in the order of the store's history, each after the cache shows the change and before any
/// writer learns that its write of that revision is done. They must be quick and must not wait: everybody's writes wait
/// for them.
pub(crate) trait Observer: Send + Sync + 'static {
    /// An object came, changed or went.
    fn changed(&self, change: &ObjectChange);

    /// An object of a kind that this program doesn't know is gone.
    fn stranger_gone(&self, _group: &str, _kind: &str, _uid: &Uid) {}

    /// There was a gap: objects of kinds that this program doesn't know may have gone in it.
    fn gap_closed(&self) {}
}

/// A change of one object. At least one of `old` and `new` is there.
#[derive(Clone)]
pub(crate) struct ObjectChange {
    /// Whose change it is.
    pub(crate) key: ObjectKey,
    /// What was; `None` if the object is new.
    pub(crate) old: Option<CachedObject>,
    /// What is; `None` if the object is gone.
    pub(crate) new: Option<CachedObject>,
    /// The revision that did it, or by which it was done if it was found by a relist.
    pub(crate) revision: Revision,
    /// Was it found by comparing lists, after a gap? Then several changes may have become this one.
    pub(crate) relisted: bool,
}

impl fmt::Debug for ObjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modified = |object: &Option<CachedObject>| object.as_ref().map(|object| object.modified().get());
        f.debug_struct("ObjectChange")
            .field("key", &self.key)
            .field("old", &modified(&self.old))
            .field("new", &modified(&self.new))
            .field("revision", &self.revision.get())
            .field("relisted", &self.relisted)
            .finish()
    }
}
