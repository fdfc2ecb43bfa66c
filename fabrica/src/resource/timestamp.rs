//! Instants on the wall clock, as objects carry them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant as StdInstant};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

/// An instant, to the microsecond; RFC 3339 in UTC on the wire.
///
/// ```
/// use fabrica::resource::Timestamp;
///
/// let start: Timestamp = "2026-01-02T03:04:05Z".parse()?;
/// assert_eq!(start.to_string(), "2026-01-02T03:04:05Z");
/// assert!(Timestamp::now() > start);
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

/// Where a paused clock starts: 2026-01-01T00:00:00Z, in seconds.
const PAUSED_EPOCH: i64 = 1_767_225_600;

thread_local! {
    /// The paused runtime that this thread last asked for the time in, and the instant of the first question.
    static PAUSED: RefCell<Option<(Id, Instant)>> = const { RefCell::new(None) };
}

impl Timestamp {
    /// The time now.
    ///
    /// It follows the clock of the tokio runtime it is called in: under a paused clock it starts at
    /// 2026-01-01T00:00:00Z with the first question and moves only as that clock does, so that a test repeats exactly.
    #[must_use]
    pub fn now() -> Self {
        Self::paused().unwrap_or_else(|| Self::truncated(jiff::Timestamp::now()))
    }

    /// The time that has passed from `earlier` to this; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or_default()
    }

    /// This instant moved on by a duration, or the last instant there is.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.checked_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }

    /// The instant so many seconds after 1970-01-01T00:00:00Z, or `None` outside the years -9999 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    fn truncated(time: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time))
    }

    /// Is the clock of this runtime paused?
    ///
    /// Tokio doesn't tell. But a paused clock stands still, so: let the real clock move by one step, and see whether
    /// tokio's did.
    pub(crate) fn stands_still() -> bool {
        let (virtual_before, real_before) = (Instant::now(), StdInstant::now());
        while StdInstant::now() == real_before {}
        Instant::now() == virtual_before
    }

    /// The time of a runtime whose clock is paused.
    fn paused() -> Option<Self> {
        let runtime = Handle::try_current().ok()?.id();
        if !Self::stands_still() {
            return None;
        }
        let now = Instant::now();
        let started = PAUSED.with_borrow_mut(|last| match last {
            Some((id, started)) if *id == runtime => *started,
            _ => last.insert((runtime, now)).1,
        });
        Self::from_unix(PAUSED_EPOCH).map(|epoch| epoch.plus(now.saturating_duration_since(started)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::truncated)
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::truncated(time)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_makes_the_time_repeatable() {
        let first = Timestamp::now();
        assert_eq!(first.to_string(), "2026-01-01T00:00:00Z");
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(Timestamp::now().to_string(), "2026-01-01T00:00:01.5Z");
        assert_eq!(Timestamp::now().since(first), Duration::from_millis(1_500));
    }

    #[tokio::test]
    async fn a_running_clock_gives_the_time_of_day() {
        let now = jiff::Timestamp::now();
        let stamp = jiff::Timestamp::from(Timestamp::now());
        assert!(stamp.duration_since(now).abs() < jiff::SignedDuration::from_secs(60));
    }

    #[test]
    fn a_timestamp_keeps_microseconds_only() {
        let stamp: Timestamp = "2026-01-02T03:04:05.123456789Z".parse().unwrap();
        assert_eq!(stamp.to_string(), "2026-01-02T03:04:05.123456Z");
    }
}
