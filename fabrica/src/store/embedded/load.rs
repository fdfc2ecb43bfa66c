//! Reading what the file holds.

use std::collections::VecDeque;
use std::path::Path;

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension as _};

use super::database;
use super::row::{self, LogRow, Unreadable};
use super::trouble;
use crate::Result;
use crate::store::image::Version;
use crate::store::{Batch, Change, Entry, Key, PackedMap, Revision};

const ALL: &str = "SELECT id, created, key, value, sum FROM log WHERE id >= ? ORDER BY id";

/// What a file holds.
pub(super) struct Loaded {
    pub(super) entries: PackedMap<Key, Version>,
    pub(super) revision: Revision,
    /// Every change after this revision is in `batches`.
    pub(super) compacted: Revision,
    pub(super) batches: VecDeque<Batch>,
    /// How many rows the log has.
    pub(super) rows: u64,
}

impl Loaded {
    /// Goes to a later revision, without the history from before.
    pub(super) fn jump(&mut self, revision: Revision) {
        self.revision = revision;
        self.compacted = revision;
        self.batches.clear();
    }
}

/// Reads everything, with the last `window` revisions as batches. It keeps no more than that in memory.
pub(super) fn load(conn: &Connection, path: &Path, window: usize) -> Result<Loaded> {
    read_all(conn, window).map_err(|error| unreadable(path, error))
}

/// An error for the rows of a file.
pub(super) fn unreadable(path: &Path, error: Unreadable) -> crate::Error {
    match error {
        Unreadable::Sqlite(error) => trouble::sqlite(path, &error),
        error => trouble::damaged(path, &error.to_string()),
    }
}

fn read_all(conn: &Connection, window: usize) -> Result<Loaded, Unreadable> {
    // One transaction, so that all of it is of one time.
    let txn = conn.unchecked_transaction()?;
    let compacted = database::compacted(&txn)?;
    let newest = newest(&txn)?;
    if newest >= row::MAX_REVISION {
        return Err(Unreadable::Changed(row::first_id(newest)));
    }
    let window = u64::try_from(window).unwrap_or(u64::MAX);
    let compacted = compacted.max(Revision::new(newest.get().saturating_sub(window)));

    let mut entries: HashMap<Key, Version> = HashMap::new();
    let mut fold = Fold::after(compacted);
    let mut batches = VecDeque::new();
    let mut count = 0;
    let mut statement = txn.prepare(ALL)?;
    let mut rows = statement.query([0])?;
    while let Some(row) = rows.next()? {
        let row = LogRow::read(row)?;
        count += 1;
        if row::revision(row.id) > compacted {
            let previous = entries.get(&row.key).map(|version| version.entry(&row.key));
            batches.extend(fold.add(&row, previous)?);
        }
        keep(&mut entries, row);
    }
    batches.extend(fold.end());
    if batches.back().map_or(compacted, |batch: &Batch| batch.revision) != newest {
        return Err(Unreadable::Missing(row::first_id(newest)));
    }
    let entries = entries.into_iter().collect();
    Ok(Loaded { entries, revision: newest, compacted, batches, rows: count })
}

fn keep(entries: &mut HashMap<Key, Version>, row: LogRow) {
    let LogRow { id, created, key, value } = row;
    match value {
        Some(value) => {
            let version = Version { value, created, modified: row::revision(id) };
            match entries.get_mut(&key) {
                // The key that is there already is shared, not kept once more.
                Some(held) => *held = version,
                None => {
                    entries.insert(key, version);
                }
            }
        }
        None => {
            entries.remove(&key);
        }
    }
}

/// The revision of the store.
pub(super) fn newest(conn: &Connection) -> Result<Revision, Unreadable> {
    Ok(last_written(conn)?.max(database::compacted(conn)?))
}

/// The revision of the last row.
pub(super) fn last_written(conn: &Connection) -> Result<Revision, Unreadable> {
    let last: Option<i64> =
        conn.query_row("SELECT id FROM log ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(last.map_or(Revision::ZERO, row::revision))
}

/// The revisions after one that a store holds in memory.
pub(super) fn batches_after(
    conn: &Connection,
    known: Revision,
    current: impl Fn(&Key) -> Option<Entry>,
) -> Result<Vec<Batch>, Unreadable> {
    let mut fold = Fold::after(known);
    let mut since: HashMap<Key, Option<Entry>> = HashMap::new();
    let mut batches = Vec::new();
    let mut statement = conn.prepare(ALL)?;
    let mut rows = statement.query([row::first_id(known.next())])?;
    while let Some(row) = rows.next()? {
        let row = LogRow::read(row)?;
        let previous = since.get(&row.key).cloned().unwrap_or_else(|| current(&row.key));
        batches.extend(fold.add(&row, previous)?);
        since.insert(row.key.clone(), entry(&row));
    }
    batches.extend(fold.end());
    Ok(batches)
}

fn entry(row: &LogRow) -> Option<Entry> {
    let value = row.value.clone()?;
    Some(Entry { key: row.key.clone(), value, created: row.created, modified: row::revision(row.id) })
}

/// Puts rows together to batches, and finds out where one is missing.
struct Fold {
    revision: Revision,
    changes: Vec<Change>,
}

impl Fold {
    fn after(revision: Revision) -> Self {
        Self { revision, changes: Vec::new() }
    }

    /// Adds the next row, and gives the batch that was whole before it.
    fn add(&mut self, row: &LogRow, previous: Option<Entry>) -> Result<Option<Batch>, Unreadable> {
        let revision = row::revision(row.id);
        let mut whole = None;
        if revision != self.revision {
            whole = self.end();
            if revision != self.revision.next() {
                return Err(Unreadable::Missing(row.id));
            }
            self.revision = revision;
        }
        if row::index(row.id) != self.changes.len() as u64 {
            return Err(Unreadable::Missing(row.id));
        }
        let mut entry = entry(row);
        let mut key = row.key.clone();
        if let Some(previous) = &previous {
            key = previous.key.clone();
            if let Some(entry) = &mut entry {
                entry.key = key.clone();
            }
        }
        self.changes.push(Change { key, entry, previous });
        Ok(whole)
    }

    fn end(&mut self) -> Option<Batch> {
        if self.changes.is_empty() {
            return None;
        }
        let changes = std::mem::take(&mut self.changes);
        Some(Batch { revision: self.revision, changes: changes.into() })
    }
}
