//! The same for kinds that are known at run time only, with objects as JSON.

use std::sync::Arc;

use serde_json::Value;

use super::cached::CachedObject;
use super::delete::{DeleteOptions, Deleted};
use super::envelope;
use super::lifecycle::{Client, title};
use super::list::{List, ListOptions};
use super::patch::{Part, Patch, UnknownFields};
use super::subscription::Subscription;
use super::trouble;
use super::update::Applied;
use crate::resource::{Metadata, Object, ObjectKey, ResourceType, Uid};
use crate::{Error, Fault, Result};

impl Client {
    /// Creates an object from its JSON, as [`Self::create`] does.
    ///
    /// # Errors
    /// As for [`Self::create`]; `Invalid` with every fault also for fields that the kind doesn't know.
    pub async fn create_json(&self, type_: &ResourceType, object: Value) -> Result<Arc<dyn Object>> {
        let object = self.read_json(type_, &object)?;
        shared(type_, &self.create_object(object).await?)
    }

    /// Updates an object from its JSON, as [`Self::update`] does.
    ///
    /// # Errors
    /// As for [`Self::update`]; `Invalid` with every fault also for fields that the kind doesn't know.
    pub async fn update_json(&self, type_: &ResourceType, object: Value) -> Result<Arc<dyn Object>> {
        let object = self.read_json(type_, &object)?;
        shared(type_, &self.update_object(&*object).await?)
    }

    /// Applies an object from its JSON, as [`Self::apply`] does, and says what was done.
    ///
    /// # Errors
    /// As for [`Self::apply`]; `Invalid` with every fault also for fields that the kind doesn't know.
    pub async fn apply_json(&self, type_: &ResourceType, object: Value) -> Result<(Applied, Arc<dyn Object>)> {
        let object = self.read_json(type_, &object)?;
        let (applied, object) = self.apply_object(&*object).await?;
        Ok((applied, shared(type_, &object)?))
    }

    /// The object with a key, as of now.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if what the store holds can't be decoded.
    pub fn get_object(&self, key: &ObjectKey) -> Result<Arc<dyn Object>> {
        let target = self.target(key)?;
        shared(target.kind.type_, &target.newest)
    }

    /// The JSON of the object with a key, as of now; also of one that can't be decoded.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if what the store holds is no JSON.
    pub fn get_json(&self, key: &ObjectKey) -> Result<Value> {
        let target = self.target(key)?;
        envelope::value(&target.newest).map_err(|fault| Error::invalid(target.title(), vec![fault]))
    }

    /// The key of the object with a name. The namespace is empty for a kind that is not namespaced; for one that is,
    /// empty means `default`.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, type_: &ResourceType, namespace: &str, name: &str) -> Result<ObjectKey> {
        self.resolve(type_, &Metadata { namespace: namespace.to_owned(), ..Metadata::named(name) })
    }

    /// The objects that are selected, as [`Self::list`] gives them.
    ///
    /// # Errors
    /// As for [`Self::list`].
    pub fn list_objects(&self, type_: &ResourceType, options: ListOptions) -> Result<List<dyn Object>> {
        let (items, continue_, resource_version) = self.list_cached(type_, options)?;
        let items = items.iter().map(|object| shared(type_, object)).collect::<Result<_>>()?;
        Ok(List { items, continue_, resource_version })
    }

    /// Patches metadata and spec, as [`Self::patch`] does.
    ///
    /// # Errors
    /// As for [`Self::patch`].
    pub async fn patch_object(&self, key: &ObjectKey, patch: Patch) -> Result<Arc<dyn Object>> {
        let object = self.patch_part(key, &patch, Part::Main, UnknownFields::Prune).await?.0;
        shared(self.kind(key.kind)?.type_, &object)
    }

    /// Patches the status, as [`Self::patch_status`] does.
    ///
    /// # Errors
    /// As for [`Self::patch_status`].
    pub async fn patch_object_status(&self, key: &ObjectKey, patch: Patch) -> Result<Arc<dyn Object>> {
        let object = self.patch_part(key, &patch, Part::Status, UnknownFields::Prune).await?.0;
        shared(self.kind(key.kind)?.type_, &object)
    }

    /// Deletes an object, as [`Self::delete_with`] does. `true` if it is gone, `false` if it waits for its finalizers.
    ///
    /// # Errors
    /// As for [`Self::delete_with`].
    pub async fn delete_object(&self, key: &ObjectKey, options: DeleteOptions) -> Result<bool> {
        Ok(matches!(self.delete_key(key, &options).await?, Deleted::Gone(_)))
    }

    /// Reads an object from its JSON; what its kind doesn't know of it is left out, and told.
    ///
    /// # Errors
    /// `Invalid` with every fault; `NotFound` if the program doesn't know the kind.
    #[cfg(feature = "api")]
    pub(crate) fn read_object(&self, type_: &ResourceType, mut json: Value) -> Result<(Box<dyn Object>, Vec<Fault>)> {
        let kind = self.inner.shared.kinds.of_type(type_)?;
        let unknown = kind.prune(&mut json)?;
        match kind.decode_checked(&json) {
            Ok(object) => Ok((object, unknown)),
            Err(faults) => Err(Error::invalid(title(type_, &named(&json)), faults)),
        }
    }

    fn read_json(&self, type_: &ResourceType, json: &Value) -> Result<Box<dyn Object>> {
        let kind = self.inner.shared.kinds.of_type(type_)?;
        let unknown = kind.unknown_fields(json)?;
        let faults = match kind.decode_checked(json) {
            Ok(object) if unknown.is_empty() => return Ok(object),
            Ok(object) => {
                let mut faults = kind.faults(&*object)?;
                faults.extend(unknown);
                faults
            }
            Err(faults) => faults.into_iter().chain(unknown).collect(),
        };
        Err(Error::invalid(title(type_, &named(json)), faults))
    }

    pub(super) async fn wait_key_deleted(&self, type_: &ResourceType, uid: Uid) -> Result<()> {
        let kind = self.inner.shared.kinds.of_type(type_)?.clone();
        let (existing, changes) = Subscription::open(&kind, Some(uid.clone()));
        let mut gone = existing.is_empty();
        while !gone {
            let Some(change) = changes.next().await else {
                return Err(trouble::closed(format_args!("{} {uid}", type_.kind)));
            };
            gone = change.new.is_none();
        }
        Ok(())
    }
}

/// What an envelope says of its name.
fn named(json: &Value) -> Metadata {
    let text = |path| json.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    Metadata { namespace: text("/metadata/namespace"), ..Metadata::named(text("/metadata/name")) }
}

/// The object itself, or why there is none.
pub(super) fn shared(type_: &ResourceType, object: &CachedObject) -> Result<Arc<dyn Object>> {
    match object.decoded() {
        Ok(object) => Ok(object.clone()),
        Err(error) => {
            let what = title(type_, &envelope::metadata(&object.raw).unwrap_or_default());
            let message =
                format!("{}; what the store holds can't be decoded: apply it anew, or delete it", error.message);
            Err(Error::invalid(what, vec![Fault::new(&*error.path, message)]))
        }
    }
}
