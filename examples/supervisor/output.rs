//! What the children print, line by line into the log.
//!
//! Each prints into a file of its own in the data folder, and not into a pipe: a pipe breaks when the supervisor is killed,
//! and with it the process that prints. What was logged is wiped from the file, so that the file holds what nobody has
//! seen yet: little while a supervisor runs, and otherwise everything, which the next one logs. Nothing is lost; a few
//! lines are logged twice if the supervisor is killed between the two.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fabrica::prelude::*;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use tokio::sync::Notify;

/// A longer line is broken, so that none takes all memory.
const LONGEST_LINE: usize = 8 * 1024;
/// How much is read at once, and wiped at once: file systems free whole blocks, which are smaller.
const CHUNK: usize = 32 * 1024;

/// How many temporary folders this program has named.
static TEMPORARY: AtomicU32 = AtomicU32::new(0);

type Readers = Arc<Mutex<BTreeMap<OsString, Arc<Notify>>>>;

/// The folder of the files.
pub struct Outputs {
    folder: PathBuf,
    /// Nothing outlives the supervisor: then neither do the files.
    is_temporary: bool,
    readers: Readers,
    /// It tells the readers when a file has grown.
    _watcher: RecommendedWatcher,
}

impl Outputs {
    /// In the data folder, or in one that goes with the supervisor.
    pub fn open(data: Option<&Path>) -> io::Result<Self> {
        let is_temporary = data.is_none();
        let temporary = || {
            let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
            std::env::temp_dir().join(format!("supervisor-{}-{number}", std::process::id()))
        };
        let folder = data.map_or_else(temporary, |data| data.join("output"));
        let open = || -> io::Result<(Readers, RecommendedWatcher)> {
            fs::create_dir_all(&folder)?;
            let readers = Readers::default();
            let watcher = watch(&folder, Arc::clone(&readers)).map_err(io::Error::other)?;
            Ok((readers, watcher))
        };
        let (readers, watcher) = open().map_err(|error| {
            let doing = format!("the folder {} for what processes print can't be used", folder.display());
            io::Error::new(error.kind(), format!("{doing}: {error}"))
        })?;
        Ok(Self { folder, is_temporary, readers, _watcher: watcher })
    }

    /// An empty file for a new process of an object to write to.
    pub fn create(&self, uid: &Uid) -> io::Result<File> {
        let path = self.path(uid);
        let created = OpenOptions::new().append(true).create(true).open(&path).and_then(|file| {
            file.set_len(0)?;
            Ok(file)
        });
        created.map_err(|error| io::Error::new(error.kind(), format!("{} can't be written: {error}", path.display())))
    }

    /// Follows what the process of an object writes, from what was not read yet.
    pub fn follow(&self, name: &str, uid: &Uid) -> io::Result<Output> {
        let path = self.path(uid);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file =
            file.map_err(|error| io::Error::new(error.kind(), format!("{} can't be read: {error}", path.display())))?;
        let grew = Arc::new(Notify::new());
        self.readers.lock().insert(path.file_name().unwrap_or_default().to_owned(), Arc::clone(&grew));
        let read = first_unread(&file);
        Ok(Output { name: name.to_owned(), file, read, wiped: read, line: Vec::new(), grew, can_wipe: true })
    }

    /// Removes what the last process of an object wrote.
    pub fn remove(&self, uid: &Uid) {
        let path = self.path(uid);
        self.readers.lock().remove(path.file_name().unwrap_or_default());
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!("{} can't be removed: {error}", path.display());
        }
    }

    fn path(&self, uid: &Uid) -> PathBuf {
        self.folder.join(format!("{uid}.log"))
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        if self.is_temporary {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn watch(folder: &Path, readers: Readers) -> notify::Result<RecommendedWatcher> {
    let told = move |event: notify::Result<notify::Event>| {
        let readers = readers.lock();
        match event {
            Ok(event) if !event.need_rescan() => {
                if matches!(event.kind, EventKind::Modify(_)) {
                    let names = event.paths.iter().filter_map(|path| path.file_name());
                    names.filter_map(|name| readers.get(name)).for_each(|grew| grew.notify_one());
                }
            }
            // Some were lost.
            _ => readers.values().for_each(|grew| grew.notify_one()),
        }
    };
    let mut watcher = notify::recommended_watcher(told)?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// What was read is wiped: it is a hole, or zeros.
fn first_unread(file: &File) -> u64 {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    let mut position = seek(file, SeekFrom::Data(0)).unwrap_or(end);
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = file.read_at(&mut buffer, position) {
        let zeros = buffer[..length].iter().take_while(|byte| **byte == 0).count();
        position += zeros as u64;
        if zeros < length {
            break;
        }
    }
    position
}

/// The file of one process.
pub struct Output {
    name: String,
    file: File,
    /// How far it was read.
    read: u64,
    /// How far it was wiped.
    wiped: u64,
    /// The line that was begun.
    line: Vec<u8>,
    grew: Arc<Notify>,
    can_wipe: bool,
}

impl Output {
    /// Logs what is written until something has happened, and all that was written before that.
    pub async fn until<T>(mut self, end: impl Future<Output = T>) -> T {
        tokio::pin!(end);
        loop {
            self.read_on();
            tokio::select! {
                () = self.grew.notified() => {}
                ended = &mut end => {
                    self.rest();
                    return ended;
                }
            }
        }
    }

    /// Logs what was written until now, to the last word.
    pub fn rest(mut self) {
        self.read_on();
        self.say();
        self.wipe();
    }

    /// Reads what there is. A file that can't be read has nothing more to say.
    fn read_on(&mut self) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = self.file.read_at(&mut buffer, self.read) {
            self.read += length as u64;
            for part in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
                self.add(part);
            }
            self.wipe();
        }
    }

    fn add(&mut self, mut part: &[u8]) {
        while !part.is_empty() {
            let (now, rest) = part.split_at(part.len().min(LONGEST_LINE - self.line.len()));
            self.line.extend_from_slice(now);
            if now.ends_with(b"\n") || self.line.len() == LONGEST_LINE {
                self.say();
            }
            part = rest;
        }
    }

    fn say(&mut self) {
        if !self.line.is_empty() {
            let line = String::from_utf8_lossy(&self.line);
            info!(target: "output", "{} | {}", self.name, line.trim_end());
            self.line.clear();
        }
    }

    /// Wipes what was said. The begun line stays, for the next supervisor if this one is killed.
    fn wipe(&mut self) {
        let said = self.read - self.line.len() as u64;
        // From where a block begins: one that is wiped in parts is freed with the last.
        let start = self.wiped - self.wiped % CHUNK as u64;
        if said == self.wiped || !self.can_wipe {
            return;
        }
        match fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, start, said - start) {
            Ok(()) => self.wiped = said,
            Err(error) => {
                self.can_wipe = false;
                warn!("what {} prints can't be wiped from its file, which will grow: {error}", self.name);
            }
        }
    }
}
