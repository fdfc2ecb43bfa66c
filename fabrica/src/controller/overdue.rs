//! Objects that are still there a while after their deletion was asked for: they say why.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::holders::{HeldBy, Holder, Holders};
use super::notices::{Notice, Notices};
use super::run::message_of;
use crate::client::{CachedObject, Client, ObjectChange, Observer};
use crate::queue::{Backoff, Next, WorkQueue};
use crate::resource::{ObjectKey, Timestamp};
use crate::{Error, ErrorKind, Result};

/// How long a deletion may take before it is spoken of, and the longest pause until it is again; doubled in between.
const PAUSE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));
/// So many warnings within [`WINDOW`]; of more it is only said how many there are.
const WARNINGS: usize = 20;
const WINDOW: Duration = Duration::from_secs(10);

/// Watches over the deletions that are under way.
pub(super) struct Overdue {
    client: Client,
    holders: Holders,
    notices: Arc<Notices>,
    queue: WorkQueue<ObjectKey>,
    warned: Mutex<Warned>,
}

/// How much was said lately: ten thousand objects that wait for one thing need not say so ten thousand times.
#[derive(Default)]
struct Warned {
    since: Option<Instant>,
    said: usize,
    unsaid: usize,
}

impl Overdue {
    pub(super) fn new(client: Client, holders: Holders, notices: Arc<Notices>) -> Self {
        let queue = WorkQueue::new(Backoff::exponential(PAUSE.0, PAUSE.1));
        Self { client, holders, notices, queue, warned: Mutex::default() }
    }

    pub(super) fn holders(&self, key: &ObjectKey) -> Vec<Holder> {
        self.holders.of(key)
    }

    /// The deletions that were under way before the program started.
    pub(super) fn fill(&self) {
        self.client.deleting().into_iter().for_each(|key| self.queue.add_rate_limited(key, ()));
    }

    pub(super) fn shut_down(&self) {
        self.queue.shut_down();
    }

    /// One task is enough, and keeps the store free for others.
    pub(super) async fn work(self: Arc<Self>) {
        while let Some(item) = self.queue.get().await {
            let next = if self.speak_of(item.key()).await { Next::Retry } else { Next::Forget };
            self.queue.done(item, next);
        }
    }

    /// Says why an object is still there; `false` if it isn't.
    async fn speak_of(&self, key: &ObjectKey) -> bool {
        let Some(object) = self.client.cached(key) else { return false };
        let Some(since) = object.metadata_ref(&key.uid).deletion_timestamp else { return false };
        let holders = self.holders.of(key);
        if holders.is_empty() {
            // Its last finalizer is gone, and it is going.
            return true;
        }
        let message = holders.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let age = Duration::from_secs(Timestamp::now().since(since).as_secs());
        self.warn(|| {
            warn!(object = %key, ?age, "{key} is still there {age:?} after its deletion was asked for: {message}");
        });
        let is_child = |holder: &Holder| matches!(holder.by, HeldBy::Children { .. });
        let reason = if holders.iter().all(is_child) { "ChildrenRemaining" } else { "FinalizersRemaining" };
        self.notices.say(|| Some(Notice::warning(key, reason, &message, None)));
        match self.explain(key, reason, &message).await {
            Ok(()) => true,
            Err(error) if error.is_not_found() => false,
            Err(error) => {
                self.warn(|| warn!(object = %key, "the condition Deleting of {key} can't be saved: {error}"));
                true
            }
        }
    }

    /// Saves the condition. That encodes the status, which is user code: a panic in it must not end the one task that speaks
    /// of all.
    async fn explain(&self, key: &ObjectKey, reason: &str, message: &str) -> Result<()> {
        let explained = AssertUnwindSafe(self.client.explain_deletion(key, reason, message)).catch_unwind().await;
        explained.unwrap_or_else(|panic| {
            let message = format!("writing its status as JSON panicked: {}", message_of(&*panic));
            Err(Error::new(ErrorKind::Panicked, message))
        })
    }

    fn warn(&self, say: impl FnOnce()) {
        let mut warned = self.warned.lock();
        let now = Instant::now();
        if warned.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            *warned = Warned { since: Some(now), said: 0, unsaid: 0 };
        }
        if warned.said < WARNINGS {
            warned.said += 1;
            say();
        } else {
            warned.unsaid += 1;
            // At 1, 2, 4, 8, .. so that the last of them is about right.
            if warned.unsaid.is_power_of_two() {
                warn!("{} more objects are still there after their deletion was asked for", warned.unsaid);
            }
        }
    }
}

impl Observer for Overdue {
    fn changed(&self, change: &ObjectChange) {
        let is_deleting = |object: &Option<CachedObject>| object.as_ref().is_some_and(CachedObject::is_deleting);
        match (is_deleting(&change.old), is_deleting(&change.new)) {
            (false, true) => self.queue.add_rate_limited(change.key.clone(), ()),
            (true, false) => self.queue.forget(&change.key),
            _ => {}
        }
    }
}
