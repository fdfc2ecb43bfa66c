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

/// What is known of it. There is one for every object: a word more is one for each.
pub(crate) struct Cached {
    state: State,
    /// The envelope as it stands in the store, shared with a store in memory.
    pub(crate) raw: Bytes,
    /// The revision that created the object: another one with the same uid is another object.
    pub(crate) created: Revision,
}

/// The object, with its uid and its version in its metadata; or what most have no need of.
enum State {
    Plain(Arc<dyn Object>),
    Rare(Box<Rare>),
}

/// An object that can't be decoded, or one of a kind with selectable fields.
struct Rare {
    object: Result<Arc<dyn Object>, DecodeError>,
    uid: Uid,
    modified: Revision,
    /// The values of the kind's selectable fields, in their order.
    fields: Box<[Option<Box<str>>]>,
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
        let object = decode(kind, &entry.value).map(|mut object| {
            let metadata = object.metadata_mut();
            metadata.uid = uid.clone();
            metadata.resource_version = ResourceVersion::new(entry.modified.get());
            object.into_shared()
        });
        let fields = kind.field_values(&entry.value);
        let state = match object {
            Ok(object) if fields.is_empty() => State::Plain(object),
            object => State::Rare(Box::new(Rare { object, uid: uid.clone(), modified: entry.modified, fields })),
        };
        Self(Arc::new(Cached { state, raw: entry.value.clone(), created: entry.created }))
    }

    /// The uid of the object.
    pub(crate) fn uid(&self) -> &Uid {
        match &self.state {
            State::Plain(object) => &object.metadata().uid,
            State::Rare(rare) => &rare.uid,
        }
    }

    /// The revision that made this version.
    pub(crate) fn modified(&self) -> Revision {
        match &self.state {
            State::Plain(object) => Revision::new(object.metadata().resource_version.get()),
            State::Rare(rare) => rare.modified,
        }
    }

    /// The object; or why there is none: what stands in the store is no object of its kind, and is kept apart until
    /// somebody mends or deletes it.
    pub(crate) fn decoded(&self) -> Result<&Arc<dyn Object>, &DecodeError> {
        match &self.state {
            State::Plain(object) => Ok(object),
            State::Rare(rare) => rare.object.as_ref(),
        }
    }

    /// The object, if it could be decoded.
    pub(crate) fn object(&self) -> Option<&Arc<dyn Object>> {
        self.decoded().ok()
    }

    /// The object's metadata; of an object that can't be decoded, what can be read of it.
    pub(crate) fn metadata(&self, uid: &Uid) -> Metadata {
        self.metadata_ref(uid).into_owned()
    }

    /// As [`Self::metadata`], without a copy of what was decoded.
    pub(crate) fn metadata_ref(&self, uid: &Uid) -> Cow<'_, Metadata> {
        if let Some(object) = self.object() {
            return Cow::Borrowed(object.metadata());
        }
        let mut metadata = envelope::metadata(&self.raw).unwrap_or_default();
        metadata.uid = uid.clone();
        metadata.resource_version = ResourceVersion::new(self.modified().get());
        Cow::Owned(metadata)
    }

    /// Has the deletion of the object been asked for?
    pub(crate) fn is_deleting(&self) -> bool {
        match self.decoded() {
            Ok(object) => object.metadata().is_deleting(),
            Err(_) => envelope::metadata(&self.raw).is_some_and(|metadata| metadata.is_deleting()),
        }
    }

    /// To whom the object belongs.
    pub(crate) fn owners(&self) -> Cow<'_, [OwnerReference]> {
        match self.decoded() {
            Ok(object) => Cow::Borrowed(&object.metadata().owner_references),
            Err(_) => {
                Cow::Owned(envelope::metadata(&self.raw).map(|metadata| metadata.owner_references).unwrap_or_default())
            }
        }
    }

    /// Where the object stands in a list; `None` if not even its name can be read.
    pub(super) fn place(&self) -> Option<String> {
        match self.decoded() {
            Ok(object) => {
                let metadata = object.metadata();
                Some(place(&metadata.namespace, &metadata.name))
            }
            Err(_) => envelope::metadata(&self.raw).map(|m| place(&m.namespace, &m.name)),
        }
    }

    /// Do the same lookups find both?
    pub(super) fn is_found_as(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (self.object(), other.object()) else { return false };
        let (one, two) = (one.metadata(), two.metadata());
        one.name == two.name
            && one.namespace == two.namespace
            && self.fields() == other.fields()
            && one.owner_references == two.owner_references
    }

    /// The value of a selectable field.
    pub(super) fn field(&self, index: usize) -> Option<&str> {
        self.fields().get(index)?.as_deref()
    }

    fn fields(&self) -> &[Option<Box<str>>] {
        match &self.state {
            State::Plain(_) => &[],
            State::Rare(rare) => &rare.fields,
        }
    }
}

/// A panic in a user's `Deserialize` must cost that object, not the task that reads for all.
fn decode(kind: &Kind, json: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
    catch_unwind(AssertUnwindSafe(|| kind.type_.decode(json))).unwrap_or_else(|_| {
        let type_name = (kind.type_.type_name)();
        Err(DecodeError { path: String::new(), message: format!("decoding it as {type_name} panicked") })
    })
}
