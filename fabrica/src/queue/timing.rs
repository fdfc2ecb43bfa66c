//! The clocks of a queue that is timed.

use std::time::Duration;

use hashbrown::HashMap;

use super::core::Nanos;
use super::histogram::Histogram;
use super::stats::QueueTimes;

/// Those of client-go: powers of ten from 10 ns to 1000 s.
const BOUNDS: &[Duration] = &[
    Duration::from_nanos(10),
    Duration::from_nanos(100),
    Duration::from_micros(1),
    Duration::from_micros(10),
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(100),
    Duration::from_secs(1000),
];

/// What is known of the times of keys that were handed out.
#[derive(Debug)]
pub struct Timing {
    waited: Histogram,
    worked: Histogram,
    /// When each run under way began.
    running: HashMap<u32, Nanos>,
}

impl Default for Timing {
    fn default() -> Self {
        Self { waited: Histogram::new(BOUNDS), worked: Histogram::new(BOUNDS), running: HashMap::new() }
    }
}

impl Timing {
    /// The key in slot `id`, due `since` then, is handed out.
    pub fn begin(&mut self, now: Nanos, id: u32, since: Nanos) {
        self.waited.observe(between(since, now));
        self.running.insert(id, now);
    }

    /// It is done.
    pub fn end(&mut self, now: Nanos, id: u32) {
        if let Some(began) = self.running.remove(&id) {
            self.worked.observe(between(began, now));
        }
    }

    pub fn seen(&self, now: Nanos) -> QueueTimes {
        let ages = || self.running.values().map(|&began| between(began, now));
        QueueTimes {
            waited: self.waited.snapshot(),
            worked: self.worked.snapshot(),
            unfinished: ages().sum(),
            longest_running: ages().max().unwrap_or_default(),
        }
    }
}

fn between(earlier: Nanos, later: Nanos) -> Duration {
    Duration::from_nanos(later.saturating_sub(earlier))
}
