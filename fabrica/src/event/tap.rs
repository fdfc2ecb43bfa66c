//! Watching what users publish, from inside the publish.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use super::Event;
use super::bus::Shared;

/// What is called for every event that a user publishes.
pub(super) type Tap = Arc<dyn Fn(&Event) + Send + Sync>;

/// Keeps a [tap](super::EventBus::tap) in place; dropping it takes the tap away.
///
/// A call that is under way in another thread at that moment still comes to its end.
#[must_use = "dropping the guard takes the tap away"]
pub struct TapGuard {
    pub(super) bus: Weak<Shared>,
    pub(super) number: u64,
}

impl Drop for TapGuard {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.untap(self.number);
        }
    }
}

impl fmt::Debug for TapGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapGuard").finish_non_exhaustive()
    }
}

/// Calls a tap; one that panics costs a warning, and neither the publisher nor the other taps.
pub(super) fn call(tap: &Tap, event: &Event) {
    // Unwind safety: nothing of the bus is in the middle of a change here, and what the tap owns is its own business.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| tap(event))) {
        let message = message(&*panic);
        tracing::error!(event.type = event.event_type(), event.id = event.id(), message, "a tap of the event bus panicked");
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
