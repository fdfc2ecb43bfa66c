//! A file on a disk, and what is left of it.

use std::collections::BTreeMap;

use fabrica_tests::random::Random;
use sqlite_vfs::LockKind;

/// The part of a write that is there or not.
pub const SECTOR: usize = 512;

/// A change of a file that was not synced.
pub enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// What is known of a file, under whatever name it has.
pub struct Inode {
    /// What is on the disk for certain.
    pub synced: Vec<u8>,
    /// What was done since, in this order.
    pub pending: Vec<Change>,
    /// Who has locked it, and how far.
    pub locks: BTreeMap<u64, LockKind>,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Resize(size) => bytes.resize(*size, 0),
            Self::Write { at, bytes: new } => put(bytes, *at, new),
        }
    }

    /// Does a part of it: so many of a hundred sectors are lost, and so many hold garbage.
    fn tear(&self, bytes: &mut Vec<u8>, lost: u64, garbage: u64, random: &mut Random) {
        let Self::Write { at, bytes: new } = self else {
            if !random.percent(lost) {
                self.apply(bytes);
            }
            return;
        };
        // The size may be there before the bytes.
        if random.percent(10) {
            bytes.resize(bytes.len().max(at + new.len()), 0);
        }
        for (at, sector) in sectors(*at, new) {
            let chance = random.below(100);
            if chance < garbage {
                let mut sector = sector.to_vec();
                random.fill(&mut sector);
                put(bytes, at, &sector);
            } else if chance >= lost {
                put(bytes, at, sector);
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if bytes.len() < at + new.len() {
        bytes.resize(at + new.len(), 0);
    }
    bytes[at..at + new.len()].copy_from_slice(new);
}

impl Inode {
    pub fn new(synced: Vec<u8>) -> Self {
        Self { synced, pending: Vec::new(), locks: BTreeMap::new() }
    }

    /// All is on the disk.
    pub fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.synced);
        }
    }

    /// Any part is on the disk, and no more will be.
    pub fn fail_to_sync(&mut self, random: &mut Random) {
        self.synced = self.survivor(random);
        self.pending.clear();
    }

    /// What the file might hold after the power went: what was synced, and of the changes since then any part. Whole
    /// changes or single sectors of them are there, as if they were done in any order, and sectors may hold garbage. A
    /// sector that is overwritten in part keeps its other bytes.
    pub fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        match random.below(6) {
            // Nothing.
            0 => {}
            // Everything.
            1 => self.pending.iter().for_each(|change| change.apply(&mut bytes)),
            // All up to one point.
            2 => {
                let until = usize::try_from(random.below(self.pending.len() as u64 + 1)).unwrap_or(0);
                self.pending[..until].iter().for_each(|change| change.apply(&mut bytes));
                if let Some(change) = self.pending.get(until) {
                    change.tear(&mut bytes, 50, 0, random);
                }
            }
            // Anything.
            _ => {
                let lost = 10 + 40 * random.below(3);
                let garbage = if random.percent(30) { 10 } else { 0 };
                let by_sector = random.percent(70);
                for change in &self.pending {
                    if by_sector {
                        change.tear(&mut bytes, lost, garbage, random);
                    } else if !random.percent(lost) {
                        change.apply(&mut bytes);
                    }
                }
            }
        }
        bytes
    }
}

/// A write, cut where the sectors of the disk begin.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let start = at + done;
        let len = (SECTOR - start % SECTOR).min(bytes.len() - done);
        let sector = &bytes[done..done + len];
        done += len;
        (len > 0).then_some((start, sector))
    })
}
