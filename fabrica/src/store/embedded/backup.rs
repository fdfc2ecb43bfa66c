//! Copies of a store, and the way back from one.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::database::{self, Database, PATIENCE};
use super::files::Files;
use super::load;
use super::log::Log;
use super::options::EmbeddedOptions;
use super::row;
use super::trouble;
use crate::store::Revision;
use crate::{Error, ErrorKind, Result};

/// How far a restore puts the revision beyond any that it knows of. What was handed out after the backup and is lost
/// was surely less.
const JUMP: u64 = 1_000_000_000;

/// Copies the store in the file `source` to a new file `dest`, also while a program uses it, and gives the revision
/// of the copy.
///
/// The copy is of one moment. It is checked as a whole and on the disk when this returns, and gets its name only then.
/// It is one file, which an [`EmbeddedStore`](super::EmbeddedStore) opens like any other, and from which [`restore`]
/// restores. It blocks, for about a second for each 100 MB, in which the program's log grows rather than be reused.
///
/// # Errors
///
/// `source` is no store, it is damaged, or `dest` exists or can't be written. Then there is no `dest`.
///
/// ```
/// use fabrica::store::{EmbeddedStore, Store, Transaction, backup, restore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("fabrica-backup-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let (file, copy) = (folder.join("fabrica.db"), folder.join("copy.db"));
/// let store = EmbeddedStore::open(&file)?;
/// store.txn(Transaction::new().put("/devices/a", "running")).await?;
/// backup(&file, &copy)?;
/// store.txn(Transaction::new().delete("/devices/a")).await?;
/// drop(store);
///
/// restore(&copy, &file)?;
/// let store = EmbeddedStore::open(&file)?;
/// assert!(store.get(&"/devices/a".into(), None).await?.0.is_some());
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
pub fn backup(source: impl AsRef<Path>, dest: impl AsRef<Path>) -> Result<Revision> {
    let dest = Files::find(dest.as_ref())?;
    let failed = |reason: &str| {
        Error::new(ErrorKind::Other, format!("the backup {} was not made: {reason}", dest.path().display()))
    };
    if dest.path().exists() {
        return Err(failed("the file exists already; give the name of a new one"));
    }
    let unfinished = dest.beside(".unfinished");
    let copied = copy_of(source.as_ref(), &unfinished);
    let named = copied.map_err(|error| failed(&error.to_string())).and_then(|revision| {
        let named = fs::rename(&unfinished, dest.path()).and_then(|()| dest.sync_folder());
        named.map(|()| revision).map_err(|error| failed(&error.to_string()))
    });
    if named.is_err() {
        // The next backup begins by removing it, if it can't be removed now.
        let _ = fs::remove_file(&unfinished);
    }
    named
}

/// Copies the store in a file to a file that nobody else uses, as [`backup`] does, and checks the copy.
pub(crate) fn copy_of(source: &Path, dest: &Path) -> Result<Revision> {
    let source = Files::find(source)?;
    copy(source.path(), dest)?;
    check(dest, source.path())
}

/// What [`restore`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The store's revision now.
    pub revision: Revision,
    /// Where the file that was there before is kept now, if there was one.
    pub kept: Option<PathBuf>,
}

/// Puts the store in the file `backup` in the place of the one in `file`, which no program may be using.
///
/// What the backup holds is checked as a whole before anything is touched, and the backup stays as it is. What was in `file` is kept under
/// another name. The revision is put far beyond any that either of the two handed out, and the history is empty, so that
/// whoever watched the old one gets `Expired` and lists again. A loss of power at any moment leaves one or the other.
///
/// # Errors
///
/// `backup` is no store or damaged, `file` is in use or being read, or its folder can't be written. Then `file` is as it was.
pub fn restore(backup: impl AsRef<Path>, file: impl AsRef<Path>) -> Result<Restored> {
    let files = Files::find(file.as_ref())?;
    let backup = Files::find(backup.as_ref())?;
    let failed =
        |reason: &str| Error::new(ErrorKind::Other, format!("{} was not restored: {reason}", files.path().display()));
    let io = |error: io::Error| failed(&error.to_string());
    if backup.path() == files.path() {
        return Err(failed("the backup is that file itself; give the name of a backup"));
    }
    let _lock = files.lock()?;
    let restored = files.beside(".restored");
    let revision = copy(backup.path(), &restored)
        .and_then(|()| check(&restored, backup.path()))
        .and_then(|known| Ok(known.max(last_of(&files)?)))
        .map(|known| Revision::new(known.get() + JUMP))
        .and_then(|revision| jump(&restored, revision).map(|()| revision))
        .map_err(|error| {
            // The next restore begins by removing it, if it can't be removed now.
            let _ = fs::remove_file(&restored);
            failed(&error.to_string())
        })?;

    // From here on each step leaves a whole file of that name, if there was one.
    let kept = keep_aside(&files).map_err(io)?;
    fs::rename(&restored, files.path()).and_then(|()| files.sync_folder()).map_err(io)?;
    Ok(Restored { revision, kept })
}

/// Copies a store as it is at this moment to a file that nobody else uses, and has it on the disk.
fn copy(source: &Path, dest: &Path) -> Result<()> {
    let from = open(source)?;
    database::is_ours(&from, source)?;
    if dest.exists() {
        fs::remove_file(dest)?;
    }
    let sqlite = |error: rusqlite::Error| trouble::sqlite(dest, &error);
    let mut to = Connection::open(dest).map_err(sqlite)?;
    {
        let copying = Backup::new(&from, &mut to).map_err(sqlite)?;
        let deadline = Instant::now() + PATIENCE;
        // All in one step: the source is read as of one moment, which a writer does not disturb.
        while copying.step(-1).map_err(sqlite)? != StepResult::Done {
            if Instant::now() > deadline {
                return Err(trouble::open(source, "somebody keeps it locked", "close the program that writes to it"));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    one_file(&to).map_err(sqlite)?;
    to.close().map_err(|(_, error)| sqlite(error))?;
    File::open(dest)?.sync_all()?;
    Ok(())
}

/// Takes the write-ahead log away: a copy is one file.
fn one_file(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

fn open(path: &Path) -> Result<Connection> {
    if !path.is_file() {
        return Err(trouble::open(path, "there is no such file", "give the path of a store's file"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sqlite = |error: rusqlite::Error| trouble::sqlite(path, &error);
    let conn = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    conn.busy_timeout(PATIENCE).map_err(sqlite)?;
    Ok(conn)
}

/// Reads all of a copy, and gives its revision. What is wrong with it is wrong with what it is a copy of.
fn check(path: &Path, source: &Path) -> Result<Revision> {
    let conn = open(path)?;
    database::check_pages(&conn, source)?;
    load::load(&conn, source, 1).map(|loaded| loaded.revision)
}

/// The last revision that a store handed out, as far as that can be known. Its log is moved into the file, which is then
/// whole without it.
fn last_of(files: &Files) -> Result<Revision> {
    // SQLite would remove the log of what is no database, which might still help somebody.
    if !looks_like_sqlite(files.path()) {
        return Ok(Revision::ZERO);
    }
    let database = Database { files: files.clone(), options: EmbeddedOptions::default() };
    let Ok(log) = Log::open(&database) else { return Ok(Revision::ZERO) };
    // What a damaged row says may be anything.
    let newest = load::newest(log.conn()).or_else(|_| load::last_written(log.conn()));
    let newest = newest.ok().filter(|newest| *newest <= row::FURTHEST).unwrap_or(Revision::ZERO);
    match log.checkpoint(CheckpointMode::TRUNCATE) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Err(trouble::open(files.path(), "somebody reads it", "close the program that does"))
        }
        // A file that can't be read as a whole is kept beside its log.
        _ => Ok(newest),
    }
}

fn looks_like_sqlite(path: &Path) -> bool {
    let mut begin = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *b"SQLite format 3\0"
}

fn jump(path: &Path, revision: Revision) -> Result<()> {
    let sqlite = |error: rusqlite::Error| trouble::sqlite(path, &error);
    let conn = open(path)?;
    database::set_compacted(&conn, revision).map_err(sqlite)?;
    conn.close().map_err(|(_, error)| sqlite(error))?;
    File::open(path)?.sync_all()?;
    Ok(())
}

/// Gives what is there a second name, and takes away what would be read as part of another file of its name.
fn keep_aside(files: &Files) -> io::Result<Option<PathBuf>> {
    if !files.path().exists() {
        return Ok(None);
    }
    let aside = (1..u32::MAX).map(|n| files.beside(&format!(".replaced-{n}"))).find(|path| !path.exists());
    let Some(aside) = aside else { return Err(io::ErrorKind::AlreadyExists.into()) };
    if fs::hard_link(files.path(), &aside).is_err() {
        // Not every file system has links.
        fs::copy(files.path(), &aside)?;
        File::open(&aside)?.sync_all()?;
    }
    let wal = files.wal();
    if wal.exists() {
        let mut name = aside.clone().into_os_string();
        name.push("-wal");
        fs::rename(&wal, PathBuf::from(name))?;
    }
    let shm = files.beside("-shm");
    if shm.exists() {
        fs::remove_file(shm)?;
    }
    files.sync_folder()?;
    Ok(Some(aside))
}
