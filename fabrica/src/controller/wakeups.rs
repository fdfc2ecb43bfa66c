//! Who is woken by what: the object itself by its changes, its owners too, others by what they watch, and anybody by an
//! event.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;

use super::kind::Kind;
use super::run::message_of;
use crate::client::{CachedObject, Client, ObjectChange, Observer};
use crate::event::Event;
use crate::reconciler::{Awaited, Reason, Watch};
use crate::resource::{GroupKind, ObjectKey, Uid};

/// The wake-up rules of a controller.
///
/// The client calls [`changed`](Observer::changed) for every change, in order and before the write that made it returns.
/// What calls it back here is short and waits for nothing.
pub(super) struct Wakeups {
    kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>,
    /// Who watches a kind, by that kind.
    watchers: BTreeMap<GroupKind, Vec<(Arc<Kind>, Watch)>>,
    client: Client,
    awaited: Arc<Awaited>,
}

impl Wakeups {
    pub(super) fn new(kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>, client: Client, awaited: Arc<Awaited>) -> Self {
        let mut watchers = BTreeMap::<_, Vec<_>>::new();
        for kind in kinds.values() {
            for watch in &kind.options.watches {
                watchers.entry(watch.resource().group_kind()).or_default().push((Arc::clone(kind), watch.clone()));
            }
        }
        Self { kinds, watchers, client, awaited }
    }

    /// Wakes the object that an event is about, if its reconciler listens to such events.
    pub(super) fn published(&self, event: &Event) {
        let Some(about) = event.about() else { return };
        let kind = self.kinds.iter().find(|(kind, _)| kind.group == about.group && kind.kind == about.kind);
        let Some((group_kind, kind)) = kind else { return };
        let event_type = event.event_type();
        if kind.events.iter().any(|pattern| pattern.matches(event_type)) {
            let key = ObjectKey { kind: *group_kind, uid: about.uid.clone() };
            kind.queue.add(key, Reason::Event(event_type.into()).into());
        }
    }

    /// A mapping runs on the object as it was and as it is: who was concerned before may not be any more.
    fn wake_watchers(&self, change: &ObjectChange) {
        for (kind, watch) in self.watchers.get(&change.key.kind).into_iter().flatten() {
            for object in [&change.old, &change.new].into_iter().flatten() {
                for uid in self.targets(watch, object, &change.key) {
                    let key = ObjectKey { kind: kind.reconciler.resource.group_kind(), uid };
                    kind.queue.add(key, Reason::Watched(Box::new(change.key.clone())).into());
                }
            }
        }
    }

    fn wake_others(&self, change: &ObjectChange) {
        self.wake_owners(change);
        self.wake_watchers(change);
    }

    /// Wakes the owners that the object has, or had until now, and those who wait to become one. An owner that does not
    /// exist has nothing to do.
    fn wake_owners(&self, change: &ObjectChange) {
        let old = change.old.as_ref().map(CachedObject::owners).unwrap_or_default();
        let new = change.new.as_ref().map(CachedObject::owners).unwrap_or_default();
        let lost = old.iter().filter(|owner| new.iter().all(|other| !other.is_same_owner(owner)));
        let owners = new.iter().chain(lost).filter_map(|owner| self.client.owner_key(owner));
        for key in owners.chain(self.awaited.take(&change.key)) {
            if let Some(kind) = self.kinds.get(&key.kind)
                && self.client.cached(&key).is_some()
            {
                kind.queue.add(key, Reason::Owned(Box::new(change.key.clone())).into());
            }
        }
    }

    /// A mapping that panics wakes nobody; it must not take down the one task that every change passes through.
    fn targets(&self, watch: &Watch, object: &CachedObject, key: &ObjectKey) -> Vec<Uid> {
        let (metadata, object) = (object.metadata_ref(&key.uid), object.object().map(|object| &**object));
        let targets = || watch.targets_of(object, &metadata, &self.client);
        catch_unwind(AssertUnwindSafe(targets)).unwrap_or_else(|panic| {
            error!(object = %key, "the `watches` mapping of {} panicked on {key}, nobody was woken: {}", key.kind, message_of(&*panic));
            Vec::new()
        })
    }
}

impl Observer for Wakeups {
    fn changed(&self, change: &ObjectChange) {
        if let Some(kind) = self.kinds.get(&change.key.kind) {
            if change.new.is_some() {
                if change.only_explains_deletion() {
                    return self.wake_others(change);
                }
                let revision = change.revision;
                let reason = if change.relisted { Reason::Relisted { revision } } else { Reason::Changed { revision } };
                kind.queue.add(change.key.clone(), reason.into());
            } else {
                kind.forget(&change.key);
            }
        }
        self.wake_others(change);
    }
}
