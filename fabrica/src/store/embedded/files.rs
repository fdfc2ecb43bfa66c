//! The files of a store, and the lock that keeps a second Fabrica away from them.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::trouble;
use crate::Result;

/// The database file, and the names of what stands beside it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    path: PathBuf,
}

impl Files {
    /// The same file has one name here however it was reached, so that its lock is one too.
    pub(super) fn find(path: &Path) -> Result<Self> {
        let found = fs::canonicalize(path);
        if let Ok(path) = found {
            if !path.is_file() {
                return Err(trouble::open(&path, "it is not a file", "give the path of a file in that folder"));
            }
            return Ok(Self { path });
        }
        let Some(name) = path.file_name() else {
            return Err(trouble::open(path, "it names no file", "give the path of a file"));
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        match fs::canonicalize(folder) {
            Ok(folder) => Ok(Self { path: folder.join(name) }),
            Err(error) => {
                let reason = format!("its folder can't be used: {error}");
                Err(trouble::open(path, &reason, &format!("make the folder {} first", folder.display())))
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose name is the database's with something behind it.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(suffix);
        name.into()
    }

    /// The write-ahead log.
    pub(super) fn wal(&self) -> PathBuf {
        self.beside("-wal")
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Makes what was created, renamed or removed in the folder survive a loss of power.
    pub(super) fn sync_folder(&self) -> std::io::Result<()> {
        // Elsewhere a folder can't be opened, and needs not be.
        if cfg!(unix) { File::open(self.folder())?.sync_all() } else { Ok(()) }
    }

    /// Takes the lock, which the process keeps until it drops it or ends in any way.
    pub(super) fn lock(&self) -> Result<Lock> {
        let path = self.beside(".lock");
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(|error| {
            trouble::open(
                &self.path,
                &format!("its lock file {} can't be written: {error}", path.display()),
                "make the folder and the file writable for this user",
            )
        })?;
        match file.try_lock() {
            Ok(()) => {
                // The number is for the message of whoever comes second. The lock holds without it.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Lock { file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder =
                    if holder.is_empty() { "another process".into() } else { format!("the process {}", holder.trim()) };
                Err(trouble::open(
                    &self.path,
                    &format!("it is in use by {holder}"),
                    "stop that program first, or give this one a file of its own",
                ))
            }
            Err(TryLockError::Error(error)) => Err(trouble::open(
                &self.path,
                &format!("its lock file {} can't be locked: {error}", path.display()),
                "keep the file on a file system that has locks",
            )),
        }
    }
}

/// Keeps every other Fabrica away from the file, in this process too.
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it would not do: a child process that somebody starts at this instant has a copy of the open file until
        // it becomes another program, and would keep the lock for as long. If it fails, closing is what is left.
        let _ = self.file.unlock();
    }
}
