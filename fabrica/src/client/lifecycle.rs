//! The client itself: what its clones share, its start and its end.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::cached::CachedObject;
use super::follower::{Follower, Shared};
use super::kinds::{Kind, Kinds};
use super::observer::Observer;
use super::settings::ClientSettings;
use super::trouble;
use crate::event::{Event, EventBus};
use crate::resource::{GroupKind, Metadata, Namespace, ObjectKey, RecordedEvent, Resource, ResourceType, Uid};
use crate::store::{Revision, Store};
use crate::{Error, ErrorKind, Result};

/// Reads and writes objects.
///
/// Reads come from a cache in memory that holds every object of the known kinds, decoded once a change; an `Arc` is all
/// that a read costs. A write returns when the cache shows it: whoever waited for a write sees it in every read after,
/// through any clone of the client.
///
/// Clones are cheap and share everything. The cache is kept by a task, which ends with the last clone.
///
/// ```
/// use std::sync::Arc;
/// use fabrica::client::{Client, ClientSettings};
/// use fabrica::event::EventBus;
/// use fabrica::resource::{Namespace, Resource};
/// use fabrica::store::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// let store = Arc::new(MemoryStore::new());
/// let client = Client::start(store, vec![], EventBus::new(), ClientSettings::default()).await?;
/// let created = client.create(Namespace::new("lab")).await?;
/// let read = client.get::<Namespace>(created.uid()).await?;
/// assert_eq!(read.name(), "lab");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    /// Are its writes only tried?
    pub(super) dry_run: bool,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: ClientSettings,
    types: Box<[&'static ResourceType]>,
    closed: watch::Sender<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Client {
    /// Reads everything that a store holds of the given kinds and of the built-in ones, and keeps up with it from then
    /// on. The namespace `default` is created if it is missing.
    ///
    /// Objects of other kinds are left alone. Costs one pass over all objects.
    ///
    /// # Errors
    /// `Startup` if two types are for one kind, a selectable field is no path, or the events' prefix is none;
    /// what the store answers if it can't be read.
    pub async fn start(
        store: Arc<dyn Store>,
        types: Vec<&'static ResourceType>,
        bus: EventBus,
        settings: ClientSettings,
    ) -> Result<Self> {
        let prefix = &settings.event_prefix;
        Event::new(format!("{prefix}.x.created")).map_err(|error| {
            Error::new(ErrorKind::Startup, format!("the event prefix {prefix:?} is wrong: {error}"))
        })?;
        let types: Vec<_> = [Namespace::TYPE, RecordedEvent::TYPE].into_iter().chain(types).collect();
        let kinds = Kinds::new(&types, prefix)?;
        let types = kinds.all().iter().map(|kind| kind.type_).collect();
        let shared = Arc::new(Shared::new(kinds, bus));
        let (closed, receiver) = watch::channel(false);
        let follower = Follower::new(shared.clone(), store.clone(), receiver);
        let watch = follower.fill().await.map_err(|error| trouble::reading("the first list of all objects", &error))?;
        tokio::spawn(follower.run(watch));
        let client = Self { inner: Arc::new(Inner { shared, store, settings, types, closed }), dry_run: false };
        client.ensure_default_namespace().await?;
        Ok(client)
    }

    async fn ensure_default_namespace(&self) -> Result<()> {
        let kind = self.kind(Namespace::TYPE.group_kind())?;
        if kind.cache.read().by_name("", Namespace::DEFAULT).is_some() {
            return Ok(());
        }
        let default = Namespace::new(Namespace::DEFAULT).with_uid(Namespace::DEFAULT);
        match self.create(default).await {
            // Another program on the same store was faster.
            Err(error) if error.is_already_exists() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Lets the cache stand still and ends every watch and wait. Writes still reach the store, and return as soon as
    /// they have.
    pub fn close(&self) {
        // Without a receiver the follower has ended already.
        let _ = self.inner.closed.send(true);
        self.inner.shared.close();
    }

    /// The known kinds, ordered by group and kind; the built-in ones are among them.
    #[must_use]
    pub fn kinds(&self) -> &[&'static ResourceType] {
        &self.inner.types
    }

    /// Who writes, in the records of who manages which field.
    #[must_use]
    pub fn field_manager(&self) -> &str {
        &self.inner.settings.field_manager
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    pub(super) fn kind(&self, kind: GroupKind) -> Result<&Arc<Kind>> {
        self.inner.shared.kinds.get(kind)
    }

    /// The object as of now.
    pub(crate) fn cached(&self, key: &ObjectKey) -> Option<CachedObject> {
        self.inner.shared.kinds.find(key.kind)?.cache.read().get(&key.uid).cloned()
    }

    /// Every object of a kind, those that can't be decoded included; by name, unless one has none that can be read.
    pub(crate) fn keys(&self, kind: GroupKind) -> Vec<ObjectKey> {
        let Some(found) = self.inner.shared.kinds.find(kind) else { return Vec::new() };
        found.cache.read().uids().map(|uid| ObjectKey { kind, uid: uid.clone() }).collect()
    }

    /// How many objects of a kind there are, those that can't be decoded included.
    #[cfg(any(feature = "api", feature = "cli"))]
    pub(crate) fn count(&self, kind: GroupKind) -> usize {
        self.inner.shared.kinds.find(kind).map_or(0, |found| found.cache.read().len())
    }

    /// What is in a namespace: the objects of every namespaced kind of the program.
    pub(crate) fn contents_of(&self, namespace: &str) -> Vec<ObjectKey> {
        let namespaced = self.kinds().iter().filter(|type_| type_.namespaced);
        namespaced
            .filter_map(|type_| self.inner.shared.kinds.find(type_.group_kind()))
            .flat_map(|kind| {
                let key = |uid: &Uid| ObjectKey { kind: kind.group_kind(), uid: uid.clone() };
                kind.cache.read().in_namespace(namespace).map(key).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Tells an observer of every change from now on. Register it first and read [`Self::keys`] then: so nothing is
    /// missed between the two.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        self.inner.shared.observe(observer);
    }

    /// The revision up to which the cache has everything.
    pub(crate) fn seen(&self) -> Revision {
        self.inner.shared.progress.seen()
    }

    /// Waits until the cache has everything up to a revision, or the client is closed.
    #[cfg(any(feature = "api", feature = "testing"))]
    #[cfg_attr(not(feature = "testing"), allow(dead_code))]
    pub(crate) async fn wait_seen(&self, revision: Revision) {
        self.inner.shared.progress.wait(revision).await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.seen().get();
        f.debug_struct("Client").field("kinds", &self.inner.types).field("seen", &seen).finish_non_exhaustive()
    }
}

/// What an object is called in messages: `Device dev-123`, or `Device lab/dev-123`.
pub(super) fn title(type_: &ResourceType, metadata: &Metadata) -> String {
    title_of(type_.kind, if type_.namespaced { &metadata.namespace } else { "" }, metadata)
}

/// As [`title`], for an object whose namespace is known to be right.
pub(crate) fn title_of(kind: &str, namespace: &str, metadata: &Metadata) -> String {
    let name =
        [&metadata.name, metadata.uid.as_str(), &metadata.generate_name].into_iter().find(|name| !name.is_empty());
    let name = name.map_or("without a name", |name| name);
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}
