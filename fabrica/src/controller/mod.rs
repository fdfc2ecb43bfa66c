//! Who acts: the controller, its workers and its wake-up rules.
//!
//! It promises:
//!
//! - **C1** level-triggered: at start every existing object of a reconciled kind is reconciled once;
//! - **C2** a reconcile sees the object as of now, never older than this process's own last write;
//! - **C3** a run doesn't wake itself by its status, its finalizer or an event about its object; everything else wakes;
//! - **C4** the status is saved as the difference that the run made, on top of the newest object;
//! - **C5** a panic, a timeout or an object that can't be read costs that object a backoff or a wait, and a report;
//! - **C6** concurrency is bounded per kind, and a slow kind that yields never starves another;
//! - **C7** [`Controller::stop`] takes no new work, lets runs finish within a grace period, then cancels them;
//! - **C8** why a run happened is known: [`Context::reasons`](crate::reconciler::Context::reasons), a span field, and a
//!   warning when one object runs hot;
//! - **C9** failure is visible: [`Controller::failure`].

#[cfg(feature = "testing")]
mod around;
mod builder;
mod failures;
mod garbage;
mod guard;
mod heat;
mod holders;
mod kind;
mod namespaces;
mod notices;
mod overdue;
mod run;
mod stats;
mod wakeups;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tracing::{info, warn};

#[cfg(feature = "testing")]
pub(crate) use around::Around;
pub use builder::{Builder, DEFAULT_GRACE, DEFAULT_WORKERS};
pub use failures::Failure;
use garbage::Collector;
pub use holders::{HeldBy, Holder};
use kind::Kind;
#[cfg(feature = "api")]
pub(crate) use notices::{Notice, Noticed, Notices, Subject};
use overdue::Overdue;
pub(crate) use stats::StatsReader;
pub use stats::{ControllerStats, KindStats};
use wakeups::Wakeups;

use crate::client::Client;
use crate::event::{EventBus, TapGuard};
use crate::reconciler::Handle;
use crate::registry::Registry;
use crate::resource::{GroupKind, ObjectKey, Resource};
use crate::{Error, ErrorKind, Result};

/// A control plane: the objects, their reconcilers, and what brings the two together.
///
/// ```standalone_crate
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// #[reconciler]
/// async fn reconcile_device(device: &mut Device) -> Result<Action> {
///     info!("{} is looked after", device.name());
///     Ok(Action::AwaitChange)
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<()> {
///     let controller = Controller::discover().workers(5).build().await?;
///     controller.start().await?;
///     controller.client().create(Device::new("dev-123", Spec::default())).await?;
///     controller.stop().await
/// }
/// ```
pub struct Controller {
    registry: Registry,
    client: Client,
    bus: EventBus,
    handle: Handle,
    kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>,
    wakeups: Arc<Wakeups>,
    collector: Arc<Collector>,
    overdue: Arc<Overdue>,
    #[cfg(feature = "api")]
    notices: Arc<Notices>,
    workers: usize,
    grace: Duration,
    running: Mutex<Running>,
    /// Is everything started, and nothing stopped?
    started: Arc<AtomicBool>,
    /// Held by the one who stops, so that another waits until all has stopped.
    stopping: tokio::sync::Mutex<()>,
}

/// What a started controller holds; dropped with it.
#[derive(Default)]
struct Running {
    phase: Phase,
    workers: JoinSet<()>,
    resyncs: JoinSet<()>,
    tap: Option<TapGuard>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Built,
    Started,
    Stopped,
}

impl Controller {
    /// Everything that is linked into the program: each `#[derive(Resource)]` and each `#[reconciler]`.
    pub fn discover() -> Builder {
        Builder::new(Registry::discover())
    }

    /// Nothing yet: for tests, and for programs that say what they run.
    pub fn empty() -> Builder {
        Builder::new(Registry::empty())
    }

    /// Starts the workers. Every object of a reconciled kind is reconciled once, then whenever something happens to it.
    ///
    /// # Errors
    /// The controller was started before.
    #[allow(clippy::unused_async)] // a store that several controllers share will have to be waited for
    pub async fn start(&self) -> Result<()> {
        let mut running = self.running.lock();
        if running.phase != Phase::Built {
            let message = "the controller was started before: build another one";
            return Err(Error::new(ErrorKind::Startup, message));
        }
        running.phase = Phase::Started;
        info!("Starting reconciliation controller with {} workers", self.workers);
        // Changes are listened to before the first fill, so that none falls between the two.
        self.client.observe(Arc::clone(&self.wakeups) as _);
        self.client.observe(Arc::clone(&self.collector) as _);
        self.client.observe(Arc::clone(&self.overdue) as _);
        let wakeups = Arc::clone(&self.wakeups);
        running.tap = Some(self.bus.tap(Arc::new(move |event| wakeups.published(event))));
        for kind in self.kinds.values() {
            for _ in 0..kind.options.concurrency.unwrap_or(self.workers) {
                running.workers.spawn(Arc::clone(kind).work());
            }
            if let Some(every) = kind.options.resync {
                running.resyncs.spawn(Arc::clone(kind).resync(every));
            }
            kind.fill();
        }
        self.collector.workers().for_each(|worker| drop(running.workers.spawn(worker)));
        self.collector.fill();
        running.workers.spawn(Arc::clone(&self.overdue).work());
        self.overdue.fill();
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    /// Stops: no new run begins, running ones may finish within the grace period and are cancelled after it, and what
    /// they did is saved. Afterwards events and watches end. Stopping twice is no error.
    ///
    /// # Errors
    /// None today; a store that must be closed may have some.
    pub async fn stop(&self) -> Result<()> {
        let _stopping = self.stopping.lock().await;
        let (mut workers, tap) = {
            let mut running = self.running.lock();
            running.phase = Phase::Stopped;
            self.started.store(false, Ordering::Release);
            running.resyncs.abort_all();
            (std::mem::take(&mut running.workers), running.tap.take())
        };
        for kind in self.kinds.values() {
            kind.queue.shut_down();
        }
        self.collector.shut_down();
        self.overdue.shut_down();
        let finished = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, finished).await.is_err() {
            warn!("{} workers were still running after {:?} and are cancelled", workers.len(), self.grace);
            workers.shutdown().await;
        }
        drop(tap);
        self.bus.close();
        self.client.close();
        Ok(())
    }

    /// Is it at work? True from the end of its start to its stop.
    #[cfg(feature = "api")]
    pub(crate) fn started(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.started)
    }

    /// The client: how code reads and writes objects.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The event bus.
    #[must_use]
    pub fn bus(&self) -> &EventBus {
        &self.bus
    }

    /// What it notices about objects.
    #[cfg(feature = "api")]
    pub(crate) fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    /// For code outside a reconcile that wants one.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What is declared.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// How an object fails: the attempts, what the last one said, and when the next is; `None` if its last run went well.
    #[must_use]
    pub fn failure<T: Resource>(&self, uid: &str) -> Option<Failure> {
        self.kinds.get(&GroupKind::of::<T>())?.failures.get(uid)
    }

    /// What holds an object that is being deleted: each finalizer that is left, who must see to it, and how that went so
    /// far. Nothing if it is not being deleted, or gone. Costs a look at what belongs to it.
    ///
    /// The same stands in the log and in the condition `Deleting`, 10 s after the deletion was asked for, then at growing
    /// intervals.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1")]
    /// # struct Device { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let controller = Controller::empty().resource::<Device>().build().await?;
    /// let device = Device::new("dev-1", Spec::default()).with_uid("dev-1").with_finalizer("example.org/backup");
    /// controller.client().create(device).await?;
    /// controller.client().delete::<Device>("dev-1").await?;
    /// let holders = controller.holders::<Device>("dev-1");
    /// assert_eq!(holders[0].finalizer, "example.org/backup");
    /// # controller.stop().await }
    /// ```
    #[must_use]
    pub fn holders<T: Resource>(&self, uid: &str) -> Vec<Holder> {
        self.overdue.holders(&ObjectKey::of::<T>(uid))
    }

    /// How many objects wait for a worker or are with one, the garbage collector's among them; timers don't count.
    #[must_use]
    pub fn pending(&self) -> usize {
        let reconciled: usize = self.kinds.values().map(|kind| kind.queue.len() + kind.queue.running()).sum();
        reconciled + self.collector.pending()
    }

    /// The numbers of each reconciler and its queue: what a metrics endpoint shows. Costs a short lock per kind, and
    /// nothing per object.
    ///
    /// ```
    /// use fabrica::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let controller = Controller::empty().build().await?;
    /// let stats = controller.stats();
    /// assert_eq!((stats.kinds[0].controller.as_str(), stats.kinds[0].error), ("namespace", 0));
    /// # controller.stop().await }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ControllerStats {
        self.stats_reader().read()
    }

    /// What can read the numbers without the controller at hand.
    pub(crate) fn stats_reader(&self) -> StatsReader {
        StatsReader::new(Arc::clone(&self.kinds), self.workers)
    }

    /// Is garbage collection at work, or will it try again what failed?
    #[cfg(feature = "testing")]
    pub(crate) fn is_collecting(&self) -> bool {
        self.collector.pending() > 0 || self.collector.will_retry()
    }
}

/// A controller that is dropped without [`Controller::stop`] cancels what runs.
impl Drop for Controller {
    fn drop(&mut self) {
        // The client holds the wake-up rules, which hold the client: closing it takes them apart.
        self.client.close();
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.running.lock().phase;
        f.debug_struct("Controller").field("phase", &phase).field("kinds", &self.handle).finish_non_exhaustive()
    }
}
