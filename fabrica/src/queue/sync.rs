//! All that the queue takes from the outside: its lock, its clock and its sleep.
//!
//! A test that explores schedules puts its own file in place of this one.

use std::pin::Pin;
use std::task::{Context, Poll};

pub use std::sync::atomic::{AtomicBool, Ordering};

pub use parking_lot::{Mutex, MutexGuard};
pub use tokio::time::{Instant, Sleep, sleep_until};

/// A future that ends at `deadline`.
pub fn alarm(deadline: Instant) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(deadline))
}

/// Lets other tasks run when this one has had its share.
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    tokio::task::coop::poll_proceed(cx).map(|share| share.made_progress())
}
