//! Who waits for a key, and who is woken.

use std::collections::BTreeMap;
use std::task::Waker;

use super::core::Nanos;

/// Wakers under tickets, oldest first.
#[derive(Debug, Default)]
pub struct Parked {
    wakers: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl Parked {
    /// Keeps `waker`; the ticket takes it back.
    pub fn insert(&mut self, waker: Waker) -> u64 {
        self.tickets += 1;
        self.wakers.insert(self.tickets, waker);
        self.tickets
    }

    /// False if the waker of this ticket has been taken.
    pub fn remove(&mut self, ticket: u64) -> bool {
        self.wakers.remove(&ticket).is_some()
    }

    /// Takes all wakers.
    pub fn take(&mut self) -> BTreeMap<u64, Waker> {
        std::mem::take(&mut self.wakers)
    }
}

/// The waiting `get` that sleeps, or has been woken in order to sleep, until the next timer is due.
#[derive(Debug)]
struct Sleeper {
    ticket: u64,
    until: Nanos,
}

/// The waiting `get`s.
///
/// A `get` that was woken has a baton until it looks at the queue again, takes a key there or not, or is
/// dropped. Two invariants hold after every [`Waiting::pass`]:
///
/// - of those who wait, as many are woken as keys can be taken, or all;
/// - if someone waits and there is a timer, one of them sleeps until the first one, or has the baton and
///   will.
///
/// So no key waits for a free worker, even if a woken one is stuck behind a task that blocks its
/// thread, and nobody is woken for nothing.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Those who wait and haven't been woken.
    parked: Parked,
    /// How many have a baton.
    woken: usize,
    sleeper: Option<Sleeper>,
}

impl Waiting {
    /// A `get` that found nothing waits. If nobody sleeps for the next timer, due at `next_due`, it is told to.
    pub fn park(&mut self, waker: Waker, next_due: Option<Nanos>) -> (u64, Option<Nanos>) {
        let ticket = self.parked.insert(waker);
        let until = next_due.filter(|&due| !self.is_slept_for(due));
        if let Some(until) = until {
            self.sleeper = Some(Sleeper { ticket, until });
        }
        (ticket, until)
    }

    /// The `get` with this ticket looks at the queue again, or is dropped.
    pub fn leave(&mut self, ticket: u64) {
        if !self.parked.remove(ticket) {
            self.woken -= 1;
        }
        if self.sleeper.as_ref().is_some_and(|sleeper| sleeper.ticket == ticket) {
            self.sleeper = None;
        }
    }

    /// Restores the invariants. `ready` keys can be taken, the next timer is due at `next_due`, in future.
    /// The caller wakes those returned.
    pub fn pass(&mut self, ready: usize, next_due: Option<Nanos>) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while self.woken < ready && !self.parked.wakers.is_empty() {
            // Rather not the sleeper: somebody would have to sleep in its place.
            let sleeper = self.sleeper.as_ref().map(|sleeper| sleeper.ticket);
            let mut tickets = self.parked.wakers.keys().copied();
            let ticket = tickets.find(|&ticket| Some(ticket) != sleeper).or(sleeper);
            wakers.extend(ticket.and_then(|ticket| self.wake(ticket)));
        }
        if let Some(until) = next_due.filter(|&due| !self.is_slept_for(due)) {
            let sleeper = self.sleeper.as_ref().map(|sleeper| sleeper.ticket);
            if let Some(ticket) = sleeper.or_else(|| self.parked.wakers.keys().next().copied()) {
                self.sleeper = Some(Sleeper { ticket, until });
                wakers.extend(self.wake(ticket));
            }
        }
        wakers
    }

    /// Wakes all, for good.
    pub fn take(&mut self) -> BTreeMap<u64, Waker> {
        let wakers = self.parked.take();
        self.woken += wakers.len();
        wakers
    }

    /// Does nobody wait who isn't woken?
    pub fn is_empty(&self) -> bool {
        self.parked.wakers.is_empty()
    }

    fn is_slept_for(&self, due: Nanos) -> bool {
        self.sleeper.as_ref().is_some_and(|sleeper| sleeper.until <= due)
    }

    /// None if that one is woken already.
    fn wake(&mut self, ticket: u64) -> Option<Waker> {
        let waker = self.parked.wakers.remove(&ticket)?;
        self.woken += 1;
        Some(waker)
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;
    use std::task::Waker;

    fn waiting(gets: u64) -> Waiting {
        let mut waiting = Waiting::default();
        for _ in 0..gets {
            waiting.park(Waker::noop().clone(), None);
        }
        waiting
    }

    #[test]
    fn a_second_key_wakes_a_second_worker_although_the_first_has_not_answered() {
        let mut waiting = waiting(3);
        assert_eq!(waiting.pass(1, None).len(), 1);
        assert_eq!(waiting.pass(1, None).len(), 0, "nobody is woken for nothing");
        assert_eq!(waiting.pass(2, None).len(), 1);
        assert_eq!(waiting.pass(9, None).len(), 1);
        assert_eq!(waiting.pass(9, None).len(), 0);
    }

    #[test]
    fn one_sleeps_for_the_timer_and_others_are_woken_rather_than_it() {
        let mut waiting = waiting(1);
        let (sleeper, until) = waiting.park(Waker::noop().clone(), Some(10));
        assert_eq!(until, Some(10));
        assert_eq!(waiting.park(Waker::noop().clone(), Some(10)).1, None);
        assert_eq!(waiting.pass(2, Some(10)).len(), 2);
        assert!(waiting.parked.wakers.contains_key(&sleeper));
        assert_eq!(waiting.pass(3, Some(10)).len(), 1);
        assert!(waiting.is_empty());
    }

    #[test]
    fn an_earlier_timer_wakes_the_sleeper_once() {
        let mut waiting = waiting(2);
        assert_eq!(waiting.pass(0, Some(10)).len(), 1, "someone has to sleep");
        assert_eq!(waiting.pass(0, Some(7)).len(), 0, "that one is on its way");
        waiting.leave(1);
        assert_eq!(waiting.park(Waker::noop().clone(), Some(7)), (3, Some(7)));
        assert_eq!(waiting.pass(0, Some(8)).len(), 0);
        assert_eq!(waiting.pass(0, Some(5)).len(), 1);
    }
}
