//! How much may be written about one object: a bucket of tokens for each.

use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;

use crate::controller::Subject;
use crate::resource::Uid;

/// How many writes an object has at once, and how long one takes to come back.
pub(super) const BURST: u32 = 25;
pub(super) const REFILL: Duration = Duration::from_secs(5 * 60);
/// How many objects are kept account of. One that is forgotten has a full bucket again.
const OBJECTS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Budget {
    buckets: HashMap<Subject, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    /// Up to when tokens have come back.
    at: Instant,
    /// How often stored events happened that could not be counted on: the next write of each says it. An object has
    /// only so many stored events.
    owed: HashMap<Uid, u32>,
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        while self.tokens < BURST && now.duration_since(self.at) >= REFILL {
            self.tokens += 1;
            self.at += REFILL;
        }
        if self.tokens == BURST {
            self.at = now;
        }
    }
}

impl Budget {
    fn bucket(&mut self, about: &Subject, now: Instant) -> &mut Bucket {
        if self.buckets.len() >= OBJECTS && !self.buckets.contains_key(about) {
            self.make_room(now);
        }
        let bucket = self.buckets.entry_ref(about);
        let bucket = bucket.or_insert_with(|| Bucket { tokens: BURST, at: now, owed: HashMap::new() });
        bucket.refill(now);
        bucket
    }

    /// Forgets the objects with a full bucket and, if these are not many, those that were not heard of for longest: half
    /// of them, so that it costs little for each.
    fn make_room(&mut self, now: Instant) {
        self.forget_full(now);
        if self.buckets.len() > OBJECTS / 2 {
            let mut times: Vec<Instant> = self.buckets.values().map(|bucket| bucket.at).collect();
            let (_, middle, _) = times.select_nth_unstable(OBJECTS / 2);
            let middle = *middle;
            self.buckets.retain(|_, bucket| bucket.at > middle);
        }
    }

    /// Takes the token of a write, if there is one.
    pub(super) fn take(&mut self, about: &Subject, now: Instant) -> bool {
        let bucket = self.bucket(about, now);
        let has_one = bucket.tokens > 0;
        bucket.tokens -= u32::from(has_one);
        has_one
    }

    /// Remembers that a stored event happened so often, without a write.
    pub(super) fn owe(&mut self, about: &Subject, event: &Uid, count: u32, now: Instant) {
        let owed = self.bucket(about, now).owed.entry_ref(event).or_default();
        *owed = owed.saturating_add(count);
    }

    /// How often it happened since its last write.
    pub(super) fn settle(&mut self, about: &Subject, event: &Uid) -> u32 {
        self.buckets.get_mut(about).and_then(|bucket| bucket.owed.remove(event)).unwrap_or_default()
    }

    /// Forgets the objects with a full bucket.
    pub(super) fn forget_full(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| {
            bucket.refill(now);
            bucket.tokens < BURST
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(number: usize) -> Subject {
        Subject { group: "example.io".into(), kind: "Device".into(), uid: number.to_string() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_has_so_many_at_once_and_one_more_every_five_minutes() {
        let mut budget = Budget::default();
        let taken = |budget: &mut Budget| (0..100).filter(|_| budget.take(&subject(1), Instant::now())).count();
        assert_eq!(taken(&mut budget), 25);
        assert!(budget.take(&subject(2), Instant::now()), "each object has its own");
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(taken(&mut budget), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(taken(&mut budget), 1);
        tokio::time::advance(100 * REFILL).await;
        assert_eq!(taken(&mut budget), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_objects_are_kept_account_of() {
        let mut budget = Budget::default();
        for number in 0..2 * OBJECTS {
            assert!(budget.take(&subject(number), Instant::now()));
        }
        assert!((1..=OBJECTS).contains(&budget.buckets.len()));
        tokio::time::advance(REFILL).await;
        budget.forget_full(Instant::now());
        assert!(budget.buckets.is_empty());
    }
}
