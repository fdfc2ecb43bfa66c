//! What a run knows and can do besides its object.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use super::{Awaited, Handle, Reason, Reasons, States};
use crate::client::{CachedObject, Client, Saved};
use crate::event::Event;
use crate::resource::{Object, ObjectKey, Resource, Uid};
use crate::store::Revision;
use crate::{Error, ErrorKind, Result};

/// What the runs of one controller share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) states: States,
    pub(crate) handle: Handle,
    pub(crate) awaited: Arc<Awaited>,
}

/// The context of one run.
///
/// ```
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// #[reconciler]
/// async fn reconcile_device(device: &mut Device, ctx: &Context) -> Result<Action> {
///     info!("attempt {} of {}, because: {}", ctx.attempt(), device.name(), ctx.reasons());
///     ctx.emit("io.example.device.seen", device).await?;
///     Ok(Action::AwaitChange)
/// }
/// ```
pub struct Context {
    shared: Arc<Shared>,
    key: ObjectKey,
    reasons: Reasons,
    attempt: u32,
    emitted: Mutex<Vec<Event>>,
    writes: tokio::sync::Mutex<Writes>,
}

/// The writes that a run makes to its own object.
///
/// They wake nobody (C3) as long as they form an unbroken chain from the revision that the run read: each was put on
/// top of the one before, so that nobody else's change lies between them. The first that was put on top of a change of
/// somebody else's is not among `own`: whatever follows it, the key runs again.
struct Writes {
    /// The object as the run read it, or as its last write left it; `None` in a context without a controller.
    base: Option<CachedObject>,
    /// The object with the status that the run last saved. What it changes next is the difference to this and not to
    /// `base`, which holds what others wrote, too.
    saved: Option<Box<dyn Object>>,
    own: Vec<Revision>,
}

impl Writes {
    async fn save_status(&mut self, client: &Client, after: &dyn Object) -> Result<Saved> {
        let Some(base) = &self.base else { return Ok(Saved::Unchanged) };
        let saved = client.save_status(base, self.saved.as_deref(), after).await?;
        self.record(&saved);
        Ok(saved)
    }

    fn record(&mut self, saved: &Saved) {
        let Saved::Written { previous, revision, object } = saved else { return };
        if self.base.as_ref().is_some_and(|base| base.modified() == *previous) {
            self.own.push(*revision);
        }
        self.base = Some(object.clone());
    }
}

impl Context {
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: ObjectKey,
        reasons: Reasons,
        attempt: u32,
        base: Option<CachedObject>,
    ) -> Self {
        let writes = tokio::sync::Mutex::new(Writes { base, saved: None, own: Vec::new() });
        Self { shared, key, reasons, attempt, emitted: Mutex::default(), writes }
    }

    /// A context without a controller, to call a reconcile function from a test. What is emitted can be looked at with
    /// [`Context::emitted`]; there is nothing to enqueue.
    #[must_use]
    pub fn detached(client: Client, object: &impl Resource, states: States) -> Self {
        let shared = Shared { client, states, handle: Handle::new(Arc::default()), awaited: Arc::default() };
        Self::new(Arc::new(shared), (object as &dyn Object).key(), Reasons::default(), 0, None)
    }

    /// The object that is reconciled.
    #[must_use]
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Why it is.
    #[must_use]
    pub fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    /// How many runs of this object have failed since the last that went well.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The client. What is written through it to any object, this one included, wakes whom it concerns.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// For a task that outlives the run: it can ask for another.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// A copy of a value that was registered with `.state(..)`.
    ///
    /// # Errors
    /// None of type `X` was.
    pub fn state<X: Clone + Send + Sync + 'static>(&self) -> Result<X> {
        self.shared.states.get()
    }

    /// As [`Handle::enqueue`].
    ///
    /// # Errors
    /// Kind `T` has no reconciler.
    pub fn enqueue<T: Resource>(&self, uid: impl Into<Uid>, reason: impl Into<Cow<'static, str>>) -> Result<()> {
        self.handle().enqueue::<T>(uid, reason)
    }

    /// As [`Handle::enqueue_after`].
    ///
    /// # Errors
    /// Kind `T` has no reconciler.
    pub fn enqueue_after<T: Resource>(
        &self,
        uid: impl Into<Uid>,
        reason: impl Into<Cow<'static, str>>,
        delay: Duration,
    ) -> Result<()> {
        self.handle().enqueue_after::<T>(uid, reason, delay)
    }

    /// Publishes an event about an object once the run is over and its status saved, so that whoever receives it sees
    /// the state it speaks of. A run that panics, times out or is cancelled publishes nothing.
    ///
    /// About another object it wakes that object; about the run's own it wakes nobody.
    ///
    /// # Errors
    /// The type is no event type (`io.example.device.started` is one).
    #[allow(clippy::unused_async)] // a store that keeps events will have to be waited for
    pub async fn emit<T: Resource>(&self, event_type: impl Into<String>, object: &T) -> Result<()> {
        self.queue_event(event_type.into(), object, None)
    }

    /// As [`Context::emit`], with data for those who receive it.
    ///
    /// # Errors
    /// As for [`Context::emit`], or the data can't be written as JSON.
    #[allow(clippy::unused_async)]
    pub async fn emit_with<T: Resource>(
        &self,
        event_type: impl Into<String>,
        object: &T,
        data: impl Serialize,
    ) -> Result<()> {
        self.queue_event(event_type.into(), object, Some(serde_json::to_value(data)?))
    }

    /// The events that the run has emitted so far, in their order.
    #[must_use]
    pub fn emitted(&self) -> Vec<Event> {
        self.emitted.lock().clone()
    }

    /// Saves the status as it is now, so that an intermediate state can be seen. At the end of the run it is saved
    /// anyway. It wakes nobody.
    ///
    /// # Errors
    /// `object` is not the one that is reconciled or is gone, or the store can't answer.
    pub async fn update_status<T: Resource>(&self, object: &T) -> Result<()> {
        let object: &dyn Object = object;
        if object.key() != self.key {
            let message = format!("the run of {} can't save the status of {}: use the client", self.key, object.key());
            return Err(Error::new(ErrorKind::Other, message));
        }
        let mut writes = self.writes.lock().await;
        let saved = writes.save_status(self.client(), object).await?;
        writes.saved = Some(object.clone_boxed());
        match saved {
            Saved::Gone => {
                Err(Error::new(ErrorKind::NotFound, format!("{} was deleted while it was reconciled", self.key)))
            }
            Saved::Written { .. } | Saved::Unchanged => Ok(()),
        }
    }

    /// Saves the difference that the run has made to the status, on top of the newest object.
    pub(crate) async fn save_status(&self, after: &dyn Object) -> Result<Saved> {
        self.writes.lock().await.save_status(self.client(), after).await
    }

    /// Puts a finalizer on the object, or takes it away, as a write of the run's own.
    pub(crate) async fn set_finalizer(&self, finalizer: &str, present: bool) -> Result<Saved> {
        let mut writes = self.writes.lock().await;
        let Some(base) = writes.base.clone() else { return Ok(Saved::Unchanged) };
        let client = self.client();
        let saved = if present {
            client.add_finalizer(&base, finalizer).await?
        } else {
            client.remove_finalizer(&base, finalizer).await?
        };
        writes.record(&saved);
        Ok(saved)
    }

    /// The object as the run read it or as its last write left it.
    pub(crate) async fn base(&self) -> Option<CachedObject> {
        self.writes.lock().await.base.clone()
    }

    /// Wakes the object at hand when another one changes or goes, which was seen as this revision left it.
    pub(crate) fn wake_after(&self, other: ObjectKey, seen: Revision) {
        self.shared.awaited.wait(other.clone(), &self.key);
        if self.client().cached(&other).is_some_and(|now| now.modified() == seen) {
            return;
        }
        // It changed before anybody waited for it. If it is gone, nothing would ever end the wait.
        self.shared.awaited.give_up(&other, &self.key);
        if let Some(queue) = self.handle().queue(self.key.kind) {
            queue.add(self.key.clone(), Reason::Owned(Box::new(other)).into());
        }
    }

    /// Takes what the run has emitted, to publish it.
    pub(crate) fn take_emitted(&self) -> Vec<Event> {
        std::mem::take(&mut self.emitted.lock())
    }

    /// The revisions of the run's own writes that wake nobody.
    pub(crate) fn into_own_revisions(self) -> Vec<Revision> {
        self.writes.into_inner().own
    }

    fn queue_event(&self, event_type: String, object: &dyn Object, data: Option<serde_json::Value>) -> Result<()> {
        let ObjectKey { kind, uid } = object.key();
        let event =
            Event::builder(event_type).subject(format!("{}/{uid}", kind.kind)).about(kind.group, kind.kind, uid);
        let event = if let Some(data) = data { event.data(&data) } else { event };
        self.emitted.lock().push(event.build()?);
        Ok(())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("key", &self.key).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::{ClientSettings, DeleteOptions};
    use crate::event::EventBus;
    use crate::resource::{GroupKind, Namespace};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn who_waits_for_an_object_that_is_gone_already_leaves_nothing_behind() {
        let store = Arc::new(MemoryStore::new());
        let client = Client::start(store, vec![], EventBus::new(), ClientSettings::default()).await.unwrap();
        let owner = client.create(Namespace::new("owner")).await.unwrap();
        let ctx = Context::detached(client.clone(), &*owner, States::default());
        let key = ObjectKey { kind: GroupKind::of::<Namespace>(), uid: "gone".into() };
        ctx.wake_after(key.clone(), Revision::new(1));
        assert!(ctx.shared.awaited.take(&key).is_empty());

        let key = (&*owner as &dyn Object).key();
        let seen = client.cached(&key).unwrap().modified();
        ctx.wake_after(key.clone(), seen);
        assert_eq!(ctx.shared.awaited.take(&key), std::slice::from_ref(ctx.key()));
        client.delete_object(&key, DeleteOptions::default()).await.unwrap();
        ctx.wake_after(key.clone(), seen);
        assert!(ctx.shared.awaited.take(&key).is_empty(), "it changed, and the waiter was woken for that");
    }
}
