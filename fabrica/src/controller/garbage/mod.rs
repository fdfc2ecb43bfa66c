//! Garbage collection: what becomes of the objects that belong to one that is going or gone.
//!
//! It looks at one object at a time, and decides from what is there now, not from what happened: at start at everything
//! that could be concerned, then at what each change concerns. So it goes on after a crash where it was.
//!
//! - **G1** an object is deleted when all its owners are gone, or wait for it in their foreground deletion; that they are
//!   gone, or still wait, is confirmed by the store in the transaction that deletes it. "The store could not answer"
//!   deletes nothing.
//! - **G2** an owner that is being deleted in the foreground goes when nothing is left that blocks it; one that leaves
//!   orphans goes when nothing names it any more.
//! - **G3** owners that wait for each other in a circle don't wait for ever: one that finds itself above itself blocks
//!   nobody.
//! - **G4** an owner of n objects costs O(n log n), however they go.

mod dependent;
mod owner;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use crate::client::Client;
use crate::queue::{Backoff, Item, Next, Reasons, WorkQueue};
use crate::resource::ObjectKey;
use crate::{Error, ErrorKind, Result};

/// How many objects are looked at at once. A durable store lets writes that come together share their way to the disk.
const WORKERS: usize = 32;
/// How often an object is looked at again at once, if somebody else was faster: an owner that is going may write a lot.
const LOOKS: usize = 10;
/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// The garbage collector of a controller.
pub(super) struct Collector {
    client: Client,
    queue: WorkQueue<ObjectKey, Look>,
}

/// Why an object is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    /// Everything that belongs to it must be looked at, too.
    spread: bool,
}

impl Look {
    const ALONE: Self = Self { spread: false };
    const WITH_CHILDREN: Self = Self { spread: true };
}

impl Reasons for Look {
    fn merge(&mut self, later: Self) {
        self.spread |= later.spread;
    }
}

impl Collector {
    pub(super) fn new(client: Client) -> Self {
        Self { client, queue: WorkQueue::new(Backoff::exponential(PAUSE.0, PAUSE.1)) }
    }

    /// The tasks that do the work, until the queue is shut down.
    pub(super) fn workers(self: &Arc<Self>) -> impl Iterator<Item = impl Future<Output = ()> + Send + use<>> {
        (0..WORKERS).map({
            let collector = Arc::clone(self);
            move |_| Arc::clone(&collector).work()
        })
    }

    /// Looks at all that a crash may have left half done.
    pub(super) fn fill(&self) {
        for key in self.client.dependents() {
            if self.client.cached(&key).is_some_and(|object| self.is_concerned(&object)) {
                self.queue.add_background(key, Look::ALONE);
            }
        }
        for key in self.client.deleting() {
            self.queue.add_background(key, Look::WITH_CHILDREN);
        }
    }

    pub(super) fn shut_down(&self) {
        self.queue.shut_down();
    }

    /// How many objects wait to be looked at or are being.
    pub(super) fn pending(&self) -> usize {
        self.queue.len() + self.queue.running()
    }

    /// Is something to be looked at again, after a failure?
    #[cfg(feature = "testing")]
    pub(super) fn will_retry(&self) -> bool {
        self.queue.timers() > 0
    }

    async fn work(self: Arc<Self>) {
        while let Some(item) = self.queue.get().await {
            let next = match self.look_until_settled(item.key(), *item.reasons()).await {
                Ok(()) => Next::Forget,
                Err(error) => failed(&item, &error),
            };
            self.queue.done(item, next);
        }
    }

    /// Looks again, at what is there then, while somebody else is faster.
    async fn look_until_settled(&self, key: &ObjectKey, why: Look) -> Result<()> {
        let mut answer = self.look(key, why).await;
        for _ in 1..LOOKS {
            if !answer.as_ref().is_err_and(|error| error.kind() == &ErrorKind::Conflict) {
                break;
            }
            self.client.catch_up(key).await?;
            answer = self.look(key, Look::ALONE).await;
        }
        answer
    }

    async fn look(&self, key: &ObjectKey, why: Look) -> Result<()> {
        let Some(object) = self.client.cached(key) else {
            self.spread(key);
            return Ok(());
        };
        let metadata = object.metadata_ref(&key.uid);
        if owner::decides(&metadata) {
            if why.spread {
                self.spread(key);
            }
            if self.let_go(key, &object).await? {
                // What it is now is looked at next.
                self.queue.add(key.clone(), Look::ALONE);
                return Ok(());
            }
        }
        if metadata.is_deleting() && metadata.finalizers.is_empty() {
            return self.client.collect(key, &object, None, Vec::new()).await;
        }
        if metadata.owner_references.is_empty() { Ok(()) } else { self.look_at_owners(key, &object).await }
    }

    /// Looks at everything that belongs to an object.
    fn spread(&self, key: &ObjectKey) {
        for child in self.client.children(key.kind.group, key.kind.kind, &key.uid) {
            self.queue.add(child, Look::ALONE);
        }
    }
}

/// Makes a failure visible, and says what is next.
fn failed(item: &Item<ObjectKey, Look>, error: &Error) -> Next {
    let key = item.key();
    match error.kind() {
        // It went by itself.
        ErrorKind::NotFound => Next::Forget,
        // Somebody else wrote: look again at what is there now.
        ErrorKind::Conflict => {
            debug!(object = %key, %error, "garbage collection looks at {key} again");
            Next::Retry
        }
        ErrorKind::Invalid(_) | ErrorKind::Terminal => {
            warn!(object = %key, "garbage collection can't do anything about {key} until it changes: {error}");
            Next::Hold
        }
        _ => {
            warn!(object = %key, attempts = item.attempt() + 1, "garbage collection of {key} failed and is tried again: {error}");
            Next::Retry
        }
    }
}
