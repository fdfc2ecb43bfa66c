//! What a thing is.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Column, Metadata, OwnerReference, ResourceType, Uid};

/// What a spec or a status can be: a plain value with a JSON form and a schema. Implemented by itself.
pub trait Data: Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Data for T {}

/// A kind of thing that is kept and reconciled. Implement it with `#[derive(Resource)]`.
///
/// The struct has the fields `metadata: Metadata`, `spec` and, if it has one, `status`.
///
/// ```
/// use fabrica::prelude::*;
///
/// /// A machine that should be running or stopped.
/// #[derive(Clone, Debug, Resource)]
/// #[resource(group = "example.io", version = "v1")]
/// struct Machine {
///     metadata: Metadata,
///     spec: MachineSpec,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct MachineSpec {
///     running: bool,
/// }
///
/// let machine = Machine::new("m-1", MachineSpec { running: true }).with_uid("m-1").with_label("rack", "r1");
/// assert_eq!((machine.kind(), machine.name(), machine.uid().as_str()), ("Machine", "m-1", "m-1"));
/// assert_eq!((Machine::PLURAL, Machine::API_VERSION), ("machines", "example.io/v1"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not a resource",
    note = "annotate `{Self}` with `#[derive(Resource)]` and `#[resource(group = \"example.io\", version = \"v1\")]`"
)]
pub trait Resource: Clone + Send + Sync + 'static {
    /// What its user asks for.
    type Spec: Data;
    /// What was observed; [`NoStatus`] for a kind without one.
    type Status: Data + Default;

    /// The group, as in `example.io`.
    const GROUP: &'static str;
    /// The version, as in `v1`.
    const VERSION: &'static str;
    /// The kind, as in `Device`.
    const KIND: &'static str;
    /// The name of many, as in `devices`.
    const PLURAL: &'static str;
    /// The name of one, as in `device`.
    const SINGULAR: &'static str;
    /// The group and version as objects state them, as in `example.io/v1`.
    const API_VERSION: &'static str;
    /// What the kind is, from its doc comment.
    const DESCRIPTION: &'static str;
    /// Do its objects live in namespaces?
    const NAMESPACED: bool;
    /// Has it a status?
    const HAS_STATUS: bool;
    /// Abbreviations of its name.
    const SHORT_NAMES: &'static [&'static str];
    /// The groups of kinds that it is listed with.
    const CATEGORIES: &'static [&'static str];
    /// The conditions that it declares.
    const CONDITIONS: &'static [&'static str];
    /// The columns of its tables.
    const COLUMNS: &'static [Column];
    /// The fields that it can be selected by.
    const SELECTABLE: &'static [&'static str];
    /// The same without the type.
    const TYPE: &'static ResourceType;

    /// The object's metadata.
    fn metadata(&self) -> &Metadata;
    /// The object's metadata, to change.
    fn metadata_mut(&mut self) -> &mut Metadata;
    /// The object's spec.
    fn spec(&self) -> &Self::Spec;
    /// The object's spec, to change.
    fn spec_mut(&mut self) -> &mut Self::Spec;
    /// The object's status.
    fn status(&self) -> &Self::Status;
    /// The object's status, to change.
    fn status_mut(&mut self) -> &mut Self::Status;
    /// An object made of its parts.
    fn from_parts(metadata: Metadata, spec: Self::Spec, status: Self::Status) -> Self;

    /// The object's kind.
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// Who the object is; empty until it is created.
    fn uid(&self) -> &Uid {
        &self.metadata().uid
    }

    /// What people type.
    fn name(&self) -> &str {
        &self.metadata().name
    }

    /// The object's namespace; empty for a kind that is not namespaced.
    fn namespace(&self) -> &str {
        &self.metadata().namespace
    }

    /// The object with a uid of the user's choice.
    #[must_use]
    fn with_uid(mut self, uid: impl Into<Uid>) -> Self {
        self.metadata_mut().uid = uid.into();
        self
    }

    /// The object in a namespace.
    #[must_use]
    fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.metadata_mut().namespace = namespace.into();
        self
    }

    /// The object with one label more.
    #[must_use]
    fn with_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata_mut().labels.insert(key.into(), value.into());
        self
    }

    /// The object with one annotation more.
    #[must_use]
    fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata_mut().annotations.insert(key.into(), value.into());
        self
    }

    /// The object with one finalizer more.
    #[must_use]
    fn with_finalizer(mut self, finalizer: impl Into<String>) -> Self {
        self.metadata_mut().finalizers.push(finalizer.into());
        self
    }

    /// The object with one owner more.
    #[must_use]
    fn with_owner(mut self, owner: OwnerReference) -> Self {
        self.metadata_mut().owner_references.push(owner);
        self
    }
}

/// The status of a kind that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
pub struct NoStatus;

impl NoStatus {
    /// A place to point at; costs nothing, since there is nothing in it.
    #[must_use]
    pub fn get_mut() -> &'static mut Self {
        Box::leak(Box::new(Self))
    }
}
