//! How far an exploration is, for who waits for it.

use std::time::{Duration, Instant};

/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(2);

/// Says on the standard error how far it is, when it takes long.
pub(super) struct Progress {
    done: usize,
    all: usize,
    started: Instant,
    said: Instant,
}

impl Progress {
    pub(super) fn new(all: usize, started: Instant) -> Self {
        Self { done: 0, all, started, said: started }
    }

    /// The next plan begins.
    pub(super) fn next(&mut self) {
        if self.said.elapsed() >= SILENCE {
            self.said = Instant::now();
            eprintln!("explore: {} of {} plans in {:.1} s", self.done, self.all, self.started.elapsed().as_secs_f64());
        }
        self.done += 1;
    }
}
