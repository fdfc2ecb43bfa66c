//! What a harness does around every run.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::time::Instant;

use super::log::Log;
use super::record::Run;
use crate::Result;
use crate::client::title_of;
use crate::controller::Around;
use crate::queue::Next;
use crate::reconciler::Reasons;
use crate::resource::Object;

/// How often one run may be looked at without the clock moving, before it is one that waits by asking again and again.
const POLLS: u32 = 100_000;

tokio::task_local! {
    /// The object whose run this is.
    static RUN_OF: Arc<str>;
}

/// The object whose run this is called from, if it is one.
pub(super) fn current() -> Option<Arc<str>> {
    RUN_OF.try_with(Arc::clone).ok()
}

/// Writes down every run.
pub(super) struct Witness {
    pub(super) log: Arc<Log>,
}

impl Around for Witness {
    fn around<'a>(
        &'a self,
        object: &dyn Object,
        reasons: &Reasons,
        attempt: u32,
        run: BoxFuture<'a, Result<Next>>,
    ) -> BoxFuture<'a, Result<Next>> {
        let key = object.key();
        // The built-in kinds look after themselves: that is no news to a test.
        if key.kind.is_built_in() {
            return run;
        }
        let title: Arc<str> = title_of(key.kind.kind, &object.metadata().namespace, object.metadata()).into();
        let (at, reasons) = (self.log.elapsed(), reasons.to_string());
        let record = Run { at, key, object: Arc::clone(&title), reasons, attempt, is_over: false, error: None };
        let watched = Watched {
            log: &self.log,
            title: Arc::clone(&title),
            run: Box::pin(RUN_OF.scope(title, run)),
            polls: 0,
            at: Instant::now(),
        };
        let place = self.log.began(record);
        async move {
            let answer = watched.await;
            self.log.ended(place, answer.as_ref().err());
            answer
        }
        .boxed()
    }
}

/// A run that is reported if it keeps asking to be looked at: the clock would stand still for ever.
struct Watched<'a, F> {
    log: &'a Log,
    title: Arc<str>,
    run: Pin<Box<F>>,
    polls: u32,
    at: Instant,
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let now = Instant::now();
        self.polls = if now == self.at { self.polls + 1 } else { 0 };
        self.at = now;
        if self.polls == POLLS {
            self.log.alarm(format!(
                "the run of {} never gets quiet: it yields again and again, and the clock stands still while it does; \
                 wait for what it waits for, or sleep in between",
                self.title
            ));
        }
        self.run.as_mut().poll(cx)
    }
}
