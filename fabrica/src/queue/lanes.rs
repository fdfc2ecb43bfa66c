//! Who is next: two first-in first-out lanes of ids.

use super::core::Priority;
use super::stats::Depth;

/// No id.
const NONE: u32 = u32::MAX;
/// After this many live keys in a row one of those waiting in the background is taken, so that a
/// stream of changes can't starve the first fill.
pub const LIVE_IN_A_ROW: u32 = 8;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

#[derive(Debug)]
struct Lane {
    first: u32,
    last: u32,
    len: usize,
}

/// Two doubly linked lists through one array of links, indexed by id: push, pop and taking one out
/// of the middle are all O(1), and an id stands in at most one place (the caller sees to that).
#[derive(Debug)]
pub struct Lanes {
    links: Vec<Link>,
    live: Lane,
    background: Lane,
    /// Live ids taken in a row while the background had to wait.
    streak: u32,
}

impl Default for Lanes {
    fn default() -> Self {
        let lane = || Lane { first: NONE, last: NONE, len: 0 };
        Self { links: Vec::new(), live: lane(), background: lane(), streak: 0 }
    }
}

impl Lanes {
    /// Ids in both lanes.
    pub fn len(&self) -> usize {
        self.live.len + self.background.len
    }

    /// Ids in each lane.
    pub fn depth(&self) -> Depth {
        Depth { live: self.live.len, background: self.background.len }
    }

    /// Puts `id`, which is in no lane, behind all others of its lane.
    pub fn push(&mut self, id: u32, priority: Priority) {
        let index = id as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, Link { before: NONE, after: NONE });
        }
        let lane = match priority {
            Priority::Live => &mut self.live,
            Priority::Background => &mut self.background,
        };
        let last = std::mem::replace(&mut lane.last, id);
        lane.len += 1;
        if last == NONE {
            lane.first = id;
        } else {
            self.links[last as usize].after = id;
        }
        self.links[index] = Link { before: last, after: NONE };
    }

    /// Takes `id` out of the lane that it is in.
    pub fn remove(&mut self, id: u32, priority: Priority) {
        let Link { before, after } = self.links[id as usize];
        let lane = match priority {
            Priority::Live => &mut self.live,
            Priority::Background => &mut self.background,
        };
        lane.len -= 1;
        if before == NONE {
            lane.first = after;
        } else {
            self.links[before as usize].after = after;
        }
        if after == NONE {
            lane.last = before;
        } else {
            self.links[after as usize].before = before;
        }
    }

    /// Takes the next id: the live ones first, but one of the background after every
    /// [`LIVE_IN_A_ROW`].
    pub fn pop(&mut self) -> Option<(u32, Priority)> {
        let waiting = self.background.first != NONE;
        let (id, priority) = if self.live.first != NONE && !(waiting && self.streak >= LIVE_IN_A_ROW) {
            (self.live.first, Priority::Live)
        } else if waiting {
            (self.background.first, Priority::Background)
        } else {
            return None;
        };
        self.streak = if waiting && priority == Priority::Live { self.streak + 1 } else { 0 };
        self.remove(id, priority);
        Some((id, priority))
    }
}

#[cfg(test)]
mod tests {
    use super::super::core::Priority::{Background, Live};
    use super::{LIVE_IN_A_ROW, Lanes};

    fn drain(lanes: &mut Lanes) -> Vec<u32> {
        std::iter::from_fn(|| lanes.pop().map(|(id, _)| id)).collect()
    }

    #[test]
    fn each_lane_keeps_its_order_and_live_goes_first() {
        let mut lanes = Lanes::default();
        for id in 0..6 {
            lanes.push(id, if id % 2 == 0 { Background } else { Live });
        }
        assert_eq!(lanes.len(), 6);
        assert_eq!(drain(&mut lanes), [1, 3, 5, 0, 2, 4]);
        assert_eq!(lanes.len(), 0);
    }

    #[test]
    fn an_id_can_leave_from_the_front_the_middle_and_the_back() {
        let mut lanes = Lanes::default();
        for id in 0..5 {
            lanes.push(id, Live);
        }
        for id in [0, 2, 4] {
            lanes.remove(id, Live);
        }
        lanes.push(2, Live);
        assert_eq!(drain(&mut lanes), [1, 3, 2]);
    }

    #[test]
    fn one_of_the_background_follows_every_eight_live_ones() {
        let mut lanes = Lanes::default();
        for id in 0..20 {
            lanes.push(id, Live);
        }
        for id in 100..104 {
            lanes.push(id, Background);
        }
        let order = drain(&mut lanes);
        let at = |id| order.iter().position(|&other| other == id);
        assert_eq!(LIVE_IN_A_ROW, 8);
        assert_eq!((at(100), at(101), at(102), at(103)), (Some(8), Some(17), Some(22), Some(23)));
    }
}
