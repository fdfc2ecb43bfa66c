//! What holds an object whose deletion was asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::failures::Failure;
use super::kind::Kind;
use crate::client::Client;
use crate::resource::{GroupKind, Metadata, ObjectKey};

/// How many of the objects that are waited for are named.
const NAMED: usize = 3;

/// What holds an object that is being deleted: a finalizer, and who must see to it. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The finalizer that stands on the object.
    pub finalizer: String,
    /// Who takes it away, and when.
    pub by: HeldBy,
}

/// Who takes a finalizer away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeldBy {
    /// A reconciler of this program, when its `finalize` says that it is done.
    Reconciler {
        /// The reconciler's name.
        name: &'static str,
        /// How its last run failed, if it did.
        failure: Option<Failure>,
    },
    /// The garbage collector, when this many objects that belong to it are gone, or know their owner no longer.
    Children {
        /// How many are left.
        left: usize,
        /// Some of them.
        some: Vec<ObjectKey>,
    },
    /// Somebody else: no reconciler of this program serves it.
    Other,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.finalizer)?;
        match &self.by {
            HeldBy::Reconciler { name, failure: None } => {
                write!(f, "is served by the reconciler {name}, whose finalize is not done")
            }
            HeldBy::Reconciler { name, failure: Some(failure) } => {
                let Failure { attempts, error, next_retry, .. } = failure;
                write!(f, "is served by the reconciler {name}, which failed (attempt {attempts}): {error}; ")?;
                match next_retry {
                    Some(at) => write!(f, "it is tried again at {at}"),
                    None => f.write_str("it waits for a change"),
                }
            }
            HeldBy::Children { left: 0, .. } => {
                f.write_str("waits for the garbage collector, which takes it away next")
            }
            HeldBy::Children { left, some } => {
                let named: Vec<_> = some.iter().map(ToString::to_string).collect();
                let more = left - some.len().min(*left);
                write!(f, "waits for {}", named.join(", "))?;
                if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
            HeldBy::Other => f.write_str("is served by no reconciler of this program: who put it there must remove it"),
        }
    }
}

/// Finds out what holds an object.
pub(super) struct Holders {
    client: Client,
    kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>,
}

impl Holders {
    pub(super) fn new(client: Client, kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>) -> Self {
        Self { client, kinds }
    }

    /// What holds it; nothing, if it is not being deleted. Costs a look at what belongs to it.
    pub(super) fn of(&self, key: &ObjectKey) -> Vec<Holder> {
        let Some(object) = self.client.cached(key) else { return Vec::new() };
        let metadata = object.metadata_ref(&key.uid);
        if !metadata.is_deleting() {
            return Vec::new();
        }
        let holder = |finalizer: &String| Holder { finalizer: finalizer.clone(), by: self.by(key, finalizer) };
        metadata.finalizers.iter().map(holder).collect()
    }

    fn by(&self, key: &ObjectKey, finalizer: &str) -> HeldBy {
        let children = match finalizer {
            Metadata::FOREGROUND_FINALIZER => self.client.blocking_children(key),
            Metadata::ORPHAN_FINALIZER => self.client.children(key.kind.group, key.kind.kind, &key.uid),
            _ => {
                let kind = self.kinds.get(&key.kind).filter(|kind| kind.serves(finalizer));
                return kind.map_or(HeldBy::Other, |kind| HeldBy::Reconciler {
                    name: kind.reconciler.name,
                    failure: kind.failures.get(&key.uid),
                });
            }
        };
        HeldBy::Children { left: children.len(), some: children.into_iter().take(NAMED).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_whose_children_are_gone_waits_for_the_collector() {
        let by = HeldBy::Children { left: 0, some: Vec::new() };
        let holder = Holder { finalizer: Metadata::FOREGROUND_FINALIZER.to_owned(), by };
        let text = holder.to_string();
        assert_eq!(text, "foregroundDeletion waits for the garbage collector, which takes it away next");
    }
}
