//! What the HTTP API promises to tools that are made for Kubernetes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod deleting;
mod dry_run;
mod events;
mod kinds;
mod patching;
mod paths;
mod reading;
mod server;
mod validation;
mod watching;
mod writing;
