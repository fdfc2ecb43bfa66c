//! The sources of `fabrica::queue` with another `sync`: its lock is one of shuttle's, which tries out schedules,
//! and its clock moves only when a test says so.
#![allow(dead_code)]

#[path = "../../fabrica/src/queue/backoff.rs"]
pub mod backoff;
#[path = "../../fabrica/src/queue/core.rs"]
pub mod core;
#[path = "../../fabrica/src/queue/heap.rs"]
mod heap;
#[path = "../../fabrica/src/queue/histogram.rs"]
mod histogram;
#[path = "../../fabrica/src/queue/intake.rs"]
mod intake;
#[path = "../../fabrica/src/queue/item.rs"]
mod item;
#[path = "../../fabrica/src/queue/key.rs"]
pub mod key;
#[path = "../../fabrica/src/queue/lanes.rs"]
mod lanes;
#[path = "../../fabrica/src/queue/shared.rs"]
mod shared;
#[path = "../../fabrica/src/queue/slab.rs"]
mod slab;
#[path = "../../fabrica/src/queue/stats.rs"]
pub mod stats;
pub mod sync;
#[path = "../../fabrica/src/queue/timing.rs"]
pub mod timing;
#[path = "../../fabrica/src/queue/wait.rs"]
mod wait;
#[path = "../../fabrica/src/queue/waiting.rs"]
mod waiting;
#[path = "../../fabrica/src/queue/work_queue.rs"]
pub mod work_queue;
