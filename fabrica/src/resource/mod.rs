//! What a thing is: its kind, its identity, its metadata and conditions, its schema.

#[cfg(any(feature = "api", feature = "cli"))]
mod age;
mod columns;
mod condition;
mod crd;
mod explain;
mod field_path;
mod field_selector;
mod kind;
mod label_selector;
mod metadata;
mod names;
mod namespace;
mod object;
mod openapi;
mod owner;
mod recorded_event;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
mod structural;
pub(crate) mod suggest;
mod syntax;
mod timestamp;
mod traits;
mod uid;
mod validate;

#[cfg(any(feature = "api", feature = "cli"))]
pub(crate) use age::age;
#[cfg(feature = "api")]
pub(crate) use columns::PrinterColumn;
pub use condition::{Condition, ConditionStatus, Conditioned, Conditions};
pub use field_path::{FieldPath, FieldSegment};
pub use field_selector::{FieldSelector, FieldTerm};
pub use kind::{Column, GroupKind, ObjectKey, ResourceType};
pub use label_selector::{LabelSelector, LabelTerm, LabelTest};
pub use metadata::{Metadata, ResourceVersion};
pub use names::{check_metadata, is_dns_label, is_dns_subdomain, is_qualified_name};
pub use namespace::{Namespace, NamespacePhase, NamespaceSpec, NamespaceStatus};
pub use object::{DecodeError, EncodeError, Object, decode, downcast};
pub use owner::OwnerReference;
pub use recorded_event::{EventSeries, EventSource, ObjectRef, RecordedEvent, RecordedEventSpec};
pub use schema::SchemaError;
pub use syntax::SyntaxError;
pub use timestamp::Timestamp;
pub use traits::{Data, NoStatus, Resource};
pub use uid::Uid;
#[cfg(feature = "testing")]
pub(crate) use uid::seeded;
pub(crate) use uid::unique;
pub use validate::Validator;
