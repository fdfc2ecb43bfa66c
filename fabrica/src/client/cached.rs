//! One version of one object, as the cache holds it.

use std::borrow::Cow;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::cache::place;
use super::envelope;
use super::kinds::Kind;
use crate::resource::{DecodeError, Metadata, Object, OwnerReference, ResourceVersion, Uid};
use crate::store::{Entry, Revision};

/// One version of one object. A clone costs a reference count.
#[derive(Clone)]
pub(crate) struct CachedObject(Arc<Cached>);

/// What is known of it.
pub(crate) struct Cached {
    /// The object, or why there is none.
    pub(crate) state: CachedState,
    /// The envelope as it stands in the store, shared with a store in memory.
    pub(crate) raw: Bytes,
    /// The revision that created the object: another one with the same uid is another object.
    pub(crate) created: Revision,
    /// The revision that made this version.
    pub(crate) modified: Revision,
    uid: Uid,
    /// Only for a kind with selectable fields: most have none, and every object has this.
    fields: Option<Box<Fields>>,
}

/// The values of the kind's selectable fields, in their order.
#[derive(PartialEq)]
struct Fields(Box<[Option<Box<str>>]>);

/// An object, or the reason why there is none.
pub(crate) enum CachedState {
    /// The object.
    Decoded(Arc<dyn Object>),
    /// What stands in the store is no object of its kind; it is kept apart until somebody mends or deletes it.
    Undecodable(Arc<DecodeError>),
}

impl Deref for CachedObject {
    type Target = Cached;

    fn deref(&self) -> &Cached {
        &self.0
    }
}

impl CachedObject {
    /// Reads an entry of the store. `uid` is the one of its key, which is the truth.
    pub(super) fn read(kind: &Kind, uid: &Uid, entry: &Entry) -> Self {
        let state = match decode(kind, &entry.value) {
            Ok(mut object) => {
                let metadata = object.metadata_mut();
                metadata.uid = uid.clone();
                metadata.resource_version = ResourceVersion::new(entry.modified.get());
                CachedState::Decoded(object.into_shared())
            }
            Err(error) => CachedState::Undecodable(Arc::new(error)),
        };
        let fields = kind.field_values(&entry.value);
        let fields = (!fields.is_empty()).then(|| Box::new(Fields(fields)));
        Self(Arc::new(Cached {
            state,
            raw: entry.value.clone(),
            created: entry.created,
            modified: entry.modified,
            uid: uid.clone(),
            fields,
        }))
    }

    /// The uid of the object.
    pub(super) fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The object, if it could be decoded.
    pub(crate) fn object(&self) -> Option<&Arc<dyn Object>> {
        match &self.state {
            CachedState::Decoded(object) => Some(object),
            CachedState::Undecodable(_) => None,
        }
    }

    /// The object's metadata; of an object that can't be decoded, what can be read of it.
    pub(crate) fn metadata(&self, uid: &Uid) -> Metadata {
        self.metadata_ref(uid).into_owned()
    }

    /// As [`Self::metadata`], without a copy of what was decoded.
    pub(crate) fn metadata_ref(&self, uid: &Uid) -> Cow<'_, Metadata> {
        match &self.state {
            CachedState::Decoded(object) => Cow::Borrowed(object.metadata()),
            CachedState::Undecodable(_) => {
                let mut metadata = envelope::metadata(&self.raw).unwrap_or_default();
                metadata.uid = uid.clone();
                metadata.resource_version = ResourceVersion::new(self.modified.get());
                Cow::Owned(metadata)
            }
        }
    }

    /// Has the deletion of the object been asked for?
    pub(crate) fn is_deleting(&self) -> bool {
        match &self.state {
            CachedState::Decoded(object) => object.metadata().is_deleting(),
            CachedState::Undecodable(_) => envelope::metadata(&self.raw).is_some_and(|metadata| metadata.is_deleting()),
        }
    }

    /// To whom the object belongs.
    pub(crate) fn owners(&self) -> Cow<'_, [OwnerReference]> {
        match &self.state {
            CachedState::Decoded(object) => Cow::Borrowed(&object.metadata().owner_references),
            CachedState::Undecodable(_) => {
                Cow::Owned(envelope::metadata(&self.raw).map(|metadata| metadata.owner_references).unwrap_or_default())
            }
        }
    }

    /// Where the object stands in a list; `None` if not even its name can be read.
    pub(super) fn place(&self) -> Option<String> {
        match &self.state {
            CachedState::Decoded(object) => {
                let metadata = object.metadata();
                Some(place(&metadata.namespace, &metadata.name))
            }
            CachedState::Undecodable(_) => envelope::metadata(&self.raw).map(|m| place(&m.namespace, &m.name)),
        }
    }

    /// Do the same lookups find both?
    pub(super) fn is_found_as(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (self.object(), other.object()) else { return false };
        let (one, two) = (one.metadata(), two.metadata());
        one.name == two.name
            && one.namespace == two.namespace
            && self.fields == other.fields
            && one.owner_references == two.owner_references
    }

    /// The value of a selectable field.
    pub(super) fn field(&self, index: usize) -> Option<&str> {
        self.fields.as_ref()?.0.get(index)?.as_deref()
    }
}

/// A panic in a user's `Deserialize` must cost that object, not the task that reads for all.
fn decode(kind: &Kind, json: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
    catch_unwind(AssertUnwindSafe(|| kind.type_.decode(json))).unwrap_or_else(|_| {
        let type_name = (kind.type_.type_name)();
        Err(DecodeError { path: String::new(), message: format!("decoding it as {type_name} panicked") })
    })
}
