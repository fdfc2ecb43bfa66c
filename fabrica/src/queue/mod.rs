//! What is due: a queue of keys, with timers and a backoff per key.
//!
//! [`WorkQueue`] can be used alone. It promises:
//!
//! - **Q1** one slot per key; reasons are collected beside the key;
//! - **Q2** a key is never handed to two workers at once;
//! - **Q3** a wake-up during a run is never lost: the key runs once more after it;
//! - **Q4** one requeue timer per key, replaced by each run's own answer; [`WorkQueue::add_after`] sets a second
//!   one, the earliest of several wins, and a run does not clear it;
//! - **Q5** O(1) add, get and done, O(log n) timers, no task per key, nothing scanned;
//! - **Q6** a backoff per key: base·2ⁿ up to a maximum, forgotten on success; a wake-up during it runs the key at
//!   once and keeps the count;
//! - **Q7** the background has lower priority than live changes, and still can't starve: after eight live
//!   keys in a row it gets a turn. Retries and timers that fired count as live; `Next::Requeue` stays in its lane;
//! - **Q8** a key that is done or forgotten leaves no timer, count or slot behind;
//! - **Q9** shut-down hands out nothing new, and lets running keys finish.
//!
//! The rules are in `core`, which has no clock, lock or async; `shared` puts a lock around it, `intake` lets producers
//! add without that lock, `waiting` knows whom to wake; `sync` is all that they take from the outside.

mod backoff;
mod core;
mod heap;
mod histogram;
mod intake;
mod item;
mod key;
mod lanes;
mod shared;
mod slab;
mod stats;
mod sync;
mod timing;
mod wait;
mod waiting;
mod work_queue;

pub use self::backoff::Backoff;
pub use self::core::{Next, Priority, Reasons};
pub use self::histogram::{Histogram, HistogramSnapshot};
pub use self::item::Item;
pub use self::key::Key;
pub use self::stats::{Depth, QueueStats, QueueTimes};
pub use self::work_queue::WorkQueue;

/// The name that other libraries give a queue with a backoff per key: every [`WorkQueue`] is one.
pub type RateLimitedQueue<K, R = ()> = WorkQueue<K, R>;
