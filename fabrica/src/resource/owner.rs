//! Who an object belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Object, ObjectKey, Uid};

/// A reference from an object to its owner, as Kubernetes writes it.
///
/// An owner is known by its group, kind and uid; the version and the name are there for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// The group and version of the owner's kind, as in `example.io/v1`.
    pub api_version: String,
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's uid.
    #[schemars(with = "String")]
    pub uid: Uid,
    /// Is it the one owner that acts on the object? At most one reference of an object says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub controller: bool,
    /// Must a foreground deletion of the owner wait for this object?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block_owner_deletion: bool,
}

impl OwnerReference {
    /// A reference to an owner that doesn't act on the object and needn't wait for it: one of several that share it.
    ///
    /// The owner must have its uid: it was created, or was given one.
    ///
    /// ```
    /// use fabrica::resource::{Namespace, OwnerReference};
    ///
    /// let lab = Namespace::new("lab").with_uid("lab-1");
    /// let reference = OwnerReference::to(&lab);
    /// assert_eq!((reference.api_version.as_str(), reference.kind.as_str(), reference.uid.as_str()), ("v1", "Namespace", "lab-1"));
    /// assert!(!reference.controller);
    /// # use fabrica::resource::Resource;
    /// ```
    #[must_use]
    pub fn to(owner: &dyn Object) -> Self {
        let (type_, metadata) = (owner.resource_type(), owner.metadata());
        Self {
            api_version: type_.api_version.to_owned(),
            kind: type_.kind.to_owned(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            controller: false,
            block_owner_deletion: false,
        }
    }

    /// A reference to the one owner that acts on the object, and whose foreground deletion waits for it.
    #[must_use]
    pub fn to_controller(owner: &dyn Object) -> Self {
        Self { controller: true, block_owner_deletion: true, ..Self::to(owner) }
    }

    /// The group of the owner's kind; empty for the built-in kinds.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Do both name the same owner? Versions and names don't matter.
    #[must_use]
    pub fn is_same_owner(&self, other: &Self) -> bool {
        self.uid == other.uid && self.kind == other.kind && self.group() == other.group()
    }

    /// Does it name the object with this key?
    #[must_use]
    pub fn is_to(&self, key: &ObjectKey) -> bool {
        self.uid == key.uid && self.kind == key.kind.kind && self.group() == key.kind.group
    }
}
