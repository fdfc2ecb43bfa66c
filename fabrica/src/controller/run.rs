//! A run of user code, fenced in: a panic, a timeout or a blocked thread costs its object, not the process (C5).

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::warn;

use super::stats::Counts;
use crate::resource::ObjectKey;
use crate::{Error, ErrorKind, Result};

/// Runs user code to its end; the inner result is its own.
///
/// # Errors
/// It took longer than `timeout`, and was dropped where it waited: nobody knows how far it had come.
pub(super) async fn limited<T>(
    key: &ObjectKey,
    counts: &Counts,
    timeout: Option<Duration>,
    run: BoxFuture<'_, Result<T>>,
) -> Result<Result<T>> {
    let run = Watched { key, run };
    let Some(limit) = timeout else { return Ok(run.await) };
    tokio::time::timeout(limit, run).await.map_err(|_| {
        counts.timed_out();
        let message = format!("the reconcile of {key} was cancelled: it took longer than its timeout of {limit:?}");
        Error::new(ErrorKind::Timeout, message)
    })
}

/// A whole run, whose panics end here: those of the reconcile, and those of the user's types, which are cloned and
/// encoded around it.
///
/// # Errors
/// The run's own; or it panicked.
pub(super) async fn caught<T>(key: &ObjectKey, counts: &Counts, run: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|panic| {
        counts.panicked();
        Err(Error::new(ErrorKind::Panicked, format!("the reconcile of {key} panicked: {}", message_of(&*panic))))
    })
}

/// The text of a panic.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A future that is reported if one poll of it takes so long that it must have blocked its thread.
struct Watched<'a, T> {
    key: &'a ObjectKey,
    run: BoxFuture<'a, Result<T>>,
}

/// A poll is to take microseconds. One that takes this long keeps other objects, and timers, from their thread.
const BLOCKED: Duration = Duration::from_millis(500);

impl<T> Future for Watched<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        // The machine's clock: a paused one would not see the thread blocked.
        let start = Instant::now();
        let poll = self.run.as_mut().poll(cx);
        let took = start.elapsed();
        if took >= BLOCKED {
            let key = self.key;
            warn!(object = %key, ?took, "the reconcile of {key} blocked its thread for {took:?}: use async calls or `tokio::task::spawn_blocking`");
        }
        poll
    }
}
