//! The receiving end of the bus.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

use futures_util::Stream;
use parking_lot::Mutex;
use tokio::task::coop;

use super::bus::Shared;
use super::{Event, Pattern};

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// An event that matches the subscription's pattern.
    Event(Arc<Event>),
    /// The subscriber fell behind its buffer: so many matching events stood here, and it will not get them. What
    /// follows is the oldest that it still gets.
    Lagged(u64),
}

/// A subscriber's end of the [bus](super::EventBus).
///
/// It gets every matching event published since it was made, in the order of publishing, and is told of those it
/// misses. Dropping it unsubscribes. It is a [`Stream`] too.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    pub(super) bus: Weak<Shared>,
    pub(super) pattern: Pattern,
    pub(super) number: u64,
    pub(super) queue: Arc<Queue>,
}

impl Subscription {
    /// The next delivery, or `None` once the bus is closed and everything that it accepted has been delivered.
    ///
    /// Dropping the future before it is ready loses nothing. A subscriber that always finds an event still yields to
    /// the runtime now and then.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Which events it gets.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let budget = ready!(coop::poll_proceed(context));
        let delivery = self.queue.poll(context);
        if delivery.is_ready() {
            budget.made_progress();
        }
        delivery
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(context)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.unsubscribe(&self.pattern, self.number);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

/// What was accepted for one subscriber and not yet taken by it.
pub(super) struct Queue {
    limit: usize,
    state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    events: VecDeque<Arc<Event>>,
    /// How many events were dropped that stood directly before the first of `events`.
    lagged: u64,
    is_closed: bool,
    waker: Option<Waker>,
}

impl Queue {
    /// A queue for so many events, but one at least.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), state: Mutex::default() }
    }

    /// Adds an event, in place of the oldest one if there are too many. Whom to wake is returned, to be woken without
    /// any lock held.
    #[must_use]
    pub(super) fn push(&self, event: Arc<Event>) -> Option<Waker> {
        let mut state = self.state.lock();
        // The oldest one goes, so the gap is always before the first event and one number tells of it.
        if state.events.len() == self.limit {
            state.events.pop_front();
            state.lagged += 1;
        }
        state.events.push_back(event);
        state.waker.take()
    }

    /// Accepts nothing more.
    #[must_use]
    pub(super) fn close(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.waker.take()
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.state.lock();
        if state.lagged > 0 {
            return Poll::Ready(Some(Delivery::Lagged(std::mem::take(&mut state.lagged))));
        }
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(Delivery::Event(event)));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        let old = state.waker.replace(context.waker().clone());
        // Dropping a waker is not our code: not under the lock.
        drop(state);
        drop(old);
        Poll::Pending
    }
}
