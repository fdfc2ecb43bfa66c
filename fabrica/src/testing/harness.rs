//! The harness: a controller, its store and its clock.

use std::fmt;
use std::sync::Arc;

use super::around::Witness;
use super::clock;
use super::log::Log;
use super::recorder::{Recorder, Scribe};
use crate::client::{Client, ListOptions};
use crate::controller::{Builder, Controller};
use crate::resource::Resource;
use crate::store::MemoryStore;
use crate::{Error, ErrorKind, Result};

/// A controller under test: the real one, on a store in memory and a clock that stands still until everybody waits.
///
/// With `#[tokio::test]`:
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
/// async fn check(device: &mut Device, ctx: &Context) -> Result<Action> {
///     if device.set_ready(true, "Answers", "The device answers") {
///         ctx.emit("io.example.device.ready", device).await?;
///     }
///     Ok(Action::RequeueAfter(Duration::from_secs(60)))
/// }
///
/// # /*
/// #[tokio::test]
/// # */
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { a_device_gets_ready().await }
/// async fn a_device_gets_ready() -> Result<()> {
///     let h = Harness::start(Controller::empty().reconciler::<check>()).await?;
///     h.apply(Device::new("dev-123", Spec::default())).await?;
///     h.settle().await?;
///     assert!(h.get::<Device>("dev-123").is_ready());
///     h.assert_writes(["created Device dev-123", "status Device dev-123"]);
///     h.assert_events("io.example.**", ["io.example.device.ready"]);
///
///     h.advance(Duration::from_secs(600)).await?; // ten checks
///     h.assert_idle(); // and none of them wrote anything
///     assert_eq!(h.runs().len(), 1 + 10);
///     Ok(())
/// }
/// ```
///
/// Without a macro, [`Harness::run`] brings the runtime.
///
/// Assertions look at what happened since the last time they did. One that fails prints the whole story: every run with
/// its reasons, every write with its author, every event, with the virtual time.
///
/// Dropping the harness stops the controller.
pub struct Harness {
    controller: Controller,
    store: MemoryStore,
    recorder: Arc<Recorder>,
    log: Arc<Log>,
}

impl Harness {
    /// Stops the clock of the current runtime, and starts a controller on an empty store of the harness' own.
    ///
    /// A store that the builder names is not used.
    ///
    /// # Errors
    /// `Startup` if the runtime has several threads, or there is none; as for [`Builder::build`].
    pub async fn start(builder: Builder) -> Result<Self> {
        Self::start_on(MemoryStore::new(), builder).await
    }

    /// As [`Harness::start`], on a store that may hold objects: one that was filled before, or the store of another
    /// harness, to see what a restart does. What is there is reconciled in no particular order.
    ///
    /// # Errors
    /// As for [`Harness::start`].
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1", register = false)]
    /// # struct Device { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    /// # #[reconciler(register = false)]
    /// # async fn check(device: &mut Device) -> Result<Action> { let _ = device; Ok(Action::AwaitChange) }
    ///
    /// let builder = || Controller::empty().reconciler::<check>();
    /// Harness::run(builder(), async |h| {
    ///     h.apply(Device::new("dev-123", Spec::default())).await?;
    ///     h.controller().stop().await?;
    ///
    ///     let restarted = Harness::start_on(h.store().clone(), builder()).await?;
    ///     restarted.settle().await?;
    ///     assert_eq!(restarted.runs()[0].reasons, "started");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn start_on(store: MemoryStore, builder: Builder) -> Result<Self> {
        clock::pause().await?;
        let log = Arc::new(Log::new());
        let recorder = Arc::new(Recorder::new(store.clone()));
        let witness = Arc::new(Witness { log: Arc::clone(&log) });
        let builder = builder.shared_store(Arc::clone(&recorder) as _).around(witness);
        let controller = builder.build().await?;
        // Before the controller listens: a change is written down before anybody runs because of it.
        controller.client().observe(Arc::new(Scribe { log: Arc::clone(&log), recorder: Arc::clone(&recorder) }));
        log.listen(controller.bus());
        controller.start().await?;
        Ok(Self { controller, store, recorder, log })
    }

    /// Runs a test in a runtime of its own, without a macro.
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
    /// Harness::run(Controller::empty().resource::<Device>(), async |h| {
    ///     h.apply(Device::new("dev-123", Spec::default())).await?;
    ///     assert_eq!(h.list::<Device>().len(), 1);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    ///
    /// # Errors
    /// The test's own; `Startup` if it is called within a runtime; as for [`Harness::start`].
    pub fn run<T>(builder: Builder, test: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let message =
                "`Harness::run` brings its own runtime and can't run within another: use `Harness::start` here";
            return Err(Error::new(ErrorKind::Startup, message));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        runtime.block_on(async {
            let harness = Self::start(builder).await?;
            test(&harness).await
        })
    }

    /// The controller.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.settle().await?;
    ///     assert_eq!(h.controller().pending(), 0);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The controller's client: for whatever the harness has no short word for.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     let lab = h.client().create(Namespace::new("lab")).await?;
    ///     assert_eq!(h.client().get::<Namespace>(lab.uid()).await?.name(), "lab");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn client(&self) -> &Client {
        self.controller.client()
    }

    /// The store, which can be told to fail: see [`MemoryStore::faults`].
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.store().faults().fail_next(1, fabrica::store::Fault::Unavailable);
    ///     assert!(h.apply(Namespace::new("lab")).await.is_err());
    ///     assert!(h.apply(Namespace::new("lab")).await.is_ok());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// Creates an object, or makes the existing one of its name as given; see [`Client::apply`]. What follows from it
    /// has only begun: [`settle`](Self::settle) waits for it.
    ///
    /// # Errors
    /// As for [`Client::apply`].
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     h.apply(Namespace::new("lab")).await?; // it is so already
    ///     h.assert_writes(["created Namespace lab"]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn apply<T: Resource>(&self, object: T) -> Result<Arc<T>> {
        self.client().apply(object).await
    }

    /// Deletes the object of a name: at once, or when its last finalizer is removed.
    ///
    /// # Errors
    /// As for [`Client::delete`].
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     h.delete::<Namespace>("lab").await?;
    ///     h.settle().await?; // what is in it goes first
    ///     assert!(h.find::<Namespace>("lab").is_none());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub async fn delete<T: Resource>(&self, name: &str) -> Result<()> {
        let (namespace, name) = split(name);
        let key = self.client().find(T::TYPE, namespace, name)?;
        self.client().delete::<T>(key.uid).await
    }

    /// The object of a name, as it is now; `namespace/name` for one outside the namespace `default`.
    ///
    /// # Panics
    /// There is none, with the story of what happened.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     assert_eq!(h.get::<Namespace>("default").name(), "default");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn get<T: Resource>(&self, name: &str) -> Arc<T> {
        self.find(name).unwrap_or_else(|| panic!("there is no {} {name}\n{}", T::KIND, self.story()))
    }

    /// The object of a name, as it is now, if there is one.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     assert!(h.find::<Namespace>("lab").is_none());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn find<T: Resource>(&self, name: &str) -> Option<Arc<T>> {
        let (namespace, name) = split(name);
        let key = self.client().find(T::TYPE, namespace, name).ok()?;
        self.client().cache::<T>().get(&key.uid)
    }

    /// All objects of a kind, ordered by namespace and name.
    ///
    /// # Panics
    /// The builder doesn't know the kind, or the store holds something that can't be decoded.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     let names: Vec<String> = h.list::<Namespace>().iter().map(|namespace| namespace.name().to_owned()).collect();
    ///     assert_eq!(names, ["default", "lab"]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn list<T: Resource>(&self) -> Vec<Arc<T>> {
        let objects = futures_util::FutureExt::now_or_never(self.client().list::<T>(ListOptions::default()));
        match objects {
            Some(Ok(list)) => list.items,
            Some(Err(error)) => panic!("the objects of kind {} can't be listed: {error}", T::KIND),
            None => Vec::new(),
        }
    }

    /// What happened so far, a line for each run, write and event, as a failed assertion shows it.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     assert!(h.story().contains("write  created Namespace lab"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn story(&self) -> String {
        self.log.story()
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}

/// The namespace and the name in `namespace/name`.
fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("", name))
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("controller", &self.controller).finish_non_exhaustive()
    }
}
