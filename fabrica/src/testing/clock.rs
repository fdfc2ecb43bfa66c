//! The clock of a test: one that stands still until everybody waits.

use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use crate::resource::Timestamp;
use crate::{Error, ErrorKind, Result};

/// The step of tokio's timers, a million nanoseconds: none fires between two.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// Stops the clock of the runtime that this is called in, unless it stands still already.
///
/// # Errors
/// There is no runtime, or it has several threads: nobody could tell when all of them wait.
pub(super) async fn pause() -> Result<()> {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if !matches!(flavor, Ok(RuntimeFlavor::CurrentThread)) {
        let found = if flavor.is_ok() { "this one has several" } else { "there is none here" };
        let message = format!(
            "a harness needs a tokio runtime of one thread, and {found}: use `#[tokio::test]` without `flavor = \
             \"multi_thread\"`, or `Harness::run`, which brings its own"
        );
        return Err(Error::new(ErrorKind::Startup, message));
    }
    if !Timestamp::stands_still() {
        tokio::time::pause();
    }
    align().await;
    // From this question on, timestamps count from their epoch.
    let _ = Timestamp::now();
    Ok(())
}

/// Moves the clock to a tick.
///
/// A clock that was stopped while it ran stands between two ticks, and every timer from there would fire up to a tick
/// late: a check every minute would come every 60.001 s.
async fn align() {
    if wait(TICK).await == TICK {
        return;
    }
    // The longest wait that still ends at the next tick is what is left of this one, in nanoseconds.
    let (mut ends, mut passes) = (0, 1_000_000_u64);
    while passes - ends > 1 {
        let middle = ends + (passes - ends) / 2;
        if wait(Duration::from_nanos(middle)).await > TICK { passes = middle } else { ends = middle }
    }
    tokio::time::advance(Duration::from_nanos(ends)).await;
}

/// How long a wait really takes, on the clock that stands still.
async fn wait(time: Duration) -> Duration {
    let start = Instant::now();
    tokio::time::sleep(time).await;
    start.elapsed()
}
