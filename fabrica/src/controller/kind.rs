//! The workers of one kind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, info, info_span, warn};

use super::failures::{Failure, Failures};
use super::heat::Heat;
use super::notices::{Notice, Notices};
use super::stats::{Counts, Ended, KindStats};
use super::{guard, run};
use crate::client::{CachedObject, Saved};
use crate::event::{Event, EventBus, Pattern};
use crate::queue::{Item, Next};
use crate::reconciler::{Action, Context, Finalize, KindQueue, Options, Reason, Reasons, ReconcilerType, Shared};
use crate::resource::{DecodeError, Object, ObjectKey, ResourceType, Timestamp};
use crate::store::Revision;
use crate::{Error, ErrorKind, Result};

/// A reconciler at work: its queue, its workers' code, and what is known of the objects that fail.
pub(super) struct Kind {
    pub(super) reconciler: &'static ReconcilerType,
    pub(super) options: Options,
    pub(super) events: Vec<Pattern>,
    pub(super) queue: KindQueue,
    pub(super) failures: Failures,
    heat: Heat,
    counts: Counts,
    finalizer: String,
    shared: Arc<Shared>,
    bus: EventBus,
    notices: Arc<Notices>,
    #[cfg(feature = "testing")]
    around: Option<Arc<dyn super::Around>>,
}

/// What a run leaves to be done: what is next for its object, and which changes were its own.
struct Outcome {
    next: Next,
    own: Vec<Revision>,
    ended: Ended,
}

impl Outcome {
    fn of(next: Next) -> Self {
        Self { next, own: Vec::new(), ended: next.into() }
    }
}

/// What a run saw of its object.
#[derive(Clone, Copy)]
struct Seen {
    created: Revision,
    deleting: bool,
}

/// What user code answered, `reconcile` and `finalize` alike.
enum Answer {
    Next(Next),
    /// The object's finalizer may go.
    Finalized,
}

impl Kind {
    pub(super) fn new(
        reconciler: &'static ReconcilerType,
        options: Options,
        queue: KindQueue,
        shared: Arc<Shared>,
        bus: EventBus,
        notices: Arc<Notices>,
    ) -> Self {
        let patterns = if options.events.is_empty() { vec!["**"] } else { options.events.clone() };
        // A pattern that can't be parsed is a start-up problem; none gets here.
        let events = patterns.into_iter().filter_map(|pattern| Pattern::parse(pattern).ok()).collect();
        let (failures, heat, finalizer) = (Failures::default(), Heat::default(), reconciler.finalizer());
        Self {
            reconciler,
            options,
            events,
            queue,
            failures,
            heat,
            counts: Counts::default(),
            finalizer,
            shared,
            bus,
            notices,
            #[cfg(feature = "testing")]
            around: None,
        }
    }

    /// One worker: takes a key, runs it, says what is next, until the queue is shut down.
    pub(super) async fn work(self: Arc<Self>) {
        // Taking a key costs of the task's budget, so that a queue that is never empty leaves the thread to others (C6).
        while let Some(item) = self.queue.get().await {
            let start = Instant::now();
            let outcome = self.run(&item).await;
            self.counts.ended(outcome.ended, start.elapsed());
            // A run doesn't wake itself (C3): its writes return only after their changes were dispatched, so whatever
            // woke the key during the run is known by now.
            self.queue.done_unless(item, outcome.next, |woken| woken.are_changes_at(&outcome.own));
        }
    }

    /// Looks at every object once in a while, whether or not anything happened to it.
    pub(super) async fn resync(self: Arc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            for key in self.shared.client.keys(self.resource().group_kind()) {
                if !self.failures.is_terminal(&key.uid) {
                    self.queue.add_background(key, Reason::Resync.into());
                }
            }
        }
    }

    /// The first fill: every object that exists (C1).
    pub(super) fn fill(&self) {
        for key in self.shared.client.keys(self.resource().group_kind()) {
            self.queue.add_background(key, Reason::Started.into());
        }
    }

    pub(super) fn stats(&self, max_concurrent: usize) -> KindStats {
        let kind = self.resource().group_kind();
        self.counts.of_kind(kind, max_concurrent, self.failures.len(), self.queue.stats())
    }

    /// The object is gone: nothing of it stays behind (Q8).
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.queue.forget(key);
        self.failures.clear(&key.uid);
    }

    /// Is it this reconciler's `finalize` that takes this finalizer away?
    pub(super) fn serves(&self, finalizer: &str) -> bool {
        self.reconciler.has_finalize && self.finalizer == finalizer
    }

    fn resource(&self) -> &'static ResourceType {
        self.reconciler.resource
    }

    async fn run(&self, item: &Item<ObjectKey, Reasons>) -> Outcome {
        let key = item.key();
        let Some(cached) = self.shared.client.cached(key) else {
            // Either it went, and was forgotten then, or it is yet to come: what is planned for that stays (Q4).
            return Outcome::of(Next::Forget);
        };
        let seen = Seen { created: cached.created, deleting: cached.is_deleting() };
        let reasons = reasons_of(item);
        if let Some(took) = self.heat.count(&key.uid) {
            warn!(object = %key, %reasons, "{key} runs hot: 100 reconciles in {took:?}, the last because: {reasons}");
            self.warn_of(key, "HotLoop", "100 reconciles within 10 s: does each change what wakes the next?");
        }
        let object = match cached.decoded() {
            Ok(object) => Arc::clone(object),
            Err(error) => return self.undecodable(key, seen, error, item.attempt()),
        };
        if object.metadata().is_deleting() && !self.must_finalize(&*object) {
            self.failures.clear(&key.uid);
            return Outcome::of(Next::Forget);
        }
        let span = info_span!("reconcile", object = %key, %reasons, attempt = item.attempt());
        let ctx = Context::new(Arc::clone(&self.shared), key.clone(), reasons, item.attempt(), Some(cached));
        let (result, ctx) = async {
            #[cfg(feature = "testing")]
            let seen = Arc::clone(&object);
            let run = run::caught(key, &self.counts, self.attempt(object, &ctx));
            #[cfg(feature = "testing")]
            let run = self.seen(&*seen, &ctx, Box::pin(run));
            let result = run.await;
            (result, ctx)
        }
        .instrument(span)
        .await;
        let own = ctx.into_own_revisions();
        match result {
            Ok(next) => {
                self.recovered(key);
                Outcome { own, ..Outcome::of(next) }
            }
            Err(error) => Outcome { own, ..self.failed(key, seen, &error, item.attempt()) },
        }
    }

    /// Puts something around every run.
    #[cfg(feature = "testing")]
    pub(super) fn within(self, around: Option<Arc<dyn super::Around>>) -> Self {
        Self { around, ..self }
    }

    #[cfg(feature = "testing")]
    fn seen<'a>(
        &'a self,
        object: &dyn Object,
        ctx: &Context,
        run: futures_util::future::BoxFuture<'a, Result<Next>>,
    ) -> futures_util::future::BoxFuture<'a, Result<Next>> {
        match &self.around {
            Some(around) => around.around(object, ctx.reasons(), ctx.attempt(), run),
            None => run,
        }
    }

    /// From the object as it is now to its saved status and published events.
    async fn attempt(&self, object: Arc<dyn Object>, ctx: &Context) -> Result<Next> {
        let deleting = object.metadata().is_deleting();
        let before = if !deleting && self.reconciler.has_finalize && !self.holds(&*object) {
            match self.claim(ctx).await? {
                Some(object) => object,
                None => return Ok(Next::Forget),
            }
        } else {
            object
        };
        let mut after = before.clone_boxed();
        // A run that was cut short saves nothing; one that failed does.
        let answer = self.call(&mut *after, deleting, ctx).await?;
        guard::check_untouched(&*before, &*after)?;
        let saved = ctx.save_status(&*after).await?;
        self.publish(ctx);
        match answer? {
            _ if matches!(saved, Saved::Gone) => Ok(Next::Forget),
            Answer::Next(next) => Ok(next),
            Answer::Finalized => {
                ctx.set_finalizer(&self.finalizer, false).await?;
                Ok(Next::Forget)
            }
        }
    }

    async fn call(&self, object: &mut dyn Object, deleting: bool, ctx: &Context) -> Result<Result<Answer>> {
        let (key, timeout) = (ctx.key(), self.options.timeout);
        if deleting {
            let answer = run::limited(key, &self.counts, timeout, self.reconciler.finalize(object, ctx)).await?;
            return Ok(answer.map(|answer| match answer {
                Finalize::Done => Answer::Finalized,
                Finalize::AwaitChange => Answer::Next(Next::Forget),
                Finalize::RequeueAfter(delay) => Answer::Next(Next::After(delay)),
            }));
        }
        let answer = run::limited(key, &self.counts, timeout, self.reconciler.reconcile(object, ctx)).await?;
        Ok(answer.map(|action| {
            Answer::Next(match action {
                Action::AwaitChange => Next::Forget,
                Action::Requeue => Next::Requeue,
                Action::RequeueAfter(delay) => Next::After(delay),
            })
        }))
    }

    /// Puts the finalizer on the object, before anything is done that `finalize` would have to undo. The object as it
    /// then is; `None` if it went or is going.
    async fn claim(&self, ctx: &Context) -> Result<Option<Arc<dyn Object>>> {
        match ctx.set_finalizer(&self.finalizer, true).await {
            Ok(Saved::Gone) => return Ok(None),
            // Its deletion began before the cache shows it; what shows it will wake the object.
            Err(error) if matches!(error.kind(), ErrorKind::Invalid(_)) => return Ok(None),
            saved => saved?,
        };
        let object = ctx.base().await.and_then(|base| base.object().cloned());
        Ok(object.filter(|object| !object.metadata().is_deleting()))
    }

    /// Is there anything left for `finalize` to do?
    fn must_finalize(&self, object: &dyn Object) -> bool {
        self.reconciler.has_finalize && self.holds(object)
    }

    fn holds(&self, object: &dyn Object) -> bool {
        object.metadata().finalizers.contains(&self.finalizer)
    }

    /// The object's run went well.
    fn recovered(&self, key: &ObjectKey) {
        if let Some(Failure { attempts, .. }) = self.failures.clear(&key.uid) {
            self.notices.say(|| {
                let message = format!("It went well after {attempts} failed attempts");
                Some(Notice::normal(key, "Recovered", &message, Some(self.reconciler.name)))
            });
        }
    }

    fn warn_of(&self, key: &ObjectKey, reason: &str, message: &str) {
        self.notices.say(|| Some(Notice::warning(key, reason, message, Some(self.reconciler.name))));
    }

    /// Publishes what the run emitted. An event about its own object must not wake it (C3).
    fn publish(&self, ctx: &Context) {
        for event in ctx.take_emitted() {
            let key = ctx.key();
            let (event_type, subject) = (event.event_type().to_owned(), event.subject().unwrap_or_default().to_owned());
            if is_about(&event, key) {
                self.notices.say(|| Notice::of_event(&event, Some(self.reconciler.name)));
                self.bus.publish_derived(|| event, &event_type);
            } else if let Err(error) = self.bus.publish(event) {
                warn!(object = %key, "the event {event_type} of {key} was not published: {error}");
                continue;
            }
            info!("Emitted event {event_type} for {subject}");
        }
    }

    fn undecodable(&self, key: &ObjectKey, seen: Seen, error: &DecodeError, retries: u32) -> Outcome {
        let error =
            Error::terminal(format!("{key} in the store can't be read as a {}: {error}; mend or delete it", key.kind));
        self.failed_as("DecodeFailed", key, seen, &error, retries)
    }

    fn failed(&self, key: &ObjectKey, seen: Seen, error: &Error, retries: u32) -> Outcome {
        let reason = match error.kind() {
            ErrorKind::Panicked => "ReconcilePanicked",
            ErrorKind::Timeout => "ReconcileTimedOut",
            _ if error.is_terminal() => "TerminalError",
            _ if seen.deleting => "FinalizeFailed",
            _ => "ReconcileFailed",
        };
        self.failed_as(reason, key, seen, error, retries)
    }

    /// Makes a failure visible (C9), and says when the object is tried again.
    fn failed_as(&self, reason: &str, key: &ObjectKey, seen: Seen, error: &Error, retries: u32) -> Outcome {
        let ended = Ended::failed(error);
        let (at, is_terminal) = (Timestamp::now(), error.is_terminal());
        let attempts = self.failures.get(&key.uid).map_or(0, |failure| failure.attempts) + 1;
        let delay = (!is_terminal).then(|| self.options.backoff.unwrap_or_default().delay(retries));
        let next_retry = delay.map(|delay| at.plus(delay));
        self.failures.record(&key.uid, Failure { attempts, error: error.to_string(), at, is_terminal, next_retry });
        // An object that went during its run was forgotten before there was this to forget; one that came in its place
        // starts anew. Looked at after it was recorded: if it goes from here on, it is forgotten with all this.
        // One whose deletion began is finalized next, if at all: that it could not be brought to its desired state any
        // more is no failure.
        let is_as_seen = |now: &CachedObject| now.created == seen.created && (seen.deleting || !now.is_deleting());
        if !self.shared.client.cached(key).as_ref().is_some_and(is_as_seen) {
            self.failures.clear(&key.uid);
            info!(object = %key, "Reconciling {key} failed, and it was deleted meanwhile: {error:?}");
            return Outcome { ended, ..Outcome::of(Next::Forget) };
        }
        self.warn_of(key, reason, &error.to_string());
        if let Some(delay) = delay {
            warn!(object = %key, attempts, "Reconciling {key} failed (attempt {attempts}), next in {delay:?}: {error:?}");
        } else {
            warn!(object = %key, attempts, "Reconciling {key} failed for good, until it changes: {error:?}");
        }
        Outcome::of(if is_terminal { Next::Hold } else { Next::Retry })
    }
}

fn is_about(event: &Event, key: &ObjectKey) -> bool {
    let about = event.about();
    about.is_some_and(|about| about.uid == key.uid && about.kind == key.kind.kind && about.group == key.kind.group)
}

/// A key that a timer woke comes without a reason: what the last run left says which timer it was.
fn reasons_of(item: &Item<ObjectKey, Reasons>) -> Reasons {
    match item.reasons() {
        reasons if !reasons.is_empty() => reasons.clone(),
        _ if item.attempt() > 0 => Reason::Retried.into(),
        _ => Reason::Requeued.into(),
    }
}
