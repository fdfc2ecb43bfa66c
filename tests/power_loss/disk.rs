//! A disk whose power can go, under a process that can be killed.
//!
//! Reads and writes go to real files in one folder, which are what the system shows. Beside them, the disk remembers
//! what of it was synced and what was not, so that after the power went it can say what the folder might hold: all that
//! was synced; of each file any part of what was not; and each name that was made or deleted since the last sync of the
//! folder as it is or as it was.
//!
//! As in SQLite's own Unix layer, the first sync of a log or journal that was opened so as to be created if it was
//! missing also syncs the folder.

mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fabrica_tests::random::Random;
use parking_lot::{Mutex, MutexGuard};
use sqlite_vfs::LockKind;

use super::inode::{Change, Inode};

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

/// What ends, so that nothing more is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The process is killed: what it did so far can be read, and may or may not be on the disk.
    Process,
    /// The power goes.
    Power,
}

/// What was going on when something ended.
pub type Cut = (End, Part, Act);

/// When something ends: during the n-th operation of a kind, or of any.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub end: End,
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

pub struct State {
    random: Random,
    ended: Option<End>,
    moment: Option<Moment>,
    cuts: Vec<Cut>,
    full: bool,
    failing_sync: Option<(Part, FailedSync, Option<Moment>)>,
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
    /// A disk that makes its choices by a seed, and on which something ends at that moment.
    pub fn new(seed: u64, moment: Option<Moment>) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            ended: None,
            moment,
            cuts: Vec::new(),
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

    /// The power goes now, unless something has ended already.
    pub fn cut_power(&self) {
        self.lock().ended.get_or_insert(End::Power);
    }

    pub fn ended(&self) -> Option<End> {
        self.lock().ended
    }

    /// Lets another process go on after one was killed.
    pub fn restart(&self, moment: Option<Moment>) {
        let mut state = self.lock();
        state.ended = state.ended.filter(|end| *end == End::Power);
        state.moment = moment;
    }

    /// What was cut off at the moments that came.
    pub fn cuts(&self) -> Vec<Cut> {
        self.lock().cuts.clone()
    }

    /// Whether a file can grow.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Makes the next sync of a file fail, and perhaps something end at a moment after that.
    pub fn fail_sync(&self, part: Part, how: FailedSync, then: Option<Moment>) {
        self.lock().failing_sync = Some((part, how, then));
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
    io::Error::other("the process or the power has ended")
}

impl State {
    fn goes_on(&self) -> io::Result<()> {
        self.ended.map_or(Ok(()), |_| Err(off()))
    }

    /// Counts an operation; true if the power goes during it. A process is killed between two.
    fn step(&mut self, part: Part, act: Act) -> io::Result<bool> {
        self.goes_on()?;
        if let Some(moment) = &mut self.moment
            && moment.of.is_none_or(|of| of == (part, act))
        {
            moment.nth = moment.nth.saturating_sub(1);
            if moment.nth == 0 {
                self.ended = Some(moment.end);
                self.cuts.push((moment.end, part, act));
            }
        }
        match self.ended {
            Some(End::Process) => Err(off()),
            ended => Ok(ended.is_some()),
        }
    }

    pub fn number(&mut self) -> u64 {
        self.random.number()
    }

    pub fn exists(&self, path: &Path) -> io::Result<bool> {
        self.goes_on()?;
        path.try_exists()
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
        Ok(Opened { number: self.opened, inode, part, file, folder_too: may_create && part != Part::Main })
    }

    fn add(&mut self, path: &Path, synced: Vec<u8>) -> usize {
        self.inodes.push(Inode::new(synced));
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
        self.goes_on()?;
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
        self.goes_on()?;
        Ok(opened.file.metadata()?.len())
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
        if let Some((_, how, then)) = self.failing_sync.take_if(|(part, ..)| *part == opened.part) {
            self.moment = then;
            return self.fail(opened, how);
        }
        // One that was cut off may have done its work.
        if !last || self.random.percent(50) {
            let inode = &mut self.inodes[opened.inode];
            inode.sync();
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
        inode.fail_to_sync(&mut self.random);
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
