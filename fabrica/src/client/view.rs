//! Reading the cache at once, without waiting.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::cached::CachedObject;
use super::kinds::Kind;
use super::lifecycle::Client;
use super::replace::namespace_of;
use crate::resource::{FieldPath, Resource, downcast};

/// The objects of one kind as the cache holds them, from [`Client::cache`]: nothing here waits, or fails.
///
/// Each call answers as of its own moment. Objects that can't be decoded are not shown. Of a kind that the program
/// doesn't know there are none.
///
/// ```
/// # use std::sync::Arc;
/// # use fabrica::client::{Client, ClientSettings};
/// # use fabrica::event::EventBus;
/// # use fabrica::store::MemoryStore;
/// use fabrica::resource::{Namespace, Resource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// # let store = Arc::new(MemoryStore::new());
/// # let client = Client::start(store, vec![], EventBus::new(), ClientSettings::default()).await?;
/// let namespaces = client.cache::<Namespace>();
/// client.create(Namespace::new("lab")).await?;
/// assert!(namespaces.by_name("", "lab").is_some());
/// assert_eq!(namespaces.all().iter().map(|n| n.name()).collect::<Vec<_>>(), ["default", "lab"]);
/// # Ok(())
/// # }
/// ```
pub struct View<T> {
    kind: Option<Arc<Kind>>,
    of: PhantomData<fn() -> T>,
}

impl Client {
    /// The objects of a kind as the cache holds them.
    #[must_use]
    pub fn cache<T: Resource>(&self) -> View<T> {
        View { kind: self.inner.shared.kinds.of::<T>().ok().cloned(), of: PhantomData }
    }
}

impl<T> View<T> {
    pub(super) fn kind(&self) -> Option<&Kind> {
        self.kind.as_deref()
    }
}

impl<T: Resource> View<T> {
    /// The object with a uid. Costs a lookup.
    #[must_use]
    pub fn get(&self, uid: &str) -> Option<Arc<T>> {
        typed(self.kind.as_ref()?.cache.read().get(uid)?)
    }

    /// The object with a name; the namespace of a namespaced kind is `default` if it is empty. Costs a lookup.
    #[must_use]
    pub fn by_name(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        let cache = self.kind.as_ref()?.cache.read();
        typed(cache.by_name(namespace_of(T::TYPE, namespace), name)?.1)
    }

    /// All objects, ordered by namespace and name. Costs a reference count each; the cache doesn't change meanwhile.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<T>> {
        let Some(kind) = &self.kind else { return Vec::new() };
        kind.cache.read().after(None).filter_map(|(_, object)| typed(object)).collect()
    }

    /// The objects with a value in a field that the kind declares as `selectable`, ordered by namespace and name. Costs
    /// a lookup and a reference count each. Of any other field there are none.
    #[must_use]
    pub fn select(&self, field: &str, value: &str) -> Vec<Arc<T>> {
        let Some(kind) = &self.kind else { return Vec::new() };
        let field = FieldPath::parse(field).ok();
        let Some(index) = kind.fields().iter().position(|known| Some(known) == field.as_ref()) else {
            return Vec::new();
        };
        kind.cache.read().with_field(index, value, None).filter_map(|(_, object)| typed(object)).collect()
    }

    /// How many objects there are, those that can't be decoded included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kind.as_ref().map_or(0, |kind| kind.cache.read().len())
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

pub(super) fn typed<T: Resource>(object: &CachedObject) -> Option<Arc<T>> {
    downcast(object.object()?.clone())
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone(), of: PhantomData }
    }
}

impl<T: Resource> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("kind", &T::KIND).field("len", &self.len()).finish()
    }
}
