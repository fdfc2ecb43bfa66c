//! Time: waiting until it is quiet, and letting it pass.

use std::time::Duration;

use tokio::time::Instant;

use super::clock::TICK;
use super::harness::Harness;
use crate::reconciler::Reason;
use crate::{Error, Result};

/// How often it is looked whether garbage collection is done, if it has to try again.
const RETRY: Duration = Duration::from_millis(50);
/// How long [`Harness::settle`] lets the clock go on for runs that wait for a timer.
const PATIENCE: Duration = Duration::from_secs(3_600);

impl Harness {
    /// Lets everything happen that can happen now, and waits until it is quiet: no object waits for a run or is in one,
    /// nothing is being written or collected as garbage, and the cache, the events and what they set off have caught up.
    /// Costs one millisecond of virtual time, more if a run waits for a timer.
    ///
    /// Waited for: runs, also those that sleep or call `spawn_blocking`; what they wake, and what that wakes; retries of
    /// the garbage collection and of the store's watch; other tasks of the test's runtime, until each of them waits for something; every
    /// `spawn_blocking`.
    ///
    /// Not waited for: what only a timer will begin, such as `RequeueAfter`, a backoff, `enqueue_after`, a resync, a
    /// sleeping task that is no run ([`advance`](Self::advance) is for these); and what comes from outside the runtime,
    /// such as a socket, a process or another thread. A run that waits for such a thing is an error: the clock does
    /// not know that it should wait.
    ///
    /// # Errors
    /// `Timeout` if an object never gets quiet: it ran a thousand times, or waited for an hour of virtual time. The
    /// message names it, says why it ran, and tells what happened.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1", register = false)]
    /// # struct Device { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    ///
    /// #[reconciler(register = false)]
    /// async fn never_content(device: &mut Device) -> Result<Action> {
    ///     let _ = device;
    ///     Ok(Action::Requeue)
    /// }
    ///
    /// Harness::run(Controller::empty().reconciler::<never_content>(), async |h| {
    ///     h.apply(Device::new("dev-123", Spec::default())).await?;
    ///     let error = h.settle().await.unwrap_err();
    ///     assert!(error.to_string().starts_with("Device dev-123 never gets quiet: it ran 1000 times"), "{error}");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn settle(&self) -> Result<()> {
        self.log().count_anew(false);
        let patience = Instant::now() + PATIENCE;
        loop {
            self.idle().await?;
            if self.is_quiet() {
                return Ok(());
            }
            // All tasks wait, so what is not over waits for a timer: the clock moves on to it.
            tokio::select! {
                biased;
                error = self.log().alarmed() => return Err(error),
                () = self.log().stirred() => {}
                () = self.caught_up() => {}
                () = self.collected() => {}
                () = tokio::time::sleep_until(patience) => return Err(self.unquiet()),
            }
        }
    }

    /// Lets virtual time pass. What falls due on the way happens when it is due, in its order, and so does what falls due
    /// at the last moment. It takes no real time but that of the runs. Runs that are not over by then go on afterwards.
    ///
    /// # Errors
    /// `Timeout` if an object never gets quiet: it ran a thousand times while the clock stood still.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1", register = false)]
    /// # struct Device { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    ///
    /// #[reconciler(register = false)]
    /// async fn look_again(device: &mut Device) -> Result<Action> {
    ///     info!("{} is looked at", device.name());
    ///     Ok(Action::RequeueAfter(Duration::from_secs(300)))
    /// }
    ///
    /// Harness::run(Controller::empty().reconciler::<look_again>(), async |h| {
    ///     h.apply(Device::new("dev-123", Spec::default())).await?;
    ///     h.settle().await?;
    ///     h.advance(Duration::from_secs(3_600)).await?;
    ///     assert_eq!(h.runs().len(), 1 + 12);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn advance(&self, duration: Duration) -> Result<()> {
        self.log().count_anew(true);
        tokio::select! {
            biased;
            error = self.log().alarmed() => return Err(error),
            () = tokio::time::sleep(duration) => {}
        }
        self.idle().await
    }

    /// Has every object reconciled once more, by kind and uid, and waits until it is quiet. A reconciler whose work is done does nothing
    /// then, which [`assert_idle`](Self::assert_idle) sees.
    ///
    /// # Errors
    /// As for [`settle`](Self::settle).
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1", conditions(Ready), register = false)]
    /// # struct Device { metadata: Metadata, spec: Spec, status: Status }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # #[serde(default)]
    /// # struct Status { conditions: Conditions }
    ///
    /// #[reconciler(register = false)]
    /// async fn check(device: &mut Device) -> Result<Action> {
    ///     device.set_ready(true, "Answers", "The device answers");
    ///     Ok(Action::AwaitChange)
    /// }
    ///
    /// Harness::run(Controller::empty().reconciler::<check>(), async |h| {
    ///     h.apply(Device::new("dev-123", Spec::default())).await?;
    ///     h.settle().await?;
    ///     h.look_away();
    ///     h.reconcile_all().await?;
    ///     assert_eq!(h.runs().len(), 1);
    ///     h.assert_idle();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn reconcile_all(&self) -> Result<()> {
        let (client, handle) = (self.client(), self.controller().handle());
        for kind in client.kinds().iter().map(|kind| kind.group_kind()) {
            let Some(queue) = handle.queue(kind) else { continue };
            let mut keys = client.keys(kind);
            keys.sort_unstable();
            for key in keys {
                queue.add(key, Reason::Asked("the test asks".into()).into());
            }
        }
        self.settle().await
    }

    /// Waits until every task waits for something.
    ///
    /// The clock of a runtime with one thread stands still as long as a task can run or a blocking call is under way, so a
    /// timer fires only when there is nothing else to do.
    async fn idle(&self) -> Result<()> {
        tokio::select! {
            biased;
            error = self.log().alarmed() => Err(error),
            () = tokio::time::sleep(TICK) => Ok(()),
        }
    }

    fn is_quiet(&self) -> bool {
        let controller = self.controller();
        let is_caught_up = controller.client().seen() >= self.recorder().latest();
        controller.pending() == 0 && !controller.is_collecting() && is_caught_up
    }

    /// Waits until the cache shows what was written; for ever if it does so already.
    async fn caught_up(&self) {
        let (client, latest) = (self.controller().client(), self.recorder().latest());
        if client.seen() >= latest {
            std::future::pending::<()>().await;
        }
        client.wait_seen(latest).await;
    }

    /// Lets garbage collection try again what failed; for ever if there is nothing.
    async fn collected(&self) {
        if !self.controller().is_collecting() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(RETRY).await;
    }

    /// Why it does not get quiet.
    fn unquiet(&self) -> Error {
        let running = self.log().running();
        let runs = running
            .iter()
            .map(|run| format!("{} since {:.3}s, because: {}", run.object, run.at.as_secs_f64(), run.reasons));
        let runs = runs.collect::<Vec<_>>().join("; ");
        let what = match runs.as_str() {
            "" if self.controller().is_collecting() => "garbage collection does not come to its end",
            "" => "the cache does not catch up with the store",
            runs => runs,
        };
        self.log().trouble(&format!(
            "it does not get quiet within {PATIENCE:?} of virtual time: {what}; a run that waits for something outside the \
             runtime (a socket, a process, a thread) can't be tested on a clock that stands still"
        ))
    }
}
