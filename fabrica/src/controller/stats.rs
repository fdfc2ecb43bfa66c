//! What a controller says of itself in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::kind::Kind;
use crate::Error;
use crate::queue::{Histogram, HistogramSnapshot, Next, QueueStats};
use crate::resource::GroupKind;

/// Those of controller-runtime.
const BOUNDS: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(150),
    Duration::from_millis(200),
    Duration::from_millis(250),
    Duration::from_millis(300),
    Duration::from_millis(350),
    Duration::from_millis(400),
    Duration::from_millis(450),
    Duration::from_millis(500),
    Duration::from_millis(600),
    Duration::from_millis(700),
    Duration::from_millis(800),
    Duration::from_millis(900),
    Duration::from_millis(1000),
    Duration::from_millis(1250),
    Duration::from_millis(1500),
    Duration::from_millis(1750),
    Duration::from_secs(2),
    Duration::from_millis(2500),
    Duration::from_secs(3),
    Duration::from_millis(3500),
    Duration::from_secs(4),
    Duration::from_millis(4500),
    Duration::from_secs(5),
    Duration::from_secs(6),
    Duration::from_secs(7),
    Duration::from_secs(8),
    Duration::from_secs(9),
    Duration::from_secs(10),
    Duration::from_secs(15),
    Duration::from_secs(20),
    Duration::from_secs(25),
    Duration::from_secs(30),
    Duration::from_secs(40),
    Duration::from_secs(50),
    Duration::from_secs(60),
];

/// The numbers of a controller, with the meanings that controller-runtime gives them. See
/// [`Controller::stats`](super::Controller::stats).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ControllerStats {
    /// Each reconciled kind, the built-in one of namespaces among them.
    pub kinds: Vec<KindStats>,
}

/// The numbers of one kind's reconciler. Counters count from the start of the program and never fall; a run counts when it
/// has ended, and not if it was cancelled by [`Controller::stop`](super::Controller::stop).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindStats {
    /// The kind.
    pub kind: GroupKind,
    /// The name of its controller, another one for each: the kind in lower case, and the group behind a dot if two groups
    /// have such a kind.
    pub controller: String,
    /// Runs that went well and asked for nothing more; also those that found nothing to do, as their object was gone.
    pub success: u64,
    /// Runs that failed, for whatever reason.
    pub error: u64,
    /// Runs that asked for another one at once.
    pub requeue: u64,
    /// Runs that asked for another one after a while.
    pub requeue_after: u64,
    /// Of those that failed: those that a retry can't help.
    pub terminal_errors: u64,
    /// Of those that failed: those that panicked.
    pub panics: u64,
    /// Of those that failed: those that took longer than the reconciler's timeout.
    pub timeouts: u64,
    /// How long runs took, with all that the framework does around them.
    pub time: HistogramSnapshot,
    /// How many runs may be under way at once.
    pub max_concurrent: usize,
    /// Objects whose last run failed.
    pub failing: usize,
    /// The numbers of its queue; [`QueueStats::running`] is how many workers are busy.
    pub queue: QueueStats,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Success,
    Requeue,
    RequeueAfter,
    Error { terminal: bool },
}

impl Ended {
    pub(super) fn failed(error: &Error) -> Self {
        Self::Error { terminal: error.is_terminal() }
    }
}

impl From<Next> for Ended {
    fn from(next: Next) -> Self {
        match next {
            Next::Forget => Self::Success,
            Next::Requeue => Self::Requeue,
            Next::After(_) => Self::RequeueAfter,
            Next::Retry => Self::Error { terminal: false },
            Next::Hold => Self::Error { terminal: true },
        }
    }
}

/// What is counted of one kind's runs.
#[derive(Debug)]
pub(super) struct Counts {
    success: AtomicU64,
    error: AtomicU64,
    requeue: AtomicU64,
    requeue_after: AtomicU64,
    terminal_errors: AtomicU64,
    panics: AtomicU64,
    timeouts: AtomicU64,
    time: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            success: AtomicU64::default(),
            error: AtomicU64::default(),
            requeue: AtomicU64::default(),
            requeue_after: AtomicU64::default(),
            terminal_errors: AtomicU64::default(),
            panics: AtomicU64::default(),
            timeouts: AtomicU64::default(),
            time: Histogram::new(BOUNDS),
        }
    }
}

impl Counts {
    pub(super) fn ended(&self, how: Ended, took: Duration) {
        let count = match how {
            Ended::Success => &self.success,
            Ended::Requeue => &self.requeue,
            Ended::RequeueAfter => &self.requeue_after,
            Ended::Error { terminal } => {
                self.terminal_errors.fetch_add(u64::from(terminal), Ordering::Relaxed);
                &self.error
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.time.observe(took);
    }

    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn timed_out(&self) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers, with those that are known elsewhere.
    pub(super) fn of_kind(
        &self,
        kind: GroupKind,
        max_concurrent: usize,
        failing: usize,
        queue: QueueStats,
    ) -> KindStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        KindStats {
            kind,
            controller: kind.kind.to_lowercase(),
            success: read(&self.success),
            error: read(&self.error),
            requeue: read(&self.requeue),
            requeue_after: read(&self.requeue_after),
            terminal_errors: read(&self.terminal_errors),
            panics: read(&self.panics),
            timeouts: read(&self.timeouts),
            time: self.time.snapshot(),
            max_concurrent,
            failing,
            queue,
        }
    }
}

/// Reads the numbers of a controller.
#[derive(Clone)]
pub(crate) struct StatsReader {
    kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>,
    workers: usize,
}

impl StatsReader {
    pub(super) fn new(kinds: Arc<BTreeMap<GroupKind, Arc<Kind>>>, workers: usize) -> Self {
        Self { kinds, workers }
    }

    pub(crate) fn read(&self) -> ControllerStats {
        let stats = |kind: &Arc<Kind>| kind.stats(kind.options.concurrency.unwrap_or(self.workers));
        ControllerStats::of(self.kinds.values().map(stats).collect())
    }
}

impl ControllerStats {
    /// Sees to it that no two controllers have one name.
    fn of(mut kinds: Vec<KindStats>) -> Self {
        let names: Vec<String> = kinds.iter().map(|kind| kind.controller.clone()).collect();
        for kind in &mut kinds {
            if names.iter().filter(|name| **name == kind.controller).count() > 1 {
                kind.controller = kind.kind.to_string().to_lowercase();
            }
        }
        Self { kinds }
    }
}
