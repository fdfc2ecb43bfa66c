//! Which objects run hot (C8): a reconciler that changes something on every run wakes itself for ever.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::resource::Uid;

/// So many runs within [`WINDOW`] are a warning.
const LIMIT: u32 = 100;
const WINDOW: Duration = Duration::from_secs(10);

/// How many objects are watched at once. The memory is fixed: two objects that fall on one place push each other out,
/// which an object that runs hot outlives.
const PLACES: usize = 256;

/// Counts the runs of the objects that ran last.
#[derive(Debug)]
pub(super) struct Heat {
    hasher: RandomState,
    places: Box<[Mutex<Place>]>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    since: Option<Instant>,
    runs: u32,
    /// The window had its warning.
    warned: bool,
}

impl Default for Heat {
    fn default() -> Self {
        let empty = || Mutex::new(Place { hash: 0, since: None, runs: 0, warned: false });
        Self { hasher: RandomState::new(), places: (0..PLACES).map(|_| empty()).collect() }
    }
}

impl Heat {
    /// Counts a run. The time within which the object ran 100 times, if that was less than 10 s; once a window.
    pub(super) fn count(&self, uid: &Uid) -> Option<Duration> {
        let hash = self.hasher.hash_one(uid);
        let index = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        let mut place = self.places[index].lock();
        place.runs += 1;
        // The clock is read when a window begins and when the limit is reached, not on every run.
        let is_new = place.hash != hash;
        if is_new || place.runs >= LIMIT {
            let now = Instant::now();
            let took = place.since.filter(|_| !is_new).map(|since| now.duration_since(since));
            if let Some(took) = took.filter(|took| *took < WINDOW) {
                place.runs = 0;
                return (!std::mem::replace(&mut place.warned, true)).then_some(took);
            }
            *place = Place { hash, since: Some(now), runs: u32::from(is_new), warned: false };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_runs_in_ten_seconds_are_hot_once() {
        let heat = Heat::default();
        let uid = Uid::from("hot");
        assert_eq!((0..LIMIT).filter_map(|_| heat.count(&uid)).count(), 1);
        assert_eq!((0..50 * LIMIT).filter_map(|_| heat.count(&uid)).count(), 0, "once a window");
        tokio::time::advance(WINDOW).await;
        assert_eq!((0..3 * LIMIT).filter_map(|_| heat.count(&uid)).count(), 1, "and again in the next");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_every_second_is_not_hot() {
        let heat = Heat::default();
        let uid = Uid::from("calm");
        for _ in 0..3 * LIMIT {
            assert_eq!(heat.count(&uid), None);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
}
