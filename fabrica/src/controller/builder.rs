//! From declarations to a controller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info};

use super::garbage::Collector;
use super::holders::Holders;
use super::kind::Kind;
use super::notices::Notices;
use super::overdue::Overdue;
use super::wakeups::Wakeups;
use super::{Controller, namespaces};
use crate::client::{Client, ClientSettings};
use crate::event::EventBus;
use crate::reconciler::{Handle, KindQueue, Options, Reconciler, ReconcilerType, Shared, States};
use crate::registry::Registry;
use crate::resource::Resource;
use crate::store::{MemoryStore, Store};
use crate::{Error, ErrorKind, Result};

/// How many objects of one kind are reconciled at once, unless said otherwise.
pub const DEFAULT_WORKERS: usize = 16;

/// How long [`Controller::stop`] lets running reconciles finish, unless said otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// Collects what a controller is made of. Start with [`Controller::discover`] or [`Controller::empty`].
#[must_use]
pub struct Builder {
    registry: Registry,
    store: Option<Arc<dyn Store>>,
    states: States,
    workers: usize,
    grace: Duration,
    settings: ClientSettings,
    #[cfg(feature = "testing")]
    around: Option<Arc<dyn super::Around>>,
}

impl Builder {
    pub(super) fn new(registry: Registry) -> Self {
        let settings = ClientSettings::default();
        let (store, states, workers, grace) = (None, States::default(), DEFAULT_WORKERS, DEFAULT_GRACE);
        Self {
            registry,
            store,
            states,
            workers,
            grace,
            settings,
            #[cfg(feature = "testing")]
            around: None,
        }
    }

    /// Adds a resource type that nothing reconciles; one that is there already is not added twice.
    pub fn resource<T: Resource>(mut self) -> Self {
        self.registry = self.registry.resource::<T>();
        self
    }

    /// Adds a reconciler and its kind; one that is there already is not added twice.
    pub fn reconciler<R: Reconciler>(mut self) -> Self {
        self.registry = self.registry.reconciler::<R>();
        self
    }

    /// Keeps objects in a store; without this they are kept in memory and go with the process.
    pub fn store(self, store: impl Store) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// As [`Builder::store`], for a store that others hold too.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Was a store set?
    #[cfg(feature = "cli")]
    pub(crate) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Registers a value for the reconcilers that ask for `State<X>`.
    pub fn state<X: Clone + Send + Sync + 'static>(mut self, value: X) -> Self {
        self.states.insert(value);
        self
    }

    /// How many objects of each kind are reconciled at once; 16 by default, 1 at least. More help where reconciles wait
    /// for something; each costs a task. A reconciler's own `concurrency` goes before it.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long [`Controller::stop`] lets running reconciles finish before it cancels them; 30 s by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The prefix of the types of the framework's own events; `io.fabrica` by default.
    pub fn event_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.event_prefix = prefix.into();
        self
    }

    /// Who this program's writes are by; its file name by default.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.settings.field_manager = name.into();
        self
    }

    /// Puts something around every run.
    #[cfg(feature = "testing")]
    pub(crate) fn around(mut self, around: Arc<dyn super::Around>) -> Self {
        self.around = Some(around);
        self
    }

    /// What is declared.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Would it start? One line in a unit test.
    ///
    /// # Errors
    /// [`ErrorKind::Startup`]: every problem, with the file, line and column of what it is about.
    pub fn check(&self) -> Result<()> {
        self.registry.check(&self.states)
    }

    /// Makes the controller: checks everything, reads the store into the cache. Nothing is reconciled yet.
    ///
    /// # Errors
    /// As for [`Builder::check`]; the program is built with `panic = "abort"`, which would let one object end the
    /// process; or the store can't be read.
    pub async fn build(self) -> Result<Controller> {
        if cfg!(panic = "abort") {
            let message = "the program can't start: it is built with `panic = \"abort\"`, and one panicking reconcile would \
                end it; take that line out of the profile in Cargo.toml";
            return Err(Error::new(ErrorKind::Startup, message));
        }
        self.check()?;
        #[cfg(feature = "testing")]
        let around = self.around.clone();
        let Self { registry, store, states, workers, grace, settings, .. } = self;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let bus = EventBus::new();
        let client = Client::start(store, registry.resources().to_vec(), bus.clone(), settings).await?;

        let declared = registry.reconcilers().iter().map(|reconciler| (*reconciler, reconciler.options()));
        let reconcilers: Vec<(&'static ReconcilerType, Options)> =
            declared.chain([namespaces::reconciler(&client)]).collect();
        let queue = |options: &Options| KindQueue::timed(options.backoff.unwrap_or_default());
        let queues: BTreeMap<_, _> = reconcilers
            .iter()
            .map(|(reconciler, options)| (reconciler.resource.group_kind(), queue(options)))
            .collect();
        let handle = Handle::new(Arc::new(queues));
        let awaited = Arc::default();
        let shared =
            Arc::new(Shared { client: client.clone(), states, handle: handle.clone(), awaited: Arc::clone(&awaited) });

        let notices = Arc::new(Notices::new(client.clone()));
        let mut kinds = BTreeMap::new();
        for (reconciler, options) in reconcilers {
            let group_kind = reconciler.resource.group_kind();
            let Some(queue) = handle.queue(group_kind).cloned() else { continue };
            if reconciler.resource.is_built_in() {
                debug!("Registered reconciler for {}", reconciler.resource.kind);
            } else {
                info!("Registered reconciler for {}", reconciler.resource.kind);
            }
            let kind = Kind::new(reconciler, options, queue, Arc::clone(&shared), bus.clone(), Arc::clone(&notices));
            #[cfg(feature = "testing")]
            let kind = kind.within(around.clone());
            kinds.insert(group_kind, Arc::new(kind));
        }
        let kinds = Arc::new(kinds);
        let wakeups = Arc::new(Wakeups::new(Arc::clone(&kinds), client.clone(), awaited));
        let collector = Arc::new(Collector::new(client.clone()));
        let holders = Holders::new(client.clone(), Arc::clone(&kinds));
        let overdue = Arc::new(Overdue::new(client.clone(), holders, Arc::clone(&notices)));
        let (running, started, stopping) = Default::default();
        Ok(Controller {
            registry,
            client,
            bus,
            handle,
            kinds,
            wakeups,
            collector,
            overdue,
            #[cfg(feature = "api")]
            notices,
            workers,
            grace,
            running,
            started,
            stopping,
        })
    }
}
