//! The bus.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;

use super::index::Index;
use super::subscription::Queue;
use super::tap::{self, Tap};
use super::{Event, Pattern, Subscription, TapGuard};

/// How many events wait for a subscriber before the oldest of them go, unless it asks for another number.
pub const DEFAULT_BUFFER: usize = 1024;

/// Carries events from publishers to subscribers, within this process.
///
/// - A publish never waits for a subscriber, and costs what the matching subscribers cost.
/// - All subscribers see events in one and the same order, that of publishing.
/// - Nothing is dropped silently: a subscriber that falls behind its buffer is told how many events it misses
///   ([`Delivery::Lagged`](super::Delivery::Lagged)).
/// - Closing delivers what was accepted first.
///
/// Clones are the same bus; when the last one goes, it closes. Nothing is stored: who subscribes later misses what was
/// before.
///
/// ```
/// use fabrica::event::{Delivery, Event, EventBus, Pattern};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// let bus = EventBus::new();
/// let mut started = bus.subscribe(Pattern::parse("io.example.**.started")?);
/// bus.publish(Event::new("io.example.device.started")?)?;
/// bus.close();
/// assert!(matches!(started.next().await, Some(Delivery::Event(_))));
/// assert_eq!(started.next().await, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventBus {
    shared: Arc<Shared>,
}

/// Why an event was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusError {
    /// The bus is closed.
    Closed,
}

impl EventBus {
    /// A bus whose subscribers have a buffer of [`DEFAULT_BUFFER`] events each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_buffer(DEFAULT_BUFFER)
    }

    /// A bus whose subscribers have a buffer of so many events each (one at least), unless they ask for another.
    ///
    /// A larger buffer lets a subscriber be slow for longer before it misses events; a full one costs as many events
    /// in memory, shared between subscribers.
    #[must_use]
    pub fn with_buffer(buffer: usize) -> Self {
        Self { shared: Arc::new(Shared { buffer, state: Mutex::default() }) }
    }

    /// Publishes a user's event: to the taps, and to every subscriber whose pattern matches.
    ///
    /// # Errors
    /// The bus is closed; nobody gets the event.
    pub fn publish(&self, event: Event) -> Result<(), BusError> {
        let event = Arc::new(event);
        let taps = self.shared.deliver(&event, |state| state.taps.values().cloned().collect::<Vec<_>>())?;
        for tap in &taps {
            tap::call(tap, &event);
        }
        Ok(())
    }

    /// Publishes an event of the framework's own: to every subscriber whose pattern matches, and to no tap.
    ///
    /// The event is made only if somebody listens to its type. On a closed bus nothing happens.
    pub fn publish_derived(&self, event: impl FnOnce() -> Event, event_type: &str) {
        // The event is made without the lock, since `event` is not our code; who listens is looked up again after it.
        if self.is_heard(event_type) {
            // A bus that was closed meanwhile has nobody left to tell, and no caller who could act on it.
            let _ = self.shared.deliver(&Arc::new(event()), |_| ());
        }
    }

    /// Subscribes to the events of matching type from now on, with the buffer of the bus.
    ///
    /// On a closed bus the subscription ends at once.
    pub fn subscribe(&self, pattern: Pattern) -> Subscription {
        self.subscribe_with(pattern, self.shared.buffer)
    }

    /// Subscribes with a buffer of so many events (one at least).
    pub fn subscribe_with(&self, pattern: Pattern, buffer: usize) -> Subscription {
        let queue = Arc::new(Queue::new(buffer));
        let number = self.shared.subscribe(&pattern, &queue);
        Subscription { bus: self.weak(), pattern, number, queue }
    }

    /// Calls `tap` inside every [`publish`](Self::publish), in the publisher's thread, until the guard is dropped.
    ///
    /// It must be quick, since the publisher waits for it. It may use the bus. If it panics, the panic is logged and
    /// the publish goes on. Calls of concurrent publishers come in no particular order. A tap that holds a clone of the
    /// bus keeps it open.
    pub fn tap(&self, tap: Arc<dyn Fn(&Event) + Send + Sync>) -> TapGuard {
        TapGuard { bus: self.weak(), number: self.shared.add_tap(tap) }
    }

    /// Accepts no more events. Subscribers still get what was accepted, and then `None`. Closing twice is no error.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Has the bus been closed?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().is_closed
    }

    /// Has anybody subscribed to anything? Taps don't count.
    #[must_use]
    pub fn has_subscribers(&self) -> bool {
        !self.shared.state.lock().index.is_empty()
    }

    /// Has anybody subscribed to events of this type? Taps don't count.
    #[must_use]
    pub fn is_heard(&self, event_type: &str) -> bool {
        self.shared.state.lock().index.has_match(event_type)
    }

    fn weak(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }
}

impl Default for EventBus {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the event bus is closed: publish before the controller stops"),
        }
    }
}

impl std::error::Error for BusError {}

/// What the clones of a bus share.
pub(super) struct Shared {
    buffer: usize,
    state: Mutex<State>,
}

/// A closed bus has neither subscribers nor taps.
#[derive(Default)]
struct State {
    is_closed: bool,
    /// Numbers subscriptions and taps in the order they came.
    last_number: u64,
    index: Index<Arc<Queue>>,
    taps: BTreeMap<u64, Tap>,
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Shared {
    /// Puts an event into the queue of every matching subscriber; `and` reads the state of that same moment.
    ///
    /// The lock is held until the event stands in every queue: that makes one order for all subscribers. Nobody else's
    /// code runs under it; tasks are woken after it.
    fn deliver<R>(&self, event: &Arc<Event>, and: impl FnOnce(&State) -> R) -> Result<R, BusError> {
        let mut wakers = Vec::new();
        let result = {
            let state = self.state.lock();
            if state.is_closed {
                return Err(BusError::Closed);
            }
            state.index.for_each_match(event.event_type(), |queue| wakers.extend(queue.push(Arc::clone(event))));
            and(&state)
        };
        wakers.into_iter().for_each(Waker::wake);
        Ok(result)
    }

    fn subscribe(&self, pattern: &Pattern, queue: &Arc<Queue>) -> u64 {
        let mut state = self.state.lock();
        let number = state.next_number();
        if state.is_closed {
            // Nobody waits on a new queue.
            let _ = queue.close();
        } else {
            state.index.insert(pattern, number, Arc::clone(queue));
        }
        number
    }

    pub(super) fn unsubscribe(&self, pattern: &Pattern, number: u64) {
        self.state.lock().index.remove(pattern, number);
    }

    fn add_tap(&self, tap: Tap) -> u64 {
        let mut state = self.state.lock();
        let number = state.next_number();
        if !state.is_closed {
            state.taps.insert(number, tap);
        }
        number
    }

    pub(super) fn untap(&self, number: u64) {
        // The tap's own data is dropped without the lock, since it may use the bus.
        let tap = self.state.lock().taps.remove(&number);
        drop(tap);
    }

    fn close(&self) {
        let (queues, taps) = {
            let mut state = self.state.lock();
            state.is_closed = true;
            (state.index.drain(), std::mem::take(&mut state.taps))
        };
        queues.iter().filter_map(|queue| queue.close()).for_each(Waker::wake);
        drop(taps);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake};

    use futures_util::FutureExt;

    use super::*;
    use crate::event::Delivery;

    fn event(event_type: &str) -> Event {
        Event::new(event_type).unwrap()
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn an_event_of_the_framework_is_made_only_if_somebody_listens() {
        let bus = EventBus::new();
        let mut deleted = bus.subscribe(pattern("**.deleted"));
        bus.publish_derived(|| panic!("nobody listens"), "a.created");
        bus.publish_derived(|| event("a.deleted"), "a.deleted");
        let Some(Some(Delivery::Event(got))) = deleted.next().now_or_never() else { panic!("nothing came") };
        assert_eq!(got.event_type(), "a.deleted");
        bus.close();
        bus.publish_derived(|| panic!("the bus is closed"), "a.deleted");
        assert_eq!(deleted.next().now_or_never(), Some(None));
    }

    #[test]
    fn a_dropped_subscription_leaves_nothing_behind() {
        let bus = EventBus::new();
        let subscriptions = ["a.b", "a.*", "**", "a.**.z"].map(|text| bus.subscribe(pattern(text)));
        let queue = Arc::downgrade(&subscriptions[2].queue);
        assert!(bus.has_subscribers() && bus.is_heard("a.b"));
        drop(subscriptions);
        assert!(!bus.has_subscribers() && !bus.is_heard("a.b"));
        assert!(queue.upgrade().is_none());
    }

    #[test]
    fn the_last_clone_of_a_bus_closes_it() {
        let bus = EventBus::new();
        let mut all = bus.subscribe(Pattern::all());
        let clone = bus.clone();
        drop(bus);
        assert_eq!(all.next().now_or_never(), None, "a clone still stands");
        drop(clone);
        assert_eq!(all.next().now_or_never(), Some(None));
    }

    #[test]
    fn a_subscription_to_a_closed_bus_ends_at_once() {
        let bus = EventBus::new();
        bus.close();
        bus.close();
        assert!(bus.is_closed());
        assert_eq!(bus.subscribe(Pattern::all()).next().now_or_never(), Some(None));
        assert!(!bus.has_subscribers());
    }

    #[test]
    fn a_waiting_subscriber_is_woken_by_an_event_and_by_the_close() {
        let bus = EventBus::new();
        let mut all = bus.subscribe(Pattern::all());
        for act in [|bus: &EventBus| bus.publish(event("a")).unwrap(), EventBus::close] {
            let count = Arc::new(Wakes::default());
            let waker = Waker::from(Arc::clone(&count));
            let mut context = Context::from_waker(&waker);
            let mut next = pin!(all.next());
            assert!(next.as_mut().poll(&mut context).is_pending());
            act(&bus);
            assert_eq!(count.0.load(Ordering::Relaxed), 1);
            assert!(next.as_mut().poll(&mut context).is_ready());
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
