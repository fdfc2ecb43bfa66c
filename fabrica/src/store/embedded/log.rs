//! The connection that writes: each write is one SQLite transaction, and its outcome is known or said to be unclear.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::database::{self, Database};
use super::files::Files;
use super::row;
use super::trouble;
use crate::Result;
use crate::store::Batch;

/// What became of a write that was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Certainly nothing was written.
    NotApplied(rusqlite::Error),
    /// It was or was not written, and the connection can't tell.
    Unclear(rusqlite::Error),
    /// Another program has written to the file. Nothing was written.
    Foreign,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::NotApplied(error)
    }
}

pub(super) struct Log {
    conn: Connection,
    /// SQLite's count of the commits of others, as it was when the connection began.
    others: i64,
    /// How many frames the write-ahead log has since it last began anew.
    frames: Arc<AtomicUsize>,
}

impl Log {
    /// A connection for writing. What others write from here on is noticed.
    pub(super) fn open(database: &Database) -> Result<Self> {
        let mut conn = database.connect()?;
        let sqlite = |error| trouble::sqlite(database.files.path(), &error);
        let frames = Arc::new(AtomicUsize::new(0));
        let counted = frames.clone();
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(sqlite)?;
        let others = others(&conn).map_err(sqlite)?;
        Ok(Self { conn, others, frames })
    }

    /// Makes what can be read survive a loss of power.
    ///
    /// A process that was killed may have left what it had written and not yet flushed: the system shows it, so it is
    /// found in the write-ahead log like any other, and whoever has seen it must find it again. To move the log is to
    /// flush it first. If a flush of that process had failed, the system may show what it never will flush, so the log
    /// is begun anew too: then nothing depends on it.
    pub(super) fn secure(&self, files: &Files) -> Result<()> {
        let sqlite = |error| trouble::sqlite(files.path(), &error);
        let secured = self.conn.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE).map_err(Failure::NotApplied);
        let secured = match secured {
            Ok((frames, moved)) if frames > 0 && frames == moved => self.write(database::count_recovery).map(|()| true),
            secured => secured.map(|(frames, moved)| frames == moved),
        };
        match secured {
            Ok(true) => Ok(()),
            Err(Failure::Unclear(error)) => Err(sqlite(error)),
            Err(Failure::NotApplied(error)) if error.sqlite_error_code() != Some(ErrorCode::DiskFull) => {
                Err(sqlite(error))
            }
            // Somebody reads it, or there is no room in the file: it stays what it is, which is enough.
            _ => {
                let flushed = File::open(files.wal()).and_then(|log| log.sync_all());
                flushed.map_err(|error| trouble::open(files.path(), &error.to_string(), "look at its disk"))
            }
        }
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn frames(&self) -> usize {
        self.frames.load(Ordering::Relaxed)
    }

    /// Does some work in one transaction: all of it is on the disk, or [`Failure`] says what else.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        self.run("BEGIN IMMEDIATE")?;
        let done = match others(&self.conn) {
            Ok(others) if others != self.others => Err(Failure::Foreign),
            Ok(_) => work(&self.conn).map_err(Failure::NotApplied),
            Err(error) => Err(Failure::NotApplied(error)),
        };
        let done = done.and_then(|value| self.run("COMMIT").map(|()| value).map_err(of_commit));
        match done {
            Ok(value) => Ok(value),
            Err(failure) => Err(self.undo(failure)),
        }
    }

    /// Brings the connection back to where it was, which SQLite may have done already.
    fn undo(&self, failure: Failure) -> Failure {
        if self.is_idle() {
            return failure;
        }
        match self.run("ROLLBACK") {
            Ok(()) => failure,
            Err(error) => Failure::Unclear(error),
        }
    }

    /// Whether no transaction is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.conn.is_autocommit()
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Moves what the write-ahead log holds to the database file. Gives whether all of it is there now.
    pub(super) fn checkpoint(&self, mode: CheckpointMode) -> rusqlite::Result<bool> {
        let (frames, moved) = self.conn.wal_checkpoint_v2(Some("main"), mode)?;
        let all = frames == moved;
        if all {
            // The next write begins the log anew.
            self.frames.store(0, Ordering::Relaxed);
        }
        Ok(all)
    }
}

/// Adds what these batches changed.
pub(super) fn append(conn: &Connection, batches: &[Batch]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?)")?;
    for batch in batches {
        for (index, change) in batch.changes.iter().enumerate() {
            let (id, created) = (row::id(batch.revision, index), row::created(change));
            let key = change.key.as_bytes();
            let value = change.entry.as_ref().map(|entry| &entry.value[..]);
            insert.execute((id, created, key, value, row::sum(id, created, key, value)))?;
        }
    }
    Ok(())
}

fn others(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// A commit that found no room did not write its last frame, without which the others count for nothing; one that
/// found the file busy did not begin. Of any other the frames may be in the file.
fn of_commit(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => Failure::NotApplied(error),
        _ => Failure::Unclear(error),
    }
}
