//! A folder of one test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

/// An empty folder, gone when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder where temporary files are kept.
    ///
    /// # Errors
    ///
    /// It can't be made.
    pub fn new(test: &str) -> io::Result<Self> {
        Self::inside(&std::env::temp_dir(), test)
    }

    /// A folder in memory if the system has that, for tests that do not need a disk.
    ///
    /// # Errors
    ///
    /// It can't be made.
    pub fn in_memory(test: &str) -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        Self::inside(if memory.is_dir() { memory } else { return Self::new(test) }, test)
    }

    fn inside(parent: &Path, test: &str) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("fabrica-{test}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves it behind, for a person to look into.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        let path = self.0.clone();
        std::mem::forget(self);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
