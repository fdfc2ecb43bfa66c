//! How code outside a reconcile asks for one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Reason, Reasons};
use crate::queue::WorkQueue;
use crate::resource::{GroupKind, ObjectKey, Resource, Uid};
use crate::{Error, ErrorKind, Result};

/// The queue of one kind.
pub(crate) type KindQueue = WorkQueue<ObjectKey, Reasons>;

/// Asks for reconciles from anywhere: a process that exited, a device that called back, a dependency that came up.
///
/// Cloning one costs a reference count. A wake-up is never lost, and never runs an object twice at once.
///
/// ```
/// # use std::time::Duration;
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
/// # #[reconciler]
/// # async fn reconcile_device(device: &mut Device) -> Result<Action> { let _ = device; Ok(Action::AwaitChange) }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let controller = Controller::empty().reconciler::<reconcile_device>().build().await?;
/// let handle = controller.handle();
/// handle.enqueue::<Device>("dev-123", "the device called back")?;
/// handle.enqueue_after::<Device>("dev-123", "its lease ends", Duration::from_secs(60))?;
/// # controller.stop().await }
/// ```
#[derive(Clone)]
pub struct Handle {
    queues: Arc<BTreeMap<GroupKind, KindQueue>>,
}

impl Handle {
    pub(crate) fn new(queues: Arc<BTreeMap<GroupKind, KindQueue>>) -> Self {
        Self { queues }
    }

    /// Reconciles an object as soon as a worker is free; once more after the run it is in, if it is in one.
    ///
    /// # Errors
    /// Kind `T` has no reconciler.
    pub fn enqueue<T: Resource>(&self, uid: impl Into<Uid>, reason: impl Into<Cow<'static, str>>) -> Result<()> {
        let (queue, key) = self.find::<T>(uid)?;
        queue.add(key, Reason::Asked(reason.into()).into());
        Ok(())
    }

    /// Reconciles an object after a while. The earliest of several wins, and a run before then does not cancel it.
    ///
    /// # Errors
    /// Kind `T` has no reconciler.
    pub fn enqueue_after<T: Resource>(
        &self,
        uid: impl Into<Uid>,
        reason: impl Into<Cow<'static, str>>,
        delay: Duration,
    ) -> Result<()> {
        let (queue, key) = self.find::<T>(uid)?;
        queue.add_after(key, Reason::Asked(reason.into()).into(), delay);
        Ok(())
    }

    pub(crate) fn queue(&self, kind: GroupKind) -> Option<&KindQueue> {
        self.queues.get(&kind)
    }

    fn find<T: Resource>(&self, uid: impl Into<Uid>) -> Result<(&KindQueue, ObjectKey)> {
        let key = ObjectKey::of::<T>(uid);
        let queue = self.queue(key.kind).ok_or_else(|| {
            let message = format!("{key} can't be enqueued: kind {} has no reconciler in this controller", key.kind);
            Error::new(ErrorKind::NotFound, message)
        })?;
        Ok((queue, key))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.queues.keys().map(ToString::to_string)).finish()
    }
}
