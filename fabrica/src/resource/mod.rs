//! What a thing is: its kind, its identity, its metadata and conditions, its schema.

mod condition;
mod kind;
mod metadata;
mod object;
mod owner;
mod schema;
mod timestamp;
mod traits;
mod uid;

pub use condition::{Condition, ConditionStatus, Conditioned, Conditions};
pub use kind::{Column, GroupKind, ObjectKey, ResourceType};
pub use metadata::{Metadata, ResourceVersion};
pub use object::{DecodeError, EncodeError, Object, decode, downcast};
pub use owner::OwnerReference;
pub use timestamp::Timestamp;
pub use traits::{Data, NoStatus, Resource};
pub use uid::Uid;
