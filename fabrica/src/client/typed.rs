//! The typed face of the client: thin shims over what works on objects of any kind.

use std::sync::Arc;

use super::cached::CachedObject;
use super::delete::DeleteOptions;
use super::dynamic::shared;
use super::lifecycle::Client;
use super::list::{List, ListOptions};
use super::patch::{Part, Patch, UnknownFields};
use super::watch::{Change, Changes, WatchOptions};
use crate::resource::{ObjectKey, Resource, Uid, downcast};
use crate::{Error, ErrorKind, Result};

impl Client {
    /// Creates an object.
    ///
    /// A missing uid is assigned; a name that is missing beside a `generateName` is made from it; a missing namespace
    /// is `default`. The generation is 1. The status starts as the default one: it belongs to who
    /// observes, see [`Self::update_status`].
    ///
    /// # Errors
    /// `Invalid` with every fault, also if the namespace is being deleted; `AlreadyExists` if the uid or the name is
    /// taken, or the uid is that of an owner that is gone and something that belonged to it is not; `NotFound` if there is no such namespace, or the program doesn't know the kind; what the store answers.
    pub async fn create<T: Resource>(&self, object: T) -> Result<Arc<T>> {
        typed(&self.create_object(Box::new(object)).await?)
    }

    /// The object with a uid, as of now.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if what the store holds can't be decoded.
    #[expect(clippy::unused_async, reason = "a cache that doesn't hold everything would have to wait")]
    pub async fn get<T: Resource>(&self, uid: impl Into<Uid> + Send) -> Result<Arc<T>> {
        self.inner.shared.kinds.of::<T>()?;
        typed(&self.target(&ObjectKey::of::<T>(uid))?.newest)
    }

    /// The object with a name, as of now. The namespace is empty for a kind that is not namespaced; for one that is,
    /// empty means `default`.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if what the store holds can't be decoded.
    pub async fn get_by_name<T: Resource>(&self, namespace: &str, name: &str) -> Result<Arc<T>> {
        let key = self.find(T::TYPE, namespace, name)?;
        self.get(key.uid).await
    }

    /// The objects that are selected, ordered by namespace and name.
    ///
    /// # Errors
    /// `Invalid` for a field that the kind can't be selected by, or a made-up `continue_`.
    #[expect(clippy::unused_async, reason = "a cache that doesn't hold everything would have to wait")]
    pub async fn list<T: Resource>(&self, options: ListOptions) -> Result<List<T>> {
        let (items, continue_, resource_version) = self.list_cached(T::TYPE, options)?;
        Ok(List { items: items.iter().map(typed).collect::<Result<_>>()?, continue_, resource_version })
    }

    /// Updates an object that was read and changed: spec, labels, annotations, finalizers and owner references become
    /// as given. The status stays; see [`Self::update_status`]. An update without a difference writes nothing.
    ///
    /// Removing the last finalizer of an object that is being deleted deletes it; the answer is what it was at last.
    ///
    /// # Errors
    /// `Conflict` unless the object's `resourceVersion` is the newest: read it again and repeat; also if the object of
    /// that name has another uid. `Invalid` with every
    /// fault, also if there is no `resourceVersion`; `NotFound`; what the store answers.
    pub async fn update<T: Resource>(&self, object: T) -> Result<Arc<T>> {
        typed(&self.update_object(&object).await?)
    }

    /// Creates an object, or makes the existing one of the same uid (without one: of the same name) as given: the spec
    /// becomes as given; labels, annotations, finalizers and owner references that are given are added or changed,
    /// others stay. A `resourceVersion` doesn't matter, and the status stays. Without a difference nothing is written.
    ///
    /// # Errors
    /// `Invalid` with every fault; as for [`Self::create`]; what the store answers.
    pub async fn apply<T: Resource>(&self, object: T) -> Result<Arc<T>> {
        typed(&self.apply_object(&object).await?.1)
    }

    /// Patches metadata and spec. Changes of the status are left out; see [`Self::patch_status`]. The patch is made
    /// again if somebody else writes meanwhile, unless it names a `resourceVersion`. A patch without a difference writes
    /// nothing; fields that the kind doesn't know are left out.
    ///
    /// Removing the last finalizer of an object that is being deleted deletes it; the answer is what it was at last.
    ///
    /// # Errors
    /// `Invalid` with every fault, if the patch can't be applied, what comes of it is invalid, or it changes what
    /// nobody may change; `Conflict` if it names another `resourceVersion` or `uid`; `TooLarge` if a JSON patch asks for
    /// more than [`Patch::Json`] may; `NotFound`; what the store answers.
    pub async fn patch<T: Resource>(&self, uid: impl Into<Uid> + Send, patch: Patch) -> Result<Arc<T>> {
        self.inner.shared.kinds.of::<T>()?;
        typed(&self.patch_part(&ObjectKey::of::<T>(uid), &patch, Part::Main, UnknownFields::Prune).await?.0)
    }

    /// Replaces the status of an object, and changes nothing else.
    ///
    /// # Errors
    /// `Conflict` if the object has a `resourceVersion` and there is a newer one, or the object of that name has another
    /// uid; `Invalid` for a kind without a
    /// status; `NotFound`; what the store answers.
    pub async fn update_status<T: Resource>(&self, object: T) -> Result<Arc<T>> {
        typed(&self.update_object_status(&object).await?)
    }

    /// Patches the status; changes of anything else are left out. The patch is one of the whole object, as in
    /// `{"status": {"state": "running"}}`.
    ///
    /// # Errors
    /// As for [`Self::patch`].
    pub async fn patch_status<T: Resource>(&self, uid: impl Into<Uid> + Send, patch: Patch) -> Result<Arc<T>> {
        self.inner.shared.kinds.of::<T>()?;
        typed(&self.patch_part(&ObjectKey::of::<T>(uid), &patch, Part::Status, UnknownFields::Prune).await?.0)
    }

    /// Deletes an object: at once, or when its last finalizer is removed. See [`Self::wait_deleted`].
    ///
    /// # Errors
    /// As for [`Self::delete_with`].
    pub async fn delete<T: Resource>(&self, uid: impl Into<Uid> + Send) -> Result<()> {
        self.delete_with::<T>(uid, DeleteOptions::default()).await
    }

    /// Deletes an object if it is as the options say.
    ///
    /// # Errors
    /// `NotFound`, also if it went meanwhile; `Conflict` with both values if it is another version, or another object,
    /// than the options say; `Invalid` for the
    /// namespace `default`; what the store answers.
    pub async fn delete_with<T: Resource>(&self, uid: impl Into<Uid> + Send, options: DeleteOptions) -> Result<()> {
        self.inner.shared.kinds.of::<T>()?;
        self.delete_key(&ObjectKey::of::<T>(uid), &options).await.map(drop)
    }

    /// Watches objects: first every one that exists, as [`Change::Added`], ordered by namespace and name; then every
    /// change, in order, without a gap.
    ///
    /// A reader that is more than some thousand changes behind sees several changes of one object as one, from what it
    /// was shown to what is. So does everybody after the store's own watch had to begin anew.
    ///
    /// # Errors
    /// `NotFound` if the program doesn't know the kind; `Invalid` for a field that it can't be selected by.
    pub fn watch<T: Resource>(&self, options: WatchOptions) -> Result<Changes<T>> {
        Ok(Changes::new(self.watch_objects(T::TYPE, options)?))
    }

    /// Waits until the object with a uid exists and a predicate holds for it, and returns it. The predicate is asked
    /// once for what there is, and once for every change. It has no timeout of its own.
    ///
    /// # Errors
    /// `NotFound` if the program doesn't know the kind; `Unavailable` if the client is closed.
    pub async fn wait_until<T: Resource>(
        &self,
        uid: impl Into<Uid> + Send,
        mut predicate: impl FnMut(&T) -> bool + Send,
    ) -> Result<Arc<T>> {
        let uid = uid.into();
        let mut changes = self.watch::<T>(WatchOptions { uid: Some(uid.clone()), ..WatchOptions::default() })?;
        while let Some(change) = changes.next().await {
            if let Change::Added(object) | Change::Modified { new: object, .. } = change
                && predicate(&object)
            {
                return Ok(object);
            }
        }
        Err(closed::<T>(&uid))
    }

    /// Waits until the object with a uid is gone. Returns at once if there is none. It has no timeout of its own.
    ///
    /// # Errors
    /// As for [`Self::wait_until`].
    pub async fn wait_deleted<T: Resource>(&self, uid: impl Into<Uid> + Send) -> Result<()> {
        self.wait_key_deleted(T::TYPE, uid.into()).await
    }
}

/// An object as its Rust type.
pub(crate) fn typed<T: Resource>(object: &CachedObject) -> Result<Arc<T>> {
    let object = downcast(shared(T::TYPE, object)?);
    object.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the object is no `{}`", std::any::type_name::<T>())))
}

fn closed<T: Resource>(uid: &Uid) -> Error {
    super::trouble::closed(format_args!("{} {uid}", T::KIND))
}
