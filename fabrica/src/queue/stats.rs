//! What a queue says of itself in numbers.

use std::time::Duration;

use super::core::Priority;
use super::histogram::HistogramSnapshot;

/// The numbers of a queue, with the meanings that client-go's work queue gives them.
///
/// Counters count from the queue's beginning and never fall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStats {
    /// Keys that will be handed out as soon as that is possible, by lane.
    pub depth: Depth,
    /// Keys handed out and not done.
    pub running: usize,
    /// How often a key that wasn't due became due: it was added, its timer fired, or its run asked for another.
    /// Wake-ups of a key that waits already don't count, and of those during a run the first does, also if
    /// [`done_unless`](super::WorkQueue::done_unless) takes it back.
    pub adds: u64,
    /// How often a key was told to run after a while: retries with a backoff, and requeues with a delay.
    pub retries: u64,
    /// How long things took, of a [timed](super::WorkQueue::timed) queue.
    pub times: Option<QueueTimes>,
}

/// How many keys are due, each with the lane that it waits in. A key that was woken during its run is due as well: it
/// runs once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// [`Priority::Live`].
    pub live: usize,
    /// [`Priority::Background`].
    pub background: usize,
}

impl Depth {
    /// Both together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.live + self.background
    }

    pub(super) fn of(&mut self, priority: Priority) -> &mut usize {
        match priority {
            Priority::Live => &mut self.live,
            Priority::Background => &mut self.background,
        }
    }
}

/// How long the keys of a queue waited and ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueTimes {
    /// From when a key was due to when a worker got it, of every key handed out.
    pub waited: HistogramSnapshot,
    /// From there to when it was done, of every run that has ended.
    pub worked: HistogramSnapshot,
    /// How long all runs under way have taken so far, added up. It rises by one a second for each that is stuck.
    pub unfinished: Duration,
    /// How long the longest run under way has taken so far.
    pub longest_running: Duration,
}
