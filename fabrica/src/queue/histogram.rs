//! How long things took: durations, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations in fixed buckets, for any number of threads. An observation costs a search in the bounds and two
/// atomic additions, and takes no lock.
///
/// ```
/// use fabrica::queue::Histogram;
/// use std::time::Duration;
///
/// const BOUNDS: &[Duration] = &[Duration::from_millis(10), Duration::from_millis(100)];
/// let histogram = Histogram::new(BOUNDS);
/// histogram.observe(Duration::from_millis(10));
/// histogram.observe(Duration::from_secs(1));
/// let seen = histogram.snapshot();
/// assert_eq!(seen.counts, [1, 0, 1]);
/// assert_eq!((seen.count(), seen.sum), (2, Duration::from_millis(1010)));
/// ```
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [Duration],
    counts: Box<[AtomicU64]>,
    /// Nanoseconds: 584 years of them.
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one whose buckets end at `bounds`, in rising order; what is longer than the last has a bucket, too.
    #[must_use]
    pub fn new(bounds: &'static [Duration]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts `duration` in the first bucket whose bound it doesn't exceed.
    pub fn observe(&self, duration: Duration) {
        let bucket = self.bounds.partition_point(|&bound| bound < duration);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was observed so far. An observation that is made just now may be in the counts and not yet in the sum.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let sum = Duration::from_nanos(self.sum.load(Ordering::Relaxed));
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        HistogramSnapshot { bounds: self.bounds, counts, sum }
    }
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// The longest duration of each bucket but the last, which has no bound.
    pub bounds: &'static [Duration],
    /// The observations in each bucket alone: one number more than there are bounds.
    pub counts: Vec<u64>,
    /// All observed durations together.
    pub sum: Duration,
}

impl HistogramSnapshot {
    /// All observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use std::time::Duration;

    const BOUNDS: &[Duration] = &[Duration::from_nanos(10), Duration::from_nanos(100)];

    #[test]
    fn a_bound_belongs_to_the_bucket_that_it_ends() {
        let histogram = Histogram::new(BOUNDS);
        for nanos in [0, 10, 11, 100, 101] {
            histogram.observe(Duration::from_nanos(nanos));
        }
        let seen = histogram.snapshot();
        assert_eq!((seen.counts.as_slice(), seen.count(), seen.sum), (&[2, 2, 1][..], 5, Duration::from_nanos(222)));
    }

    #[test]
    fn a_duration_of_any_length_has_a_bucket() {
        let histogram = Histogram::new(BOUNDS);
        histogram.observe(Duration::MAX);
        assert_eq!(histogram.snapshot().counts, [0, 0, 1]);
    }
}
