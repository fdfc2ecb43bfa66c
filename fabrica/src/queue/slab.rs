//! Where the slots lie: an array whose freed places are used again.

use std::ops::{Index, IndexMut};

/// The end of the list of free places.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Place<T> {
    Used(T),
    Free { next: u32 },
}

/// Values under small numbers. Insert, remove and access are O(1); an id is valid from the `insert`
/// that returned it to the `remove` that takes it.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: u32,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: NONE, len: 0 }
    }
}

impl<T> Slab<T> {
    /// Values kept now.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Keeps `value`, in the place freed last if there is one.
    pub fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(place) = self.places.get_mut(self.free as usize) {
            let id = self.free;
            if let Place::Free { next } = std::mem::replace(place, Place::Used(value)) {
                self.free = next;
            }
            return id;
        }
        // 2³² slots are hundreds of gigabytes: memory ends before the ids do.
        let id = u32::try_from(self.places.len()).expect("fewer than 2^32 keys");
        self.places.push(Place::Used(value));
        id
    }

    /// Gives back the value of a valid `id`, which is none from then on.
    pub fn remove(&mut self, id: u32) -> T {
        let freed = Place::Free { next: self.free };
        match std::mem::replace(&mut self.places[id as usize], freed) {
            Place::Used(value) => {
                self.free = id;
                self.len -= 1;
                value
            }
            Place::Free { .. } => unreachable!("slot {id} was freed before"),
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, id: u32) -> &T {
        match &self.places[id as usize] {
            Place::Used(value) => value,
            Place::Free { .. } => unreachable!("slot {id} is free"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        match &mut self.places[id as usize] {
            Place::Used(value) => value,
            Place::Free { .. } => unreachable!("slot {id} is free"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn freed_places_are_used_again() {
        let mut slab = Slab::default();
        let ids: Vec<u32> = (0..4).map(|value| slab.insert(value)).collect();
        assert_eq!((slab.remove(ids[1]), slab.remove(ids[3]), slab.len()), (1, 3, 2));
        assert_eq!((slab.insert(10), slab.insert(11), slab.insert(12)), (3, 1, 4));
        slab[4] += 1;
        assert_eq!((slab[0], slab[1], slab[2], slab[3], slab[4], slab.len()), (0, 11, 2, 10, 13, 5));
    }
}
