//! How far the cache is, and who waits for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::store::Revision;

/// The revision up to which the cache, the observers and the events have everything.
///
/// It only grows. A waiter is woken by the step that reaches its revision and by no other: one wake-up a write.
pub(super) struct Progress(Mutex<State>);

/// How many waiters there may be before those that were dropped are looked for.
const SWEEP_AT: usize = 64;

struct State {
    seen: Revision,
    waiters: BinaryHeap<Reverse<Waiter>>,
    /// With so many waiters, those that were dropped go: whoever asks for a revision that never comes leaves nothing.
    sweep_at: usize,
    closed: bool,
}

struct Waiter {
    revision: Revision,
    wake: oneshot::Sender<()>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { seen: Revision::ZERO, waiters: BinaryHeap::new(), sweep_at: SWEEP_AT, closed: false }))
    }

    pub(super) fn seen(&self) -> Revision {
        self.0.lock().seen
    }

    /// Waits until everything up to a revision was seen, or the client is closed.
    pub(super) async fn wait(&self, revision: Revision) {
        let woken = {
            let mut state = self.0.lock();
            if state.closed || state.seen >= revision {
                return;
            }
            if state.waiters.len() >= state.sweep_at {
                state.waiters.retain(|Reverse(waiter)| !waiter.wake.is_closed());
                // At least half of the room is free now: it costs O(1) a waiter.
                state.sweep_at = SWEEP_AT.max(2 * state.waiters.len());
            }
            let (wake, woken) = oneshot::channel();
            state.waiters.push(Reverse(Waiter { revision, wake }));
            woken
        };
        // An error means that the client and its cache are gone: there is nothing left to wait for.
        let _ = woken.await;
    }

    /// Moves on to a revision; never back.
    pub(super) fn advance(&self, revision: Revision) {
        let mut state = self.0.lock();
        if revision <= state.seen {
            return;
        }
        state.seen = revision;
        while let Some(Reverse(next)) = state.waiters.peek()
            && next.revision <= revision
        {
            let Some(Reverse(waiter)) = state.waiters.pop() else { break };
            // A waiter that was dropped doesn't mind.
            let _ = waiter.wake.send(());
        }
    }

    /// Lets everybody go, now and from now on.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.waiters.clear();
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.revision.cmp(&other.revision)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_waiter_is_woken_by_its_revision_and_not_before() {
        let progress = Progress::new();
        let mut third = Box::pin(progress.wait(Revision::new(3)));
        let mut second = Box::pin(progress.wait(Revision::new(2)));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        progress.advance(Revision::new(2));
        assert!(second.as_mut().now_or_never().is_some());
        assert!(third.as_mut().now_or_never().is_none());
        progress.advance(Revision::new(7));
        assert!(third.as_mut().now_or_never().is_some());
    }

    #[test]
    fn progress_never_goes_back() {
        let progress = Progress::new();
        progress.advance(Revision::new(5));
        progress.advance(Revision::new(4));
        assert_eq!(progress.seen(), Revision::new(5));
    }

    #[test]
    fn closing_lets_every_waiter_go() {
        let progress = Progress::new();
        let mut waiting = Box::pin(progress.wait(Revision::new(3)));
        assert!(waiting.as_mut().now_or_never().is_none());
        progress.close();
        assert!(waiting.as_mut().now_or_never().is_some());
        assert!(progress.wait(Revision::new(9)).now_or_never().is_some());
    }

    #[test]
    fn waits_that_were_given_up_are_forgotten() {
        let progress = Progress::new();
        let mut kept = Box::pin(progress.wait(Revision::new(7)));
        assert!((&mut kept).now_or_never().is_none());
        for _ in 0..10_000 {
            assert!(progress.wait(Revision::new(u64::MAX)).now_or_never().is_none());
        }
        assert!(progress.0.lock().waiters.len() < 100);
        progress.advance(Revision::new(7));
        assert!(kept.now_or_never().is_some());
    }
}
