//! An ordered map that wastes little memory on keys that come in order.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

/// How many entries a leaf holds at most.
const FULL: usize = 64;
/// A leaf with fewer is joined with a neighbour if both fit.
const FEW: usize = FULL / 4;
/// How many entries two leaves may have to be joined: so few that the next entry doesn't part them again.
const JOINED: usize = FULL / 4 * 3;
/// How many of the next leaves are looked at for room before a leaf is split.
const NEAR: usize = 4;

/// An ordered map, like [`BTreeMap`].
///
/// The nodes of that are little more than half full when keys come in order, as those of objects do: names are counted,
/// uids grow with time. Here such leaves are full, also when the order is a little disturbed by writers at the same time,
/// and when there are several runs of keys side by side. In any other order it takes no more than a `BTreeMap` does.
///
/// A lookup costs a lookup in a map of the leaves and a binary search. An insert moves half a leaf on average; where keys
/// don't come in order, now and then a few leaves give one entry each on to the next.
pub(crate) struct PackedMap<K, V> {
    // No leaf is empty, and none has more than `FULL` entries. Each stands under a key that is not greater than any of
    // its own and greater than all of the leaf before. Of two neighbours one at least has `FEW` entries.
    leaves: BTreeMap<K, Vec<(K, V)>>,
    len: usize,
}

impl<K: Clone + Ord, V> PackedMap<K, V> {
    pub(crate) const fn new() -> Self {
        Self { leaves: BTreeMap::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The key as the map holds it, and its value.
    pub(crate) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (_, leaf) = self.leaves.range((Unbounded, Included(key))).next_back()?;
        let (key, value) = &leaf[search(leaf, key).ok()?];
        Some((key, value))
    }

    /// All values, in the order of the keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.leaves.values().flatten().map(|(_, value)| value)
    }

    /// The entries from a key on, in order.
    pub(crate) fn from<'a, Q: Ord + ?Sized>(
        &'a self,
        start: Bound<&Q>,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let first = match start {
            Included(key) | Excluded(key) => self.leaves.range((Unbounded, Included(key))).next_back(),
            Unbounded => None,
        };
        let skipped = first.map_or(0, |(_, leaf)| {
            leaf.partition_point(|(key, _)| match start {
                Included(start) => key.borrow() < start,
                Excluded(start) => key.borrow() <= start,
                Unbounded => false,
            })
        });
        let after = first.map_or(Unbounded, |(bound, _)| Excluded(bound));
        let rest = self.leaves.range::<K, _>((after, Unbounded));
        let leaves = first.into_iter().chain(rest);
        leaves.flat_map(|(_, leaf)| leaf).skip(skipped).map(|(key, value)| (key, value))
    }

    /// Puts a value under a key. A key that is there already stays the one that is held.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let Some((bound, leaf)) = self.leaves.range_mut::<K, _>(..=&key).next_back() else {
            return self.insert_first(key, value);
        };
        match search(leaf, &key) {
            Ok(index) => leaf[index].1 = value,
            Err(index) if leaf.len() < FULL => {
                leaf.insert(index, (key, value));
                self.len += 1;
            }
            Err(index) => {
                let bound = bound.clone();
                self.overflow(&bound, index, (key, value));
                self.len += 1;
            }
        }
    }

    /// As [`Self::insert`], before all that are there.
    fn insert_first(&mut self, key: K, value: V) {
        self.len += 1;
        let room = self.leaves.first_entry().filter(|leaf| leaf.get().len() < FULL);
        let mut leaf = room.map_or_else(empty, OccupiedEntry::remove);
        leaf.insert(0, (key.clone(), value));
        self.leaves.insert(key, leaf);
    }

    /// Puts an entry into a leaf that is full.
    ///
    /// A key that comes late in a run must not leave two halves behind: so the leaf stays full if one of the next has
    /// room, and each up to that gives its greatest on.
    fn overflow(&mut self, bound: &K, index: usize, entry: (K, V)) {
        let next = self.leaves.range::<K, _>((Excluded(bound), Unbounded)).take(NEAR);
        let mut bounds: Vec<K> = Vec::new();
        let mut has_room = false;
        for (bound, leaf) in next {
            bounds.push(bound.clone());
            has_room = leaf.len() < FULL;
            if has_room {
                break;
            }
        }
        let Some(leaf) = self.leaves.get_mut(bound) else { return };
        if !has_room && index <= FULL - FEW {
            let mut right = empty();
            right.extend(leaf.drain(FULL / 2..));
            match index.checked_sub(FULL / 2) {
                Some(index) if index > 0 => right.insert(index, entry),
                _ => leaf.insert(index, entry),
            }
            self.leaves.insert(right[0].0.clone(), right);
            return;
        }
        let mut given = push_out(leaf, index, entry);
        if has_room {
            for bound in bounds {
                let (Some(entry), Some(mut leaf)) = (given.take(), self.leaves.remove(&bound)) else { return };
                given = push_out(&mut leaf, 0, entry);
                self.leaves.insert(leaf[0].0.clone(), leaf);
            }
        } else if let Some(entry) = given {
            let mut leaf = empty();
            let bound = entry.0.clone();
            leaf.push(entry);
            self.leaves.insert(bound, leaf);
        }
    }

    /// Removes a key and its value.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let Some((bound, leaf)) = self.leaves.range_mut((Unbounded, Included(key))).next_back() else { return };
        let Ok(index) = search(leaf, key) else { return };
        leaf.remove(index);
        self.len -= 1;
        let left = leaf.len();
        if left >= FEW {
            return;
        }
        let bound = bound.clone();
        if left == 0 {
            self.leaves.remove::<K>(&bound);
            return;
        }
        self.join_next(&bound);
        let before = self.leaves.range::<K, _>(..&bound).next_back().map(|(before, _)| before.clone());
        if let Some(before) = before {
            self.join_next(&before);
        }
    }

    /// Makes one leaf of a leaf and the next, if they are small enough.
    fn join_next(&mut self, bound: &K) {
        let mut leaves = self.leaves.range_mut::<K, _>(bound..);
        let (Some((_, leaf)), Some((next_bound, next))) = (leaves.next(), leaves.next()) else { return };
        if leaf.len() + next.len() <= JOINED {
            leaf.append(next);
            let next_bound = next_bound.clone();
            self.leaves.remove(&next_bound);
        }
    }
}

impl<K: Clone + Ord, V> FromIterator<(K, V)> for PackedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|(one, _), (two, _)| one.cmp(two));
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// A leaf never grows: its memory is that of a full one.
fn empty<K, V>() -> Vec<(K, V)> {
    Vec::with_capacity(FULL)
}

/// Puts an entry into a leaf; what has no room there any more.
fn push_out<K, V>(leaf: &mut Vec<(K, V)>, index: usize, entry: (K, V)) -> Option<(K, V)> {
    if index == FULL {
        return Some(entry);
    }
    let last = if leaf.len() == FULL { leaf.pop() } else { None };
    leaf.insert(index, entry);
    last
}

fn search<K: Borrow<Q>, V, Q: Ord + ?Sized>(leaf: &[(K, V)], key: &Q) -> Result<usize, usize> {
    leaf.binary_search_by(|(held, _)| held.borrow().cmp(key))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    impl<V> PackedMap<u32, V> {
        fn check(&self) {
            let leaves: Vec<_> = self.leaves.iter().collect();
            for (bound, leaf) in &leaves {
                assert!(!leaf.is_empty() && leaf.len() <= FULL && leaf.capacity() == FULL);
                assert!(**bound <= leaf[0].0 && leaf.is_sorted_by(|one, two| one.0 < two.0));
            }
            for pair in leaves.windows(2) {
                assert!(pair[0].1[pair[0].1.len() - 1].0 < *pair[1].0);
                assert!(pair[0].1.len() >= FEW || pair[1].1.len() >= FEW, "two neighbours are nearly empty");
            }
            assert_eq!(self.len, leaves.iter().map(|(_, leaf)| leaf.len()).sum::<usize>());
        }
    }

    /// How full the leaves are after these inserts.
    #[allow(clippy::cast_precision_loss)]
    fn fill(keys: impl IntoIterator<Item = u32>) -> f64 {
        let mut map = PackedMap::new();
        keys.into_iter().for_each(|key| map.insert(key, ()));
        map.check();
        map.len() as f64 / (map.leaves.len() * FULL) as f64
    }

    #[test]
    fn leaves_are_full_when_keys_come_in_order() {
        assert!(fill(0..100_000) > 0.99);
        assert!(fill((0..100_000).rev()) > 0.95);
        assert!(fill((0..50_000).flat_map(|n| [n, 1_000_000 + n, 2_000_000 + n])) > 0.99, "three runs side by side");
    }

    #[test]
    fn writers_at_the_same_time_leave_leaves_full() {
        // Sixteen in turn, each of which may be behind the others.
        let late = |n: u32| [n, 1_000_000 + n];
        assert!(fill((0..6_000).flat_map(|n| (0..16).rev().map(move |m| n * 16 + m)).flat_map(late)) > 0.97);
    }

    #[test]
    fn writers_that_lag_behind_leave_leaves_full() {
        // The sixteenth key of each round comes ten rounds later.
        let round = |n: u32| (0..15).map(move |m| n * 16 + m).chain(n.checked_sub(10).map(|n| n * 16 + 15));
        assert!(fill((0..6_000).flat_map(round)) > 0.97);
    }

    #[test]
    fn leaves_are_no_emptier_than_those_of_a_btree_when_keys_come_in_any_order() {
        assert!(fill((0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761))) > 0.7);
    }

    proptest! {
        #[test]
        fn it_is_what_a_btree_map_is(
            steps in vec((0..4_u32, 0..600_u32, 1..80_u32), 0..120),
            starts in vec(0..700_u32, 8),
        ) {
            let (mut map, mut model) = (PackedMap::new(), BTreeMap::new());
            for (step, (what, from, count)) in steps.into_iter().enumerate() {
                for key in from..from + count {
                    if what == 0 {
                        map.remove(&key);
                        model.remove(&key);
                    } else {
                        // In order, in reverse order, or with gaps.
                        let key = [key, 2 * from + count - key, key * 7 % 700][what as usize - 1];
                        map.insert(key, step);
                        model.insert(key, step);
                    }
                }
                map.check();
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert!(map.values().eq(model.values()));
            prop_assert!(map.from::<u32>(Unbounded).eq(&model));
            for key in starts {
                prop_assert_eq!(map.get_key_value(&key), model.get_key_value(&key));
                prop_assert!(map.from(Included(&key)).eq(model.range(key..)));
                prop_assert!(map.from(Excluded(&key)).eq(model.range((Excluded(key), Unbounded))));
            }
            let again: PackedMap<_, _> = model.clone().into_iter().rev().collect();
            again.check();
            prop_assert!(again.from::<u32>(Unbounded).eq(&model));
        }
    }
}
