//! Everything a program with a resource and a reconciler uses.
//!
//! The derives of serde and schemars come with it; the code they generate names their crates, so `serde` and `schemars`
//! must stand in the program's `Cargo.toml` too.

pub use std::time::Duration;

pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use tracing::{debug, error, info, trace, warn};

pub use crate::client::Client;
pub use crate::controller::Controller;
pub use crate::event::{Event, EventBus, Pattern};
pub use crate::reconciler::{Action, Context, Extract, Finalize, Handle, State};
pub use crate::resource::{
    Condition, ConditionStatus, Conditioned, Conditions, Metadata, NoStatus, OwnerReference, Resource, Timestamp, Uid,
};
pub use crate::{Error, ErrorKind, Resource, Result, reconciler};
