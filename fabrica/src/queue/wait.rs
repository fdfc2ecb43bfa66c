//! The futures of those who wait: for a key, and for the last run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::core::{Nanos, Reasons};
use super::item::Item;
use super::key::Key;
use super::shared::Shared;
use super::sync::{Sleep, alarm, poll_budget};

/// A worker that waits for a key.
pub struct Get<'a, K: Key, R: Reasons> {
    shared: &'a Arc<Shared<K, R>>,
    /// Its place among those who wait.
    ticket: Option<u64>,
    /// Set while this is the one that sleeps for the next timer.
    alarm: Option<Pin<Box<Sleep>>>,
}

enum Look<K: Key, R: Reasons> {
    Found(Option<Item<K, R>>),
    Parked { sleep_until: Option<Nanos> },
}

impl<'a, K: Key, R: Reasons> Get<'a, K, R> {
    pub fn new(shared: &'a Arc<Shared<K, R>>) -> Self {
        Self { shared, ticket: None, alarm: None }
    }

    /// Takes a key, or a place among those who wait.
    fn look(&mut self, cx: &Context<'_>) -> Look<K, R> {
        let ticket = &mut self.ticket;
        let now = || self.shared.now();
        self.shared.change(|state| {
            if let Some(ticket) = ticket.take() {
                state.waiting.leave(ticket);
            }
            if state.shut_down {
                return Look::Found(None);
            }
            if let Some(taken) = state.core.pop(now) {
                let since = self.shared.instant(taken.since);
                let queue = Some(Arc::clone(self.shared));
                return Look::Found(Some(Item { queue, taken, since }));
            }
            let (place, sleep_until) = state.waiting.park(cx.waker().clone(), state.core.next_timer());
            *ticket = Some(place);
            Look::Parked { sleep_until }
        })
    }
}

impl<K: Key, R: Reasons> Future for Get<'_, K, R> {
    type Output = Option<Item<K, R>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::task::ready!(poll_budget(cx));
        loop {
            let sleep_until = match self.look(cx) {
                Look::Found(item) => return Poll::Ready(item),
                Look::Parked { sleep_until } => sleep_until,
            };
            self.alarm = sleep_until.map(|at| alarm(self.shared.instant(at)));
            // An alarm that rings at once is due already: look again.
            let rings = self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready());
            if !rings {
                return Poll::Pending;
            }
        }
    }
}

impl<K: Key, R: Reasons> Drop for Get<'_, K, R> {
    fn drop(&mut self) {
        // Whoever was woken and doesn't look passes the baton on.
        if let Some(ticket) = self.ticket.take() {
            self.shared.change(|state| state.waiting.leave(ticket));
        }
    }
}

/// Someone who waits for the last run to end.
pub struct Drained<'a, K: Key, R: Reasons> {
    shared: &'a Shared<K, R>,
    ticket: Option<u64>,
}

impl<'a, K: Key, R: Reasons> Drained<'a, K, R> {
    pub fn new(shared: &'a Shared<K, R>) -> Self {
        Self { shared, ticket: None }
    }
}

impl<K: Key, R: Reasons> Future for Drained<'_, K, R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared;
        let mut state = shared.lock();
        if let Some(ticket) = self.ticket.take() {
            state.draining.remove(ticket);
        }
        if state.is_drained() {
            return Poll::Ready(());
        }
        self.ticket = Some(state.draining.insert(cx.waker().clone()));
        Poll::Pending
    }
}

impl<K: Key, R: Reasons> Drop for Drained<'_, K, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.lock().draining.remove(ticket);
        }
    }
}
