//! The timers: a 4-ary heap that knows where each id stands.

/// The position of an id that has no timer.
const ABSENT: u32 = u32::MAX;
/// Children per node. Four share a cache line, and halve the height of a binary heap.
const ARITY: usize = 4;

/// At most one due time per id; the earliest first, ties by id.
///
/// A changed or removed timer leaves nothing behind: `positions` leads to the entry itself, so there
/// are no stale entries to skip. `set` and `remove` cost O(log n), `first` O(1). Ids are small
/// numbers: `positions` is as long as the largest one.
#[derive(Debug, Default)]
pub struct Heap {
    /// Invariant: no entry is less than its parent at `(i - 1) / ARITY`.
    entries: Vec<(u64, u32)>,
    /// Invariant: `positions[id]` is the index of the entry of `id`, or `ABSENT`.
    positions: Vec<u32>,
}

impl Heap {
    /// Ids that have a timer.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The earliest due time and its id.
    pub fn first(&self) -> Option<(u64, u32)> {
        self.entries.first().copied()
    }

    /// Gives `id` the due time `at`, instead of any that it had.
    pub fn set(&mut self, id: u32, at: u64) {
        let index = id as usize;
        if self.positions.len() <= index {
            self.positions.resize(index + 1, ABSENT);
        }
        let position = match self.positions[index] {
            ABSENT => {
                self.entries.push((at, id));
                self.entries.len() - 1
            }
            position => {
                self.entries[position as usize].0 = at;
                position as usize
            }
        };
        self.settle(position);
    }

    /// Takes away the timer of `id`; false if it had none.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(position) = self.positions.get_mut(id as usize) else {
            return false;
        };
        let hole = std::mem::replace(position, ABSENT);
        if hole == ABSENT {
            return false;
        }
        let hole = hole as usize;
        self.entries.swap_remove(hole);
        // The last entry stands in the hole now, and may belong above or below it.
        if hole < self.entries.len() {
            self.settle(hole);
        }
        true
    }

    /// Moves the entry at `position` up or down to where the order wants it.
    fn settle(&mut self, position: usize) {
        let entry = self.entries[position];
        let risen = self.rise(position, entry);
        let place = if risen == position { self.sink(position, entry) } else { risen };
        self.put(place, entry);
    }

    /// The place for `entry` at or above `position`; those it passes have moved down.
    fn rise(&mut self, mut position: usize, entry: (u64, u32)) -> usize {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.entries[parent] <= entry {
                break;
            }
            self.put(position, self.entries[parent]);
            position = parent;
        }
        position
    }

    /// The place for `entry` at or below `position`; those it passes have moved up.
    fn sink(&mut self, mut position: usize, entry: (u64, u32)) -> usize {
        loop {
            let first = position * ARITY + 1;
            let last = (first + ARITY).min(self.entries.len());
            let Some(child) = (first..last).min_by_key(|&child| self.entries[child]) else {
                return position;
            };
            if entry <= self.entries[child] {
                return position;
            }
            self.put(position, self.entries[child]);
            position = child;
        }
    }

    fn put(&mut self, position: usize, entry: (u64, u32)) {
        self.entries[position] = entry;
        // There are no more entries than ids, and ids are u32.
        #[allow(clippy::cast_possible_truncation)]
        let position = position as u32;
        self.positions[entry.1 as usize] = position;
    }
}

#[cfg(test)]
mod tests {
    use super::{ABSENT, ARITY, Heap};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn check(heap: &Heap) {
        for (position, entry) in heap.entries.iter().enumerate().skip(1) {
            assert!(heap.entries[(position - 1) / ARITY] <= *entry);
        }
        for (id, &position) in heap.positions.iter().enumerate() {
            assert!(position == ABSENT || heap.entries[position as usize].1 as usize == id);
        }
        let placed = heap.positions.iter().filter(|&&position| position != ABSENT).count();
        assert_eq!(placed, heap.len());
    }

    proptest! {
        #[test]
        fn any_sequence_of_changes_keeps_the_order_and_the_positions(
            steps in prop::collection::vec((0..40_u32, prop::option::weighted(0.7, 0..100_u64)), 0..300),
        ) {
            let (mut heap, mut model) = (Heap::default(), BTreeMap::new());
            for (id, at) in steps {
                if let Some(at) = at {
                    heap.set(id, at);
                    model.insert(id, at);
                } else {
                    prop_assert_eq!(heap.remove(id), model.remove(&id).is_some());
                }
                check(&heap);
                prop_assert_eq!(heap.len(), model.len());
                prop_assert_eq!(heap.first(), model.iter().map(|(&id, &at)| (at, id)).min());
            }
        }
    }

    #[test]
    fn a_timer_set_a_thousand_times_is_one_entry() {
        let mut heap = Heap::default();
        for at in 0..1000 {
            heap.set(7, at);
        }
        assert_eq!((heap.len(), heap.first()), (1, Some((999, 7))));
        assert!(heap.remove(7) && !heap.remove(7) && !heap.remove(8));
        assert_eq!(heap.len(), 0);
    }
}
