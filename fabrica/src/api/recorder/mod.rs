//! Keeps record of what happens to objects, for `kubectl describe` and `kubectl events`.
//!
//! Recorded is what the controller notices (a reconcile failed, a finalizer is waited for, ..) and what users publish
//! about an object: `ctx.emit`, and `bus.publish` with the kind and the uid of one. It is stored as a
//! [`RecordedEvent`](crate::resource::RecordedEvent):
//!
//! - equal ones are one, with a count; those that come within half a second are one write;
//! - from the 10th one within 10 minutes that differs in the message only, they are one, too: "(combined from similar
//!   events): ..";
//! - an object has 25 writes at once and one more every 5 minutes. What is over that is counted with the next write, if
//!   it is equal to something stored, else dropped;
//! - one goes an hour after it happened last, also after a restart; an object has 100 at most, of which the oldest go.
//!
//! Nobody ever waits for a record. Memory is bounded: while the store can't answer, no more than some thousand different
//! ones wait, and what is lost is counted.

mod budget;
mod counts;
mod plan;
mod sweep;
mod task;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::warn;

pub(crate) use counts::{Counters, RecorderCounts};
use task::Task;

use crate::controller::{Controller, Notice};
use crate::event::TapGuard;

/// How long an event is kept after it happened last, unless said otherwise.
pub(crate) const DEFAULT_EVENT_TTL: Duration = Duration::from_secs(60 * 60);

/// Records, until it is stopped or dropped. A controller has one at a time.
pub(crate) struct Recorder {
    counters: Arc<Counters>,
    task: JoinHandle<()>,
    /// Its end is what stops the task.
    _stop: watch::Sender<()>,
    _tap: TapGuard,
}

impl Recorder {
    /// Starts to record, and to delete what is older than `event_ttl`. The controller may be started before or after.
    pub(crate) fn start(controller: &Controller, event_ttl: Duration) -> Self {
        let notices = Arc::clone(controller.notices());
        notices.listen(true);
        let tapped = Arc::clone(&notices);
        let tap = controller.bus().tap(Arc::new(move |event| tapped.say(|| Notice::of_event(event, None))));
        let counters = Arc::new(Counters::default());
        let (stop, stopping) = watch::channel(());
        let task = Task::new(controller.client().clone(), notices, event_ttl, Arc::clone(&counters), stopping);
        Self { counters, task: tokio::spawn(task.run()), _stop: stop, _tap: tap }
    }

    /// Stops, once what was said until now is written. A store that can't answer is asked once more and not waited for.
    pub(crate) async fn stop(self) {
        let Self { task, _stop: stop, _tap: tap, .. } = self;
        drop((tap, stop));
        if let Err(error) = task.await {
            warn!("the recorder of events ended with {error}");
        }
    }

    /// What becomes of events.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }
}

#[cfg(test)]
mod tests;
