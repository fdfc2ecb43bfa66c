//! What is known of the objects of one user.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What may be there under one name: one of several, if the outcome of a write is unknown. `None` is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known(Vec<Option<u64>>);

impl Known {
    pub fn absent() -> Self {
        Self(vec![None])
    }

    /// A write was acknowledged.
    pub fn is(&mut self, state: Option<u64>) {
        self.0 = vec![state];
    }

    /// A write may have taken place.
    pub fn may_be(&mut self, state: Option<u64>) {
        self.0.push(state);
    }

    /// What was read must be possible, and is known from now on. How many other things it could have been.
    pub fn found(&mut self, name: &str, state: Option<u64>) -> usize {
        assert!(self.0.contains(&state), "{name} is {state:?}, but may be one of {:?} only", self.0);
        let others = self.0.len() - 1;
        self.is(state);
        others
    }

    pub fn one(&self) -> Option<u64> {
        self.0.first().copied().flatten()
    }
}

/// What was done and seen.
#[derive(Debug, Default)]
pub struct Counts {
    pub acknowledged: AtomicU64,
    pub unknown: AtomicU64,
    pub read: AtomicU64,
    pub changes: AtomicU64,
    pub resumed: AtomicU64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(
            f,
            "{} writes acknowledged, {} of unknown outcome, {} reads as the model has it; {} changes watched, {} watches resumed",
            of(&self.acknowledged),
            of(&self.unknown),
            of(&self.read),
            of(&self.changes),
            of(&self.resumed)
        )
    }
}
