//! DESIGN section 10: who belongs to whom, and what goes with whom.

#![allow(clippy::unwrap_used, clippy::unused_async)] // helpers of tests are tests

mod crash;
mod kinds;
#[path = "../logs.rs"]
mod logs;
mod meeting;
mod owning;
mod propagation;
mod scale;
mod stuck;
