//! Removing the rows that nothing needs any more.
//!
//! A row is needed if it is of the window, or is what its key held when the window begins: the newest state and every
//! change's previous value come from those. All others are dead. A pass goes through the log from its beginning to
//! that of the window, some rows at a time, between commits. It goes in order, so that a deletion never goes before
//! what it deleted, and a crash between two parts brings nothing back.

use bytes::Bytes;
use hashbrown::HashMap;
use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tracing::warn;

use super::database;
use super::log::{Failure, Log};
use super::row;
use super::writer::{Stopped, Writer, is_full};
use crate::store::image::Image;
use crate::store::{Change, Key, Revision};

/// How many rows a part of a pass looks at.
const PART: usize = 1024;

/// A pass looks at this many rows for each that was written meanwhile, so that it gets to its end.
const PACE: u64 = 4;

/// Fewer dead rows than this are left alone.
const LEAST: usize = 4096;

/// The state of the work, which starts anew with the process: what is dead can be seen from the rows.
pub(super) struct Sweep {
    least: usize,
    part: usize,
    rows: u64,
    passes: u64,
    pass: Option<Pass>,
    owed: u64,
}

struct Pass {
    /// The last revision before the window.
    until: Revision,
    /// The last row that was looked at.
    after: i64,
    /// What the keys that changed since `until` held then.
    needed: HashMap<Key, Revision>,
}

impl Sweep {
    pub(super) fn new(rows: u64, eager: bool) -> Self {
        let (least, part) = if eager { (LEAST / 128, PART / 64) } else { (LEAST, PART) };
        Self { least, part, rows, passes: 0, pass: None, owed: 0 }
    }

    /// How many rows the log has.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many passes came to their end.
    pub(super) fn passes(&self) -> u64 {
        self.passes
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.pass.is_some()
    }

    /// Whether the next part is due even if there is something to write.
    pub(super) fn is_owed(&self) -> bool {
        self.is_under_way() && self.owed >= self.part as u64
    }

    /// Tells it of changes that were written.
    pub(super) fn note(&mut self, changes: &[Change]) {
        self.rows += changes.len() as u64;
        if let Some(pass) = &mut self.pass {
            self.owed += PACE * changes.len() as u64;
            pass.note(changes);
        }
    }

    /// Begins a pass if more than half of what the file must have is dead.
    pub(super) fn begin_if_worthwhile(&mut self, image: &Image) {
        if self.pass.is_some() {
            return;
        }
        let live = image.len();
        let (compacted, changes) = image.feed().kept();
        // Each change of the window may need one more row for what was there before.
        let needed = live + 2 * changes;
        if self.rows > (needed + live.max(self.least)) as u64 {
            self.begin(image, compacted);
        }
    }

    fn begin(&mut self, image: &Image, until: Revision) {
        let mut pass = Pass { until, after: -1, needed: HashMap::new() };
        let mut seen = until;
        // Only this thread pushes, so nothing is compacted meanwhile.
        while let Ok(batches) = image.feed().batches_after(seen) {
            let Some(last) = batches.last() else { break };
            seen = last.revision;
            for batch in &batches {
                pass.note(&batch.changes);
            }
        }
        self.owed = 0;
        self.pass = Some(pass);
    }

    /// Does a part of the pass.
    fn step(&mut self, image: &Image, log: &Log) -> Result<(), Failure> {
        let Some(pass) = &mut self.pass else { return Ok(()) };
        let part = read_part(log.conn(), pass.after, pass.until, self.part)?;
        self.owed = self.owed.saturating_sub(self.part as u64);
        let Some((last, _)) = part.last() else {
            self.pass = None;
            self.passes += 1;
            return Ok(());
        };
        let last = *last;
        let dead: Vec<i64> = part.iter().filter(|(id, key)| !pass.needs(*id, key, image)).map(|(id, _)| *id).collect();
        if !dead.is_empty() {
            let until = pass.until;
            log.write(|conn| {
                // From now on nobody can ask for what was before the window, whatever window is asked for next time.
                database::set_compacted(conn, until)?;
                let mut delete = conn.prepare_cached("DELETE FROM log WHERE id = ?")?;
                dead.iter().try_for_each(|id| delete.execute([id]).map(drop))
            })?;
        }
        pass.after = last;
        self.rows = self.rows.saturating_sub(dead.len() as u64);
        Ok(())
    }
}

impl Pass {
    fn note(&mut self, changes: &[Change]) {
        for previous in changes.iter().filter_map(|change| change.previous.as_ref()) {
            if previous.modified <= self.until {
                self.needed.insert(previous.key.clone(), previous.modified);
            }
        }
    }

    fn needs(&self, id: i64, key: &Key, image: &Image) -> bool {
        let revision = Some(row::revision(id));
        self.needed.get(key).copied() == revision || image.modified(key) == revision
    }
}

fn read_part(conn: &Connection, after: i64, until: Revision, most: usize) -> rusqlite::Result<Vec<(i64, Key)>> {
    let mut part = conn.prepare_cached("SELECT id, key FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?")?;
    let rows =
        part.query_map((after, row::first_id(until.next()), i64::try_from(most).unwrap_or(i64::MAX)), |row| {
            let key = row.get_ref(1)?.as_bytes()?;
            Ok((row.get(0)?, Bytes::copy_from_slice(key).into()))
        })?;
    rows.collect()
}

impl Writer {
    /// Does a part of a pass. What it can't do now it leaves for the next pass.
    pub(super) fn sweep_some(&mut self) -> Result<(), Stopped> {
        let Some(log) = &self.log else { return Ok(()) };
        let done = self.sweep.step(&self.shared.image, log);
        self.count_rows();
        match done {
            Ok(()) => {
                self.checkpoints.after_commit(log);
                Ok(())
            }
            Err(Failure::NotApplied(error)) => {
                self.sweep.pass = None;
                if !is_full(&error) {
                    warn!("old rows can't be removed now: {}", self.reason(&error));
                }
                Ok(())
            }
            Err(Failure::Unclear(error)) => {
                self.sweep.pass = None;
                self.recover(&error, Vec::new())
            }
            Err(Failure::Foreign) => Err(self.stop_for_a_foreign_write()),
        }
    }

    /// Gives up all history for the room that it takes. Tells whether that made any.
    pub(super) fn make_room(&mut self) -> Result<bool, Stopped> {
        let before = self.sweep.rows;
        if before <= self.shared.image.len() as u64 {
            return Ok(false);
        }
        self.shared.image.feed().compact();
        self.sweep.begin(&self.shared.image, self.shared.image.revision());
        while self.sweep.is_under_way() {
            self.sweep_some()?;
        }
        if let Some(log) = &self.log
            && let Err(error) = log.checkpoint(CheckpointMode::PASSIVE)
        {
            warn!("the log can't be moved now: {}", self.reason(&error));
        }
        Ok(self.sweep.rows < before)
    }
}
