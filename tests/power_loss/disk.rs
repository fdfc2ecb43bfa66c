//! A disk whose power can go.
//!
//! Reads and writes go to real files in one folder. Beside them, the disk remembers what of it was synced and what was
//! not, so that after the power went it can say what the folder might hold:
//!
//! - All that was synced is there, of a file (its bytes and its size) and of the folder (which names it has).
//! - Of a file's changes since then any part is there: whole changes or single sectors of them, in any order, and
//!   sectors that hold garbage. A sector that is overwritten in part keeps its other bytes.
//! - Each name that was created or deleted since then may still be as it was before.
//!
//! As on the systems that `SQLite` runs on, the first sync of a new log or journal also syncs the folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fabrica_tests::random::Random;
use parking_lot::{Mutex, MutexGuard};
use sqlite_vfs::LockKind;

/// The part of a write that is there or not.
const SECTOR: usize = 512;

/// Which of the database's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Main,
    Wal,
    Journal,
}

impl Part {
    fn of(path: &Path) -> Self {
        let name = path.as_os_str().to_string_lossy();
        match name.rsplit_once('-') {
            Some((_, "wal")) => Self::Wal,
            Some((_, "journal")) => Self::Journal,
            _ => Self::Main,
        }
    }
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    Create,
    Write,
    Resize,
    Sync,
    Delete,
}

/// When the power goes: during the n-th operation of a kind, or of any.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub of: Option<(Part, Act)>,
    pub nth: u64,
}

/// What a failing sync does to the changes that it was to bring to the disk. Either way, none, some or all of them are
/// there, and no later sync brings the others.
#[derive(Clone, Copy, Debug)]
pub enum FailedSync {
    /// Reads still show them, as if all were well.
    Forgotten,
    /// Reads show what is on the disk.
    Reverted,
}

#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

/// A change of a file that was not synced.
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// What is known of a file, under whatever name it has.
struct Inode {
    synced: Vec<u8>,
    pending: Vec<Change>,
    locks: BTreeMap<u64, LockKind>,
}

pub struct State {
    random: Random,
    powered: bool,
    moment: Option<Moment>,
    cut_during: Option<(Part, Act)>,
    full: bool,
    failing_sync: Option<(Part, FailedSync, Option<u64>)>,
    inodes: Vec<Inode>,
    /// How many files were opened.
    opened: u64,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
}

/// A file on the disk.
pub struct Opened {
    number: u64,
    inode: usize,
    part: Part,
    file: File,
    /// Its first sync also syncs the folder.
    folder_too: bool,
}

impl Disk {
    /// A disk that makes its choices by a seed and loses its power at that moment.
    pub fn new(seed: u64, moment: Option<Moment>) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            powered: true,
            moment,
            cut_during: None,
            full: false,
            failing_sync: None,
            inodes: Vec::new(),
            opened: 0,
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Nothing reaches the disk from now on.
    pub fn cut_power(&self) {
        self.lock().powered = false;
    }

    pub fn is_powered(&self) -> bool {
        self.lock().powered
    }

    /// What was going on when the power went by itself.
    pub fn cut_during(&self) -> Option<(Part, Act)> {
        self.lock().cut_during
    }

    /// Whether a file can grow.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Makes the next sync of a file fail, and perhaps the power go so many operations later.
    pub fn fail_sync(&self, part: Part, how: FailedSync, power_for: Option<u64>) {
        self.lock().failing_sync = Some((part, how, power_for));
    }
    /// Puts into another folder what might be there after the power went now.
    pub fn survivors(&self, into: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let mut random = state.random.clone();
        for (name, inode) in state.surviving_names(&mut random) {
            let bytes = state.inodes[inode].survivor(&mut random);
            fs::write(into.join(name.file_name().unwrap_or_default()), bytes)?;
        }
        state.random = random;
        Ok(())
    }
}

fn off() -> io::Error {
    io::Error::other("the power is off")
}

impl State {
    /// Counts an operation; true if the power goes during it.
    fn step(&mut self, part: Part, act: Act) -> io::Result<bool> {
        if !self.powered {
            return Err(off());
        }
        if let Some(moment) = &mut self.moment
            && moment.of.is_none_or(|of| of == (part, act))
        {
            moment.nth = moment.nth.saturating_sub(1);
            if moment.nth == 0 {
                self.powered = false;
                self.cut_during = Some((part, act));
            }
        }
        Ok(!self.powered)
    }

    pub fn number(&mut self) -> u64 {
        self.random.number()
    }

    pub fn exists(&self, path: &Path) -> io::Result<bool> {
        if self.powered { path.try_exists() } else { Err(off()) }
    }

    pub fn open(&mut self, path: &Path, options: &fs::OpenOptions, may_create: bool) -> io::Result<Opened> {
        let (part, exists) = (Part::of(path), self.exists(path)?);
        let creates = may_create && !exists;
        if creates && self.step(part, Act::Create)? {
            let _ = self.add(path, Vec::new());
            return Err(off());
        }
        let file = options.open(path)?;
        let inode = match self.names.get(path) {
            Some(inode) => *inode,
            None if creates => self.add(path, Vec::new()),
            None => {
                let inode = self.add(path, fs::read(path)?);
                self.synced_names.insert(path.to_owned(), inode);
                inode
            }
        };
        self.opened += 1;
        Ok(Opened { number: self.opened, inode, part, file, folder_too: creates && part != Part::Main })
    }

    fn add(&mut self, path: &Path, synced: Vec<u8>) -> usize {
        self.inodes.push(Inode { synced, pending: Vec::new(), locks: BTreeMap::new() });
        self.names.insert(path.to_owned(), self.inodes.len() - 1);
        self.inodes.len() - 1
    }

    pub fn delete(&mut self, path: &Path) -> io::Result<()> {
        let last = self.exists(path)? && self.step(Part::of(path), Act::Delete)?;
        // Else a file of this name that was there from the beginning would not come back.
        if !self.names.contains_key(path) && path.exists() {
            let inode = self.add(path, fs::read(path)?);
            self.synced_names.insert(path.to_owned(), inode);
        }
        self.names.remove(path);
        if last { Err(off()) } else { fs::remove_file(path) }
    }

    pub fn read(&self, opened: &Opened, bytes: &mut [u8], at: u64) -> io::Result<()> {
        if !self.powered {
            return Err(off());
        }
        let mut done = 0;
        while done < bytes.len() {
            match opened.file.read_at(&mut bytes[done..], at + done as u64)? {
                0 => {
                    bytes[done..].fill(0);
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                n => done += n,
            }
        }
        Ok(())
    }

    pub fn size(&self, opened: &Opened) -> io::Result<u64> {
        if self.powered { Ok(opened.file.metadata()?.len()) } else { Err(off()) }
    }

    pub fn write(&mut self, opened: &Opened, bytes: &[u8], at: u64) -> io::Result<()> {
        if self.full && at + bytes.len() as u64 > self.size(opened)? {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let last = self.step(opened.part, Act::Write)?;
        let start = usize::try_from(at).map_err(io::Error::other)?;
        self.inodes[opened.inode].pending.push(Change::Write { at: start, bytes: bytes.to_vec() });
        if last { Err(off()) } else { opened.file.write_all_at(bytes, at) }
    }

    pub fn resize(&mut self, opened: &Opened, size: u64) -> io::Result<()> {
        if self.full && size > self.size(opened)? {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let last = self.step(opened.part, Act::Resize)?;
        let change = Change::Resize(usize::try_from(size).map_err(io::Error::other)?);
        self.inodes[opened.inode].pending.push(change);
        if last { Err(off()) } else { opened.file.set_len(size) }
    }

    pub fn sync(&mut self, opened: &mut Opened) -> io::Result<()> {
        let last = self.step(opened.part, Act::Sync)?;
        if let Some((_, how, power_for)) = self.failing_sync.take_if(|(part, ..)| *part == opened.part) {
            self.moment = power_for.map(|nth| Moment { of: None, nth });
            return self.fail(opened, how);
        }
        // One that was cut off may have done its work.
        if !last || self.random.percent(50) {
            let inode = &mut self.inodes[opened.inode];
            for change in std::mem::take(&mut inode.pending) {
                change.apply(&mut inode.synced);
            }
            if std::mem::take(&mut opened.folder_too) {
                self.synced_names = self.names.clone();
            }
        }
        if last { Err(off()) } else { Ok(()) }
    }

    /// Takes a lock, or gives up a greater one, if the locks of others allow that.
    pub fn take(&mut self, opened: &Opened, lock: LockKind) -> bool {
        let locks = &mut self.inodes[opened.inode].locks;
        let mut others = locks.iter().filter(|(number, _)| **number != opened.number).map(|(_, lock)| *lock);
        let allowed = match lock {
            LockKind::None => true,
            LockKind::Shared => others.all(|other| other < LockKind::Pending),
            LockKind::Reserved | LockKind::Pending => others.all(|other| other < LockKind::Reserved),
            LockKind::Exclusive => others.all(|other| other == LockKind::None),
        };
        if allowed {
            locks.insert(opened.number, lock);
        }
        allowed
    }

    pub fn lock_of(&self, opened: &Opened) -> LockKind {
        self.inodes[opened.inode].locks.get(&opened.number).copied().unwrap_or_default()
    }

    pub fn is_reserved(&self, opened: &Opened) -> bool {
        let locks = &self.inodes[opened.inode].locks;
        locks.iter().any(|(number, lock)| *number != opened.number && *lock >= LockKind::Reserved)
    }

    fn fail(&mut self, opened: &Opened, how: FailedSync) -> io::Result<()> {
        let inode = &mut self.inodes[opened.inode];
        inode.synced = inode.survivor(&mut self.random);
        inode.pending.clear();
        if let FailedSync::Reverted = how {
            opened.file.set_len(inode.synced.len() as u64)?;
            opened.file.write_all_at(&inode.synced, 0)?;
        }
        Err(io::Error::other("the sync failed"))
    }

    fn surviving_names(&self, random: &mut Random) -> BTreeMap<PathBuf, usize> {
        let mut surviving = BTreeMap::new();
        for name in self.synced_names.keys().chain(self.names.keys()) {
            let (before, now) = (self.synced_names.get(name), self.names.get(name));
            if let Some(&inode) = if random.percent(50) { before } else { now } {
                surviving.entry(name.clone()).or_insert(inode);
            }
        }
        surviving
    }
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Resize(size) => bytes.resize(size, 0),
            Self::Write { at, bytes: new } => put(bytes, at, &new),
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
    /// What the file might hold after the power went.
    fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        // How much of what was not synced: nothing, all, all up to one point, or anything at all.
        let pending = self.pending.len();
        let (until, lost) = match random.below(6) {
            0 => (0, 0),
            1 => (pending, 0),
            2 => (usize::try_from(random.below(pending as u64 + 1)).unwrap_or(0), 0),
            _ => (pending, [10, 50, 90][usize::try_from(random.below(3)).unwrap_or(0)]),
        };
        let (by_sector, garbage) = (random.percent(70), if random.percent(30) { 10 } else { 0 });
        for (place, change) in self.pending[..until].iter().enumerate() {
            let torn = place + 1 == until || by_sector;
            match change {
                _ if !torn && random.percent(lost) => {}
                Change::Resize(_) if random.percent(lost) => {}
                Change::Resize(size) => bytes.resize(*size, 0),
                Change::Write { at, bytes: new } if !torn => put(&mut bytes, *at, new),
                Change::Write { at, bytes: new } => {
                    let lost = if lost == 0 { 50 * u64::from(random.percent(30)) } else { lost };
                    for (at, sector) in sectors(*at, new) {
                        let chance = random.below(100);
                        if chance < garbage {
                            let mut sector = sector.to_vec();
                            random.fill(&mut sector);
                            put(&mut bytes, at, &sector);
                        } else if chance >= lost {
                            put(&mut bytes, at, sector);
                        }
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

#[cfg(test)]
mod tests {
    use fabrica_tests::folder::Folder;

    use super::*;

    /// A disk with a file that holds `a`s, synced, and was then overwritten with `b`s, not synced.
    fn overwritten(seed: u64, folder: &Folder) -> (Disk, Opened) {
        let disk = Disk::new(seed, None);
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true);
        let mut opened = disk.lock().open(&folder.path().join("x-wal"), &options, true).unwrap();
        disk.lock().write(&opened, &[b'a'; 4 * SECTOR], 0).unwrap();
        disk.lock().sync(&mut opened).unwrap();
        disk.lock().write(&opened, &[b'b'; 4 * SECTOR], SECTOR as u64 / 2).unwrap();
        (disk, opened)
    }

    fn survivor(disk: &Disk) -> Vec<u8> {
        let after = Folder::in_memory("disk").unwrap();
        disk.survivors(after.path()).unwrap();
        fs::read(after.path().join("x-wal")).unwrap()
    }

    #[test]
    fn what_was_synced_survives_and_any_part_of_the_rest() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..500 {
            let folder = Folder::in_memory("disk").unwrap();
            let bytes = survivor(&overwritten(seed, &folder).0);
            assert_eq!(bytes[..SECTOR / 2], [b'a'; SECTOR / 2], "seed {seed}: bytes that nobody wrote have changed");
            // Old, new or neither, of each sector.
            let sectors = bytes[SECTOR / 2..].chunks(SECTOR);
            seen.insert(
                sectors.map(|sector| if b"ab".contains(&sector[0]) { sector[0] } else { b'?' }).collect::<Vec<_>>(),
            );
        }
        for outcome in ["aaaa", "bbbbb", "aabaa", "bbaba", "bbb?b"] {
            let seen = seen.iter().any(|sectors| sectors.starts_with(&outcome.as_bytes()[..4]));
            assert!(seen, "{outcome} was never seen");
        }
    }

    #[test]
    fn all_that_was_synced_survives_whatever_comes_after() {
        for seed in 0..50 {
            let folder = Folder::in_memory("disk").unwrap();
            let (disk, mut opened) = overwritten(seed, &folder);
            disk.lock().sync(&mut opened).unwrap();
            assert_eq!(survivor(&disk)[SECTOR / 2..], [b'b'; 4 * SECTOR]);
        }
    }

    #[test]
    fn what_a_failed_sync_did_not_bring_to_the_disk_the_next_one_does_not() {
        for how in [FailedSync::Forgotten, FailedSync::Reverted] {
            let lost = (0..50).filter(|seed| {
                let folder = Folder::in_memory("disk").unwrap();
                let (disk, mut opened) = overwritten(*seed, &folder);
                disk.fail_sync(Part::Wal, how, None);
                assert!(disk.lock().sync(&mut opened).is_err());
                disk.lock().sync(&mut opened).unwrap();
                let mut read = [0; SECTOR];
                disk.lock().read(&opened, &mut read, SECTOR as u64).unwrap();
                let survivor = survivor(&disk);
                let is_lost = survivor[SECTOR..2 * SECTOR] != [b'b'; SECTOR];
                match how {
                    FailedSync::Forgotten => assert_eq!(read, [b'b'; SECTOR]),
                    FailedSync::Reverted => assert_eq!(read, survivor[SECTOR..2 * SECTOR]),
                }
                is_lost
            });
            assert!((5..45).contains(&lost.count()));
        }
    }

    #[test]
    fn a_name_is_safe_once_its_folder_was_synced() {
        let survives = |syncs: bool| {
            (0..50).filter(move |seed| {
                let folder = Folder::in_memory("disk").unwrap();
                let (disk, path) = (Disk::new(*seed, None), folder.path().join("x-wal"));
                let mut options = fs::OpenOptions::new();
                options.read(true).write(true).create(true);
                let mut opened = disk.lock().open(&path, &options, true).unwrap();
                if syncs {
                    disk.lock().sync(&mut opened).unwrap();
                }
                let after = Folder::in_memory("disk").unwrap();
                disk.survivors(after.path()).unwrap();
                after.path().join("x-wal").exists()
            })
        };
        assert_eq!(survives(true).count(), 50);
        assert!((5..45).contains(&survives(false).count()));
    }
}
