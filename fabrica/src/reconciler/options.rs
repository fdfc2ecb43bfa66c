//! How a reconciler is run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::queue::Backoff;
use crate::resource::{Metadata, Object, Resource, ResourceType, Uid};

/// The options of a reconciler, as its attribute gives them.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long a run may take before it is cancelled and counts as failed; no limit by default. A run that is
    /// cancelled saves nothing.
    pub timeout: Option<Duration>,
    /// How many objects are reconciled at once; by default what the controller's `workers` says.
    pub concurrency: Option<usize>,
    /// How long to wait after a failure; by default 1 s, doubled with each failure up to 5 min.
    pub backoff: Option<Backoff>,
    /// How often every object is reconciled even if nothing happens; never by default.
    pub resync: Option<Duration>,
    /// The patterns of the user events that wake an object; `**` by default.
    pub events: Vec<&'static str>,
    /// The other kinds whose changes wake objects of this one.
    pub watches: Vec<Watch>,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Options::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets [`Options::concurrency`].
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = Some(concurrency);
        self
    }

    /// Sets [`Options::backoff`]: `base`, doubled with each failure up to `max`.
    #[must_use]
    pub fn backoff(mut self, base: Duration, max: Duration) -> Self {
        self.backoff = Some(Backoff::exponential(base, max));
        self
    }

    /// Sets [`Options::resync`].
    #[must_use]
    pub fn resync(mut self, every: Duration) -> Self {
        self.resync = Some(every);
        self
    }

    /// Adds a pattern to [`Options::events`].
    #[must_use]
    pub fn events(mut self, pattern: &'static str) -> Self {
        self.events.push(pattern);
        self
    }

    /// Adds a kind to [`Options::watches`].
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watches.push(watch);
        self
    }
}

/// Of an object that can't be decoded, only the metadata are known.
type Map = dyn Fn(Option<&dyn Object>, &Metadata, &Client) -> Vec<Uid> + Send + Sync;

/// A kind whose changes wake objects of another: `watches(RackTemplate = racks_using)`.
#[derive(Clone)]
pub struct Watch {
    resource: &'static ResourceType,
    map: Arc<Map>,
}

impl Watch {
    /// Watches kind `W`; `map` says which objects a `W` concerns. It must not block: it reads from the client's cache.
    pub fn of<W, F, I>(map: F) -> Self
    where
        W: Resource,
        F: Fn(&W, &Client) -> I + Send + Sync + 'static,
        I: IntoIterator<Item: Into<Uid>>,
    {
        let map = move |object: Option<&dyn Object>, _: &Metadata, client: &Client| {
            object
                .and_then(|object| object.downcast_ref::<W>())
                .map_or_else(Vec::new, |watched| map(watched, client).into_iter().map(Into::into).collect())
        };
        Self { resource: W::TYPE, map: Arc::new(map) }
    }

    /// Watches a kind that is only known at run time, by the metadata of its objects: also of those that can't be decoded.
    pub(crate) fn dynamic(
        resource: &'static ResourceType,
        map: impl Fn(&Metadata, &Client) -> Vec<Uid> + Send + Sync + 'static,
    ) -> Self {
        let map = move |_: Option<&dyn Object>, metadata: &Metadata, client: &Client| map(metadata, client);
        Self { resource, map: Arc::new(map) }
    }

    /// The kind that is watched.
    #[must_use]
    pub fn resource(&self) -> &'static ResourceType {
        self.resource
    }

    /// Which objects does this one concern?
    #[must_use]
    pub fn targets(&self, object: &dyn Object, client: &Client) -> Vec<Uid> {
        self.targets_of(Some(object), object.metadata(), client)
    }

    /// As [`Watch::targets`], also for an object that can't be decoded.
    pub(crate) fn targets_of(&self, object: Option<&dyn Object>, metadata: &Metadata, client: &Client) -> Vec<Uid> {
        (self.map)(object, metadata, client)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({})", self.resource.group_kind())
    }
}
