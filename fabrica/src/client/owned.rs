//! Finding the objects that belong to another.

use std::sync::Arc;

use super::cached::CachedObject;
use super::kinds::Kind;
use super::lifecycle::Client;
use super::view::View;
use crate::resource::{Metadata, ObjectKey, OwnerReference, Resource, ResourceType, Uid};

impl Client {
    /// An owner that some object names, if the program knows its kind.
    pub(crate) fn owner_key(&self, reference: &OwnerReference) -> Option<ObjectKey> {
        let kind = self.inner.shared.kinds.named(reference.group(), &reference.kind)?;
        Some(ObjectKey { kind: kind.group_kind(), uid: reference.uid.clone() })
    }

    /// Something that names this owner, if anything does.
    pub(crate) fn some_child(&self, owner: &ObjectKey) -> Option<ObjectKey> {
        self.first_of(|kind| kind.cache.read().owned_by(owner.kind.group, owner.kind.kind, &owner.uid).next().cloned())
    }

    /// Something that a foreground deletion of this owner must wait for, if anything is left.
    pub(crate) fn some_blocking_child(&self, owner: &ObjectKey) -> Option<ObjectKey> {
        self.first_of(|kind| kind.cache.read().blocking(owner).next().cloned())
    }

    /// All that a foreground deletion of this owner must wait for.
    pub(crate) fn blocking_children(&self, owner: &ObjectKey) -> Vec<ObjectKey> {
        self.all_of(|kind| kind.cache.read().blocking(owner).cloned().collect())
    }

    fn first_of(&self, find: impl Fn(&Kind) -> Option<Uid>) -> Option<ObjectKey> {
        let kinds = self.inner.shared.kinds.all();
        kinds.iter().find_map(|kind| Some(ObjectKey { kind: kind.group_kind(), uid: find(kind)? }))
    }

    /// Everything that names an owner, whether or not it exists, of a kind that may be unknown to the program.
    pub(crate) fn children(&self, group: &str, kind: &str, owner: &Uid) -> Vec<ObjectKey> {
        self.all_of(|found| found.cache.read().owned_by(group, kind, owner).cloned().collect())
    }

    /// Everything that has an owner; what has several as often.
    pub(crate) fn dependents(&self) -> Vec<ObjectKey> {
        self.all_of(|kind| kind.cache.read().with_owner().cloned().collect())
    }

    /// Everything whose deletion has been asked for. Looks at every object.
    pub(crate) fn deleting(&self) -> Vec<ObjectKey> {
        self.all_of(|kind| {
            let cache = kind.cache.read();
            let is_deleting = |uid: &&Uid| cache.get(uid).is_some_and(CachedObject::is_deleting);
            cache.uids().filter(is_deleting).cloned().collect()
        })
    }

    fn all_of(&self, find: impl Fn(&Kind) -> Vec<Uid>) -> Vec<ObjectKey> {
        let keys = |kind: &Kind| {
            let group_kind = kind.group_kind();
            find(kind).into_iter().map(move |uid| ObjectKey { kind: group_kind, uid })
        };
        self.inner.shared.kinds.all().iter().flat_map(|kind| keys(kind)).collect()
    }

    /// The objects of one kind whose controller is `owner`, ordered by namespace and name.
    pub(crate) fn controlled(&self, type_: &ResourceType, owner: &ObjectKey) -> Vec<(Uid, CachedObject)> {
        let Ok(kind) = self.inner.shared.kinds.of_type(type_) else { return Vec::new() };
        let controls = |metadata: &Metadata| metadata.controller().is_some_and(|reference| reference.is_to(owner));
        let mut found = owned(kind, owner);
        found.retain(|(uid, object)| controls(&object.metadata(uid)));
        found
    }
}

/// The objects of a kind that name an owner, ordered by namespace and name.
fn owned(kind: &Kind, owner: &ObjectKey) -> Vec<(Uid, CachedObject)> {
    let cache = kind.cache.read();
    let uids = cache.owned_by(owner.kind.group, owner.kind.kind, &owner.uid);
    let mut found: Vec<_> = uids.filter_map(|uid| Some((uid.clone(), cache.get(uid)?.clone()))).collect();
    drop(cache);
    // Those that block their owner's deletion come first, in order: most often that is all of them.
    let place = |object: &CachedObject| object.place();
    if !found.is_sorted_by(|one, two| place(&one.1) <= place(&two.1)) {
        found.sort_by_cached_key(|(_, object)| place(object));
    }
    found
}

impl<T: Resource> View<T> {
    /// The objects that name an owner of any kind in their `ownerReferences`, ordered by namespace and name. Looked up in
    /// an index.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fabrica::client::{Client, ClientSettings};
    /// # use fabrica::event::EventBus;
    /// # use fabrica::store::MemoryStore;
    /// use fabrica::resource::{Namespace, ObjectKey, OwnerReference, Resource};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> fabrica::Result<()> {
    /// # let store = Arc::new(MemoryStore::new());
    /// # let client = Client::start(store, vec![], EventBus::new(), ClientSettings::default()).await?;
    /// let building = client.create(Namespace::new("building")).await?;
    /// client.create(Namespace::new("lab").with_owner(OwnerReference::to(&*building))).await?;
    /// let inside = client.cache::<Namespace>().owned_by(&ObjectKey::of::<Namespace>(building.uid().clone()));
    /// assert_eq!(inside.iter().map(|n| n.name()).collect::<Vec<_>>(), ["lab"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn owned_by(&self, owner: &ObjectKey) -> Vec<Arc<T>> {
        let Some(kind) = self.kind() else { return Vec::new() };
        owned(kind, owner).iter().filter_map(|(_, object)| super::view::typed(object)).collect()
    }
}
