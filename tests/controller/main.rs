//! DESIGN section 7: the promises C1 to C9 of the controller, and what goes wrong elsewhere.

#![allow(clippy::unwrap_used, clippy::unused_async)] // helpers of tests are tests

mod deletion;
mod failure;
mod fences;
mod kinds;
mod level;
#[path = "../logs.rs"]
mod logs;
mod namespaces;
mod own_writes;
mod startup;
mod stats;
mod status;
mod stopping;
mod wakeups;
mod why;
