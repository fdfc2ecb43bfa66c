//! What every object carries besides its spec and status.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{OwnerReference, Timestamp, Uid};

/// The envelope's `metadata`, with the names that Kubernetes gives its fields.
///
/// The user gives `name` (or `generate_name`), `namespace`, `uid`, `labels`, `annotations`, `finalizers` and
/// `owner_references`; the rest is kept by the client.
///
/// ```
/// use fabrica::resource::Metadata;
///
/// let mut metadata = Metadata::named("dev-123");
/// metadata.labels.insert("rack".into(), "r1".into());
/// assert!(metadata.resource_version.is_unset());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(description = "What every object carries besides its spec and status.")]
pub struct Metadata {
    /// What people type: unique within the kind, or within the namespace of a namespaced kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253))]
    pub name: String,
    /// A prefix: an object created with it and without a name gets a unique name that starts with it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 248))]
    pub generate_name: String,
    /// The namespace of an object of a namespaced kind; empty means `default`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Who the object is; empty until it is created.
    #[serde(skip_serializing_if = "uid_is_empty")]
    #[schemars(with = "String", length(max = 128))]
    pub uid: Uid,
    /// Which version of the object this is; an update that carries it fails if there is a newer one.
    #[serde(skip_serializing_if = "ResourceVersion::is_unset")]
    pub resource_version: ResourceVersion,
    /// How often the spec has changed, counted from 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// When the object was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for; it goes when its last finalizer is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Timestamp>,
    /// Words to select objects by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Notes that nothing is selected by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Who must agree before the object goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
    /// Who the object belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_references: Vec<OwnerReference>,
}

impl Metadata {
    /// Metadata with a name and nothing else.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The finalizer of an object that goes after what belongs to it: the foreground deletion.
    pub const FOREGROUND_FINALIZER: &'static str = "foregroundDeletion";
    /// The finalizer of an object that goes when nothing belongs to it any more: its deletion leaves orphans.
    pub const ORPHAN_FINALIZER: &'static str = "orphan";

    /// Does a finalizer stand on the object?
    #[must_use]
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == name)
    }

    /// The reference to the owner that acts on the object, if one does.
    #[must_use]
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }

    /// Has the deletion of the object been asked for?
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

fn uid_is_empty(uid: &Uid) -> bool {
    uid.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which version of an object: the store's revision of its last change, a string on the wire.
///
/// Versions of one store may be compared; clients over HTTP must treat them as opaque.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceVersion(u64);

impl ResourceVersion {
    /// No version: the object was never stored, or an update is to take whatever version there is.
    pub const UNSET: Self = Self(0);

    /// The version that a revision of the store gives.
    #[must_use]
    pub const fn new(revision: u64) -> Self {
        Self(revision)
    }

    /// The store's revision.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Is there no version?
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
    pub const fn is_unset(&self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ResourceVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourceVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::UNSET);
        }
        text.parse().map(Self).map_err(|_| {
            de::Error::custom(format_args!(
                "`{text}` is no resourceVersion: leave it out, or give the one that was read"
            ))
        })
    }
}

impl JsonSchema for ResourceVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ResourceVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_stay_off_the_wire() {
        assert_eq!(serde_json::to_string(&Metadata::named("x")).unwrap(), r#"{"name":"x"}"#);
    }

    #[test]
    fn a_resource_version_is_a_string_on_the_wire() {
        let metadata: Metadata = serde_json::from_str(r#"{"name":"x","resourceVersion":"42"}"#).unwrap();
        assert_eq!(metadata.resource_version.get(), 42);
        assert!(serde_json::to_string(&metadata).unwrap().contains(r#""resourceVersion":"42""#));
        let error = serde_json::from_str::<Metadata>(r#"{"resourceVersion":"newest"}"#).unwrap_err();
        assert!(error.to_string().contains("`newest` is no resourceVersion"));
    }
}
