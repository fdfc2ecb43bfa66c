//! Puts a [`Disk`] beneath `SQLite`.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenKind, OpenOptions, Vfs, WalDisabled};

use super::disk::{Disk, Opened};

/// A name under which `SQLite` finds a disk: one after the other.
#[derive(Clone)]
pub struct Slot {
    name: &'static str,
    disk: Arc<Mutex<Option<Disk>>>,
}

impl Slot {
    /// `SQLite` keeps a name until the process ends.
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name: &'static str = format!("disk-{}", COUNT.fetch_add(1, Ordering::Relaxed)).leak();
        let disk = Arc::new(Mutex::new(None));
        sqlite_vfs::register(name, Mount(Arc::clone(&disk)), false).unwrap();
        Self { name, disk }
    }

    /// From now on the name stands for this disk.
    pub fn mount(&self, disk: &Disk) -> &'static str {
        *self.disk.lock() = Some(disk.clone());
        self.name
    }
}

struct Mount(Arc<Mutex<Option<Disk>>>);

impl Mount {
    fn disk(&self) -> io::Result<Disk> {
        self.0.lock().clone().ok_or_else(|| io::Error::other("no disk"))
    }
}

/// A file of a database that a connection has open.
pub struct Handle {
    disk: Disk,
    opened: Opened,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.disk.lock().take(&self.opened, LockKind::None);
    }
}

impl Vfs for Mount {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> io::Result<Handle> {
        if !matches!(options.kind, OpenKind::MainDb | OpenKind::MainJournal | OpenKind::Wal) {
            return Err(io::Error::other(format!("the disk knows no {:?}", options.kind)));
        }
        let mut how = fs::OpenOptions::new();
        how.read(true).write(options.access != OpenAccess::Read);
        how.create_new(options.access == OpenAccess::CreateNew).create(options.access == OpenAccess::Create);
        let may_create = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        let disk = self.disk()?;
        let opened = disk.lock().open(Path::new(path), &how, may_create)?;
        Ok(Handle { disk, opened })
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.disk()?.lock().delete(Path::new(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.disk()?.lock().exists(Path::new(path))
    }

    fn temporary_name(&self) -> String {
        "temporary".into()
    }

    fn random(&self, bytes: &mut [i8]) {
        if let Ok(disk) = self.disk() {
            bytes.fill_with(|| disk.lock().number().to_le_bytes()[0].cast_signed());
        }
    }

    fn sleep(&self, duration: Duration) -> Duration {
        std::thread::sleep(duration);
        duration
    }
}

impl DatabaseHandle for Handle {
    // A connection that locks the database for good keeps the index of the log to itself.
    type WalIndex = WalDisabled;

    fn size(&self) -> io::Result<u64> {
        self.disk.lock().size(&self.opened)
    }

    fn read_exact_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.disk.lock().read(&self.opened, bytes, at)
    }

    fn write_all_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.lock().write(&self.opened, bytes, at)
    }

    fn sync(&mut self, _data_only: bool) -> io::Result<()> {
        self.disk.lock().sync(&mut self.opened)
    }

    fn set_len(&mut self, size: u64) -> io::Result<()> {
        self.disk.lock().resize(&self.opened, size)
    }

    fn lock(&mut self, lock: LockKind) -> io::Result<bool> {
        Ok(self.disk.lock().take(&self.opened, lock))
    }

    fn reserved(&mut self) -> io::Result<bool> {
        Ok(self.disk.lock().is_reserved(&self.opened))
    }

    fn current_lock(&self) -> io::Result<LockKind> {
        Ok(self.disk.lock().lock_of(&self.opened))
    }

    fn wal_index(&self, _readonly: bool) -> io::Result<WalDisabled> {
        Ok(WalDisabled)
    }
}
