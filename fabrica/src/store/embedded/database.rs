//! The SQLite database in the file: how it is made, opened and known for ours.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::checkpoint;
use super::files::Files;
use super::log::{Failure, Log};
use super::options::EmbeddedOptions;
use super::row::{self, Unreadable};
use super::trouble;
use crate::Result;
use crate::store::Revision;

/// "Fabr": what tells our files from other programs' databases.
const APPLICATION_ID: i32 = 0x4661_6272;

/// The version of the format that this program writes. It reads no newer one.
const FORMAT: i32 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// How long a lock that somebody else has on the database is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A file and how to connect to it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pub(super) files: Files,
    pub(super) options: EmbeddedOptions,
}

impl Database {
    /// Makes the file if there is none.
    ///
    /// It gets its name when it is whole: a file that is there and empty was never one of ours.
    pub(super) fn make(&self) -> Result<()> {
        let path = self.files.path();
        if path.exists() {
            return match fs::metadata(path) {
                Ok(file) if file.len() == 0 => Err(trouble::damaged(path, "it is empty")),
                _ => Ok(()),
            };
        }
        if fs::metadata(self.files.wal()).is_ok_and(|wal| wal.len() > 0) {
            let reason = format!("it is missing, though its log {} is there", self.files.wal().display());
            return Err(trouble::open(path, &reason, trouble::RESTORE));
        }
        let unfinished = self.files.beside(".new");
        let io = |error: std::io::Error| trouble::open(path, &error.to_string(), "look at its folder and its disk");
        for suffix in [".new", ".new-wal", ".new-shm", ".new-journal"] {
            let left = self.files.beside(suffix);
            if left.exists() {
                fs::remove_file(left).map_err(io)?;
            }
        }
        make_in(&unfinished).map_err(|error| trouble::sqlite(path, &error))?;
        File::open(&unfinished).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&unfinished, path).map_err(io)?;
        self.files.sync_folder().map_err(io)
    }

    /// Connects to a file that is there, and checks that it is one of ours.
    pub(super) fn connect(&self) -> Result<Connection> {
        let path = self.files.path();
        let sqlite = |error: rusqlite::Error| trouble::sqlite(path, &error);
        let conn = self.open().map_err(sqlite)?;
        is_ours(&conn, path)?;
        if conn.is_readonly("main").map_err(sqlite)? {
            return Err(trouble::open(
                path,
                "it can only be read",
                "make the folder and the file writable for this user",
            ));
        }
        self.configure(&conn).map_err(sqlite)?;
        Ok(conn)
    }

    /// Puts the revision of the store forward, and its history behind it.
    pub(super) fn jump(&self, log: &Log, revision: Revision) -> Result<()> {
        log.write(|conn| set_compacted(conn, revision)).map_err(|failure| match failure {
            Failure::NotApplied(error) | Failure::Unclear(error) => trouble::sqlite(self.files.path(), &error),
            Failure::Foreign => trouble::open(self.files.path(), "another program writes to it", "close that program"),
        })
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = match &self.options.vfs {
            Some(vfs) => {
                let conn = Connection::open_with_flags_and_vfs(self.files.path(), flags, vfs.as_str())?;
                // Such a VFS need not have shared memory, so nobody else may look.
                conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
                conn
            }
            None => Connection::open_with_flags(self.files.path(), flags)?,
        };
        conn.busy_timeout(PATIENCE)?;
        Ok(conn)
    }

    fn configure(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", if self.options.synchronous_off { "OFF" } else { "FULL" })?;
        // What flushes the log to the file is chosen in `checkpoint`.
        conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        // Once a reader has let it grow beyond what it needs, it gives the room back.
        conn.pragma_update_and_check(None, "journal_size_limit", checkpoint::MOST_BYTES, |_| Ok(()))?;
        // Where a plain flush only gets to the cache of the disk (Apple's systems), this one gets to the disk.
        conn.pragma_update(None, "fullfsync", true)?;
        conn.pragma_update(None, "checkpoint_fullfsync", true)?;
        conn.set_prepared_statement_cache_capacity(32);
        self.limit(conn, 0)
    }

    /// Sets the size that the file may have, with some pages more.
    pub(super) fn limit(&self, conn: &Connection, more: i64) -> rusqlite::Result<()> {
        let Some(max_bytes) = self.options.max_bytes else { return Ok(()) };
        let page_size: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / page_size.max(1);
        // More than SQLite's own limit is that limit.
        let pages = pages.saturating_add(more).clamp(1, 0xffff_fffe);
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    }
}

fn make_in(path: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open(path)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let txn = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    txn.pragma_update(None, "application_id", APPLICATION_ID)?;
    txn.pragma_update(None, "user_version", FORMAT)?;
    txn.execute_batch(SCHEMA)?;
    set_compacted(&txn, Revision::ZERO)?;
    txn.commit()?;
    conn.close().map_err(|(_, error)| error)
}

/// Checks whose database this is, and of which format.
pub(super) fn is_ours(conn: &Connection, path: &Path) -> Result<()> {
    let sqlite = |error: rusqlite::Error| trouble::sqlite(path, &error);
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(sqlite);
    if number("application_id")? != APPLICATION_ID {
        return Err(trouble::open(
            path,
            "it is a database of another program",
            "give the path of another file, or move this one away",
        ));
    }
    match number("user_version")? {
        FORMAT => Ok(()),
        newer if newer > FORMAT => Err(trouble::open(
            path,
            &format!("its format is {newer}, and this program knows {FORMAT}"),
            "run the newer program that wrote it",
        )),
        unknown => Err(trouble::damaged(path, &format!("its format is {unknown}, which there never was"))),
    }
}

/// Checks that the pages of the file belong together. What they hold is not looked at.
pub(super) fn check_pages(conn: &Connection, path: &Path) -> Result<()> {
    let found: String =
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| trouble::sqlite(path, &error))?;
    if found == "ok" { Ok(()) } else { Err(trouble::damaged(path, &found)) }
}

/// The revision after which the log has every change.
pub(super) fn compacted(conn: &Connection) -> Result<Revision, Unreadable> {
    let mut meta = conn.prepare_cached("SELECT value FROM meta WHERE name = ?")?;
    // In a damaged file a value may be of any type.
    let mut get = |name| meta.query_row([name], |row| Ok(row.get_ref(0)?.as_i64().ok())).optional();
    let (value, sum) = (get("compacted")?.flatten(), get("compacted_sum")?.flatten());
    let value = value.filter(|value| sum == Some(sum_of(*value)));
    value.and_then(|value| u64::try_from(value).ok()).map(Revision::new).ok_or(Unreadable::Compacted)
}

fn sum_of(compacted: i64) -> i64 {
    crc32fast::hash(&compacted.to_le_bytes()).into()
}

/// Moves that revision forward.
pub(super) fn set_compacted(conn: &Connection, revision: Revision) -> rusqlite::Result<()> {
    let value = i64::try_from(revision.get().min(row::MAX_REVISION.get())).unwrap_or(i64::MAX);
    conn.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('compacted', ?), ('compacted_sum', ?)")?
        .execute([value, sum_of(value)])
        .map(drop)
}

/// Counts the commits whose outcome was unclear.
pub(super) fn count_doubt(conn: &Connection) -> rusqlite::Result<()> {
    count(conn, "doubts")
}

/// Counts the processes that found a log which none had closed.
pub(super) fn count_recovery(conn: &Connection) -> rusqlite::Result<()> {
    count(conn, "recoveries")
}

/// A write that always changes something: SQLite leaves out one that would change nothing.
fn count(conn: &Connection, what: &str) -> rusqlite::Result<()> {
    let count = "INSERT INTO meta VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1";
    conn.prepare_cached(count)?.execute([what]).map(drop)
}
