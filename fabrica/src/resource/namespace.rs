//! The built-in kind `Namespace`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, Metadata, Resource, ResourceType};

/// A namespace: the objects of namespaced kinds live in one, and go with it.
///
/// The namespace `default` always exists.
///
/// ```
/// use fabrica::resource::{Namespace, Resource};
///
/// let lab = Namespace::new("lab");
/// assert_eq!((lab.name(), Namespace::PLURAL, Namespace::API_VERSION), ("lab", "namespaces", "v1"));
/// ```
#[derive(Clone, Debug)]
pub struct Namespace {
    /// The namespace's metadata.
    pub metadata: Metadata,
    /// What its user asks for.
    pub spec: NamespaceSpec,
    /// What was observed.
    pub status: NamespaceStatus,
}

/// What the user of a namespace asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceSpec {
    /// Kept for tools that write it, and not acted on: what must go first stands in `metadata.finalizers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
}

/// What was observed of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceStatus {
    /// Can objects be created in it?
    pub phase: NamespacePhase,
}

/// Where a namespace is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacePhase {
    /// Objects can be created in it.
    #[default]
    Active,
    /// It is being deleted, and what is in it with it.
    Terminating,
}

impl Namespace {
    /// The namespace that objects are in if they name none. It always exists.
    pub const DEFAULT: &'static str = "default";
    /// The finalizer that keeps a namespace until it is empty.
    pub const CONTENTS_FINALIZER: &'static str = "fabrica.io/contents";

    /// A namespace of a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self::from_parts(Metadata::named(name), NamespaceSpec::default(), NamespaceStatus::default())
    }
}

impl Resource for Namespace {
    type Spec = NamespaceSpec;
    type Status = NamespaceStatus;

    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Namespace";
    const PLURAL: &'static str = "namespaces";
    const SINGULAR: &'static str = "namespace";
    const API_VERSION: &'static str = "v1";
    const DESCRIPTION: &'static str = "A namespace: the objects of namespaced kinds live in one, and go with it.";
    const NAMESPACED: bool = false;
    const HAS_STATUS: bool = true;
    const SHORT_NAMES: &'static [&'static str] = &["ns"];
    const CATEGORIES: &'static [&'static str] = &[];
    const CONDITIONS: &'static [&'static str] = &[];
    const COLUMNS: &'static [Column] = &[Column::new("Status", ".status.phase")];
    const SELECTABLE: &'static [&'static str] = &[];
    const TYPE: &'static ResourceType = &ResourceType::of::<Self>();

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn spec(&self) -> &NamespaceSpec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut NamespaceSpec {
        &mut self.spec
    }

    fn status(&self) -> &NamespaceStatus {
        &self.status
    }

    fn status_mut(&mut self) -> &mut NamespaceStatus {
        &mut self.status
    }

    fn from_parts(metadata: Metadata, spec: NamespaceSpec, status: NamespaceStatus) -> Self {
        Self { metadata, spec, status }
    }
}
