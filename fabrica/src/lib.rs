//! Kubernetes-style reconciliation without a Kubernetes cluster.

extern crate self as fabrica;

mod error;
pub mod event;
pub mod resource;

pub use error::{Error, ErrorKind, Fault, Result};
