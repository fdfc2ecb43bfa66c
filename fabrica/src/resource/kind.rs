//! Kinds of things, at run time.

use std::any::TypeId;
use std::fmt;
use std::panic::Location;

use schemars::Schema;

use super::{DecodeError, Object, Resource, Uid, object, schema};

/// A kind: everywhere, that means the group and the kind together. Two groups may each have a `Node`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// The group, as in `example.io`; empty for the built-in kinds.
    pub group: &'static str,
    /// The kind, as in `Device`.
    pub kind: &'static str,
}

impl GroupKind {
    /// The kind of a resource.
    #[must_use]
    pub const fn of<T: Resource>() -> Self {
        Self { group: T::GROUP, kind: T::KIND }
    }

    /// Does every program have it, as `Namespace`? No kind of a program's own has an empty group.
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        self.group.is_empty()
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(self.kind) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}

/// An object's identity: its kind and its uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The object's kind.
    pub kind: GroupKind,
    /// The object's uid.
    pub uid: Uid,
}

impl ObjectKey {
    /// The key of an object of kind `T`.
    pub fn of<T: Resource>(uid: impl Into<Uid>) -> Self {
        Self { kind: GroupKind::of::<T>(), uid: uid.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.kind, self.uid)
    }
}

/// A column of the tables in which people look at objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The column's heading.
    pub name: &'static str,
    /// Where the value stands in the object, as in `.status.state`.
    pub path: &'static str,
}

impl Column {
    /// A column with a heading and a path.
    #[must_use]
    pub const fn new(name: &'static str, path: &'static str) -> Self {
        Self { name, path }
    }
}

/// A resource type without its type: what the parts that handle every kind alike work with.
///
/// One stands in [`Resource::TYPE`] of each resource.
///
/// ```
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1", namespaced)]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
/// assert_eq!(Device::TYPE.plural, "devices");
/// assert!(Device::TYPE.namespaced);
/// ```
#[derive(Clone, Copy)]
pub struct ResourceType {
    /// The group, as in `example.io`.
    pub group: &'static str,
    /// The version, as in `v1`.
    pub version: &'static str,
    /// The kind, as in `Device`.
    pub kind: &'static str,
    /// The name of many, as in `devices`.
    pub plural: &'static str,
    /// The name of one, as in `device`.
    pub singular: &'static str,
    /// The group and version as objects state them, as in `example.io/v1`.
    pub api_version: &'static str,
    /// What the kind is, from its doc comment.
    pub description: &'static str,
    /// Do its objects live in namespaces?
    pub namespaced: bool,
    /// Has it a status?
    pub has_status: bool,
    /// Abbreviations of its name.
    pub short_names: &'static [&'static str],
    /// The groups of kinds that it is listed with, as in `all`.
    pub categories: &'static [&'static str],
    /// The conditions that it declares.
    pub conditions: &'static [&'static str],
    /// The columns of its tables.
    pub columns: &'static [Column],
    /// The fields that it can be selected by, as in `.spec.rack`.
    pub selectable: &'static [&'static str],
    /// The Rust type's path.
    pub type_name: fn() -> &'static str,
    /// The Rust type's identity.
    pub type_id: TypeId,
    /// Where it is declared.
    pub location: &'static Location<'static>,
    decode: Decode,
    schema: fn() -> Schema,
}

/// Reads an object of one type from the JSON of its envelope.
type Decode = fn(&[u8]) -> Result<Box<dyn Object>, DecodeError>;

impl ResourceType {
    /// The description of a resource type; the caller's place is remembered as the place of its declaration.
    #[must_use]
    #[track_caller]
    pub const fn of<T: Resource>() -> Self {
        Self {
            group: T::GROUP,
            version: T::VERSION,
            kind: T::KIND,
            plural: T::PLURAL,
            singular: T::SINGULAR,
            api_version: T::API_VERSION,
            description: T::DESCRIPTION,
            namespaced: T::NAMESPACED,
            has_status: T::HAS_STATUS,
            short_names: T::SHORT_NAMES,
            categories: T::CATEGORIES,
            conditions: T::CONDITIONS,
            columns: T::COLUMNS,
            selectable: T::SELECTABLE,
            type_name: std::any::type_name::<T>,
            type_id: TypeId::of::<T>(),
            location: Location::caller(),
            decode: object::decode_boxed::<T>,
            schema: schema::of::<T>,
        }
    }

    /// The group and kind.
    #[must_use]
    pub const fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group, kind: self.kind }
    }

    /// As [`GroupKind::is_built_in`].
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        self.group_kind().is_built_in()
    }

    /// Reads an object of this type from the JSON of its envelope.
    ///
    /// # Errors
    /// The JSON is broken, is of another kind or version, or a field has the wrong form; the error has its path.
    pub fn decode(&self, json: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
        (self.decode)(json)
    }

    /// The JSON Schema (draft 2020-12) of the whole envelope.
    #[must_use]
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Do both describe the same Rust type?
    #[must_use]
    pub fn is_same_type(&self, other: &Self) -> bool {
        self.type_id == other.type_id
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceType({} {} at {})", self.api_version, self.kind, self.location)
    }
}
