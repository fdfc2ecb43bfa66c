//! How long a key that failed waits before it runs again.

use std::time::Duration;

/// An exponential delay: `base · 2ⁿ`, never more than `max`.
///
/// The default is 1 s, 2 s, 4 s … up to 5 minutes.
///
/// ```
/// use fabrica::queue::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::default();
/// assert_eq!(backoff.delay(0), Duration::from_secs(1));
/// assert_eq!(backoff.delay(3), Duration::from_secs(8));
/// assert_eq!(backoff.delay(u32::MAX), Duration::from_mins(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    max: Duration,
}

impl Backoff {
    /// A delay of `base` after the first failure, doubled by each further one, capped at `max`.
    ///
    /// A `max` below `base` wins; a `base` of zero never waits.
    #[must_use]
    pub const fn exponential(base: Duration, max: Duration) -> Self {
        Self { base, max }
    }

    /// The delay after `n` earlier failures (0 = this is the first). No `n` overflows.
    #[must_use]
    pub fn delay(&self, n: u32) -> Duration {
        let (base, max) = (self.base.as_nanos(), self.max.as_nanos());
        // A shift by fewer bits than the number has leading zeros loses none of it.
        if base == 0 {
            Duration::ZERO
        } else if n >= base.leading_zeros() || base << n >= max {
            self.max
        } else {
            Duration::from_nanos_u128(base << n)
        }
    }

    /// The delay after the first failure.
    #[must_use]
    pub const fn base(&self) -> Duration {
        self.base
    }

    /// The longest delay.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_secs(1), Duration::from_mins(5))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn the_default_doubles_from_one_second_to_five_minutes() {
        let seconds: Vec<u64> = (0..11).map(|n| Backoff::default().delay(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn no_count_and_no_base_overflows() {
        for n in [0, 31, 32, 63, 64, 94, 95, 127, 128, u32::MAX] {
            assert_eq!(Backoff::exponential(Duration::MAX, Duration::MAX).delay(n), Duration::MAX);
            assert!(Backoff::default().delay(n) <= Duration::from_mins(5));
        }
        let slow = Backoff::exponential(Duration::from_nanos(1), Duration::from_mins(5));
        assert_eq!(slow.delay(38), Duration::from_nanos(1 << 38));
        assert_eq!(slow.delay(39), Duration::from_mins(5));
    }

    #[test]
    fn a_zero_base_never_waits_and_a_small_max_wins() {
        assert_eq!(Backoff::exponential(Duration::ZERO, Duration::MAX).delay(u32::MAX), Duration::ZERO);
        let capped = Backoff::exponential(Duration::from_secs(10), Duration::from_secs(3));
        assert_eq!(capped.delay(0), Duration::from_secs(3));
    }
}
