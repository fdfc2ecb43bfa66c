//! An object whose type is not known, and the JSON of its envelope.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{GroupKind, Metadata, ObjectKey, Resource, ResourceType};

/// An object of any kind, behind a pointer: what the cache, the store and the controller pass around.
///
/// Every [`Resource`] is one. [`downcast`] gives the type back.
pub trait Object: Any + Send + Sync {
    /// The object's type.
    fn resource_type(&self) -> &'static ResourceType;
    /// The object's metadata.
    fn metadata(&self) -> &Metadata;
    /// The object's metadata, to change.
    fn metadata_mut(&mut self) -> &mut Metadata;
    /// A copy.
    fn clone_boxed(&self) -> Box<dyn Object>;
    /// The object itself, shared.
    fn into_shared(self: Box<Self>) -> Arc<dyn Object>;
    /// Adds the JSON of the whole envelope to a buffer.
    ///
    /// # Errors
    /// The spec or the status can't be written as JSON (a map whose keys are no strings, say).
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
    /// Adds the JSON of the spec to a buffer.
    ///
    /// # Errors
    /// As for [`Object::encode`].
    fn encode_spec(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
    /// Adds the JSON of the status to a buffer; nothing for a kind without one.
    ///
    /// # Errors
    /// As for [`Object::encode`].
    fn encode_status(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

impl dyn Object {
    /// The object's identity.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey { kind: self.resource_type().group_kind(), uid: self.metadata().uid.clone() }
    }

    /// The whole envelope as a JSON value.
    ///
    /// # Errors
    /// As for [`Object::encode`].
    pub fn to_value(&self) -> Result<serde_json::Value, EncodeError> {
        let mut json = Vec::with_capacity(512);
        self.encode(&mut json)?;
        serde_json::from_slice(&json).map_err(|error| EncodeError::new(self.resource_type().group_kind(), &error))
    }

    /// The object as its Rust type, if it is of that type.
    #[must_use]
    pub fn downcast_ref<T: Resource>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// The object as its Rust type, to change, if it is of that type.
    #[must_use]
    pub fn downcast_mut<T: Resource>(&mut self) -> Option<&mut T> {
        (self as &mut dyn Any).downcast_mut()
    }
}

/// A shared object as its Rust type, or `None` if it is of another. Costs a comparison.
#[must_use]
pub fn downcast<T: Resource>(object: Arc<dyn Object>) -> Option<Arc<T>> {
    (object as Arc<dyn Any + Send + Sync>).downcast().ok()
}

impl<T: Resource> Object for T {
    fn resource_type(&self) -> &'static ResourceType {
        T::TYPE
    }

    fn metadata(&self) -> &Metadata {
        Resource::metadata(self)
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        Resource::metadata_mut(self)
    }

    fn clone_boxed(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }

    fn into_shared(self: Box<Self>) -> Arc<dyn Object> {
        let shared: Arc<T> = self.into();
        shared
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let status = T::HAS_STATUS.then(|| self.status());
        let (metadata, spec) = (Resource::metadata(self), self.spec());
        let envelope = EnvelopeRef { api_version: T::API_VERSION, kind: T::KIND, metadata, spec, status };
        write::<T>(out, &envelope)
    }

    fn encode_spec(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write::<T>(out, self.spec())
    }

    fn encode_status(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if T::HAS_STATUS { write::<T>(out, self.status()) } else { Ok(()) }
    }
}

fn write<T: Resource>(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), EncodeError> {
    serde_json::to_writer(out, value).map_err(|error| EncodeError::new(GroupKind::of::<T>(), &error))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeRef<'a, S, U> {
    api_version: &'static str,
    kind: &'static str,
    metadata: &'a Metadata,
    spec: &'a S,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a U>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, S, U> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    metadata: Metadata,
    spec: S,
    #[serde(default = "none")]
    status: Option<U>,
}

fn none<T>() -> Option<T> {
    None
}

/// Reads a resource from the JSON of its envelope.
///
/// A missing status is the default one.
///
/// # Errors
/// As for [`ResourceType::decode`].
pub fn decode<T: Resource>(json: &[u8]) -> Result<T, DecodeError> {
    let envelope: Envelope<'_, T::Spec, T::Status> =
        serde_json::from_slice(json).map_err(|error| DecodeError::locate::<T>(json, &error))?;
    if envelope.api_version != T::API_VERSION || envelope.kind != T::KIND {
        let (api_version, kind) = (&envelope.api_version, &envelope.kind);
        let message = format!("the object is a {kind} of {api_version}, not a {} of {}", T::KIND, T::API_VERSION);
        return Err(DecodeError { path: String::new(), message });
    }
    Ok(T::from_parts(envelope.metadata, envelope.spec, envelope.status.unwrap_or_default()))
}

pub(super) fn decode_boxed<T: Resource>(json: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
    Ok(Box::new(decode::<T>(json)?))
}

/// JSON that is no object of the kind it was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The path of the wrong field, as in `spec.desired`; empty if it is the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl DecodeError {
    /// Reads once more, slowly, to learn the path of the field at fault.
    fn locate<T: Resource>(json: &[u8], first: &serde_json::Error) -> Self {
        let reader = &mut serde_json::Deserializer::from_slice(json);
        match serde_path_to_error::deserialize::<_, Envelope<'_, T::Spec, T::Status>>(reader) {
            Err(error) => {
                let path = error.path().to_string();
                Self { path: if path == "." { String::new() } else { path }, message: error.inner().to_string() }
            }
            Ok(_) => Self { path: String::new(), message: first.to_string() },
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for DecodeError {}

/// An object that can't be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    message: String,
}

impl EncodeError {
    fn new(kind: GroupKind, error: &serde_json::Error) -> Self {
        Self { message: format!("a {kind} can't be written as JSON: {error}") }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EncodeError {}
