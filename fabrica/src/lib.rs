//! Kubernetes-style reconciliation without a Kubernetes cluster.

// The macros name this crate; with this, they work inside it too.
#[allow(unused_extern_crates)]
extern crate self as fabrica;

#[doc(hidden)]
pub mod __private;
pub mod client;
pub mod controller;
mod error;
pub mod event;
pub mod prelude;
pub mod queue;
pub mod reconciler;
pub mod registry;
pub mod resource;
pub mod store;

pub use error::{Error, ErrorKind, Fault, Result};
pub use fabrica_derive::{Resource, reconciler};
pub use registry::check;
