//! Fault exploration: a scenario is played once without a fault, then once for each place where something can go wrong.
//!
//! - `scenario`, `objects`: what is played, and what invariants look at
//! - `plan`, `plans`: one fault at one place, and which of them there are
//! - `course`, `process`, `world`: one run of the scenario, the processes in it, and what they share
//! - `gate`, `delivery`, `write`: the store as one process sees it: its writes and its watch
//! - `trace`: what happened, row by row
//! - `reference`, `state`, `names`, `fields`, `mask`: what every run is compared with, and how
//! - `finding`, `report`: what the oracles found, and how it is told

mod builder;
mod course;
mod delivery;
mod fields;
mod finding;
mod gate;
mod mask;
mod names;
mod objects;
mod plan;
mod plans;
mod process;
mod progress;
mod reference;
mod report;
mod run;
mod scenario;
mod state;
mod trace;
mod world;
mod write;

pub use builder::{Explore, explore};
pub use objects::Objects;
pub use report::{Failure, Report};
