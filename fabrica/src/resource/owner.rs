//! Who an object belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Uid;

/// A reference from an object to its owner, as Kubernetes writes it.
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
