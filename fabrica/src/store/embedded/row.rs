//! One row of the log: what one revision did to one key.

use std::fmt;

use bytes::Bytes;
use crc32fast::Hasher;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::store::{Change, Key, Revision};

/// A transaction has at most 100 operations.
const INDEX_BITS: u32 = 7;

/// The largest revision whose rows have an id.
pub(super) const MAX_REVISION: Revision = Revision::new((1 << (63 - INDEX_BITS)) - 1);

/// The furthest that a store is ever put forward. It leaves as many revisions again to be handed out, so whatever claims
/// to be beyond it comes from no store.
pub(super) const FURTHEST: Revision = Revision::new(1 << (62 - INDEX_BITS));

/// The id of the first row that a revision may have.
///
/// No revision in a store is larger than [`MAX_REVISION`]: opening checks that, and at a billion a second it takes two
/// years to get there.
pub(super) fn first_id(revision: Revision) -> i64 {
    i64::try_from(revision.get() << INDEX_BITS).unwrap_or(i64::MAX)
}

/// The id of the row of the `index`-th change of a revision.
pub(super) fn id(revision: Revision, index: usize) -> i64 {
    first_id(revision) | i64::try_from(index).unwrap_or(i64::MAX)
}

/// The revision of a row.
pub(super) fn revision(id: i64) -> Revision {
    Revision::new(u64::try_from(id).unwrap_or(0) >> INDEX_BITS)
}

/// The place of a row among those of its revision.
pub(super) fn index(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0) & ((1 << INDEX_BITS) - 1)
}

/// The revision that created the entry, as the log keeps it; of a deletion, the entry that was there.
pub(super) fn created(change: &Change) -> i64 {
    let entry = change.entry.as_ref().or(change.previous.as_ref());
    entry.and_then(|entry| i64::try_from(entry.created.get()).ok()).unwrap_or(0)
}

/// The checksum of a row: a byte that flips in the file is found when the row is read.
pub(super) fn sum(id: i64, created: i64, key: &[u8], value: Option<&[u8]>) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(&created.to_le_bytes());
    hasher.update(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    hasher.update(key);
    // An empty value is not a deletion.
    hasher.update(&[u8::from(value.is_some())]);
    hasher.update(value.unwrap_or_default());
    hasher.finalize()
}

/// A row that was read, and is as it was written.
pub(super) struct LogRow {
    pub(super) id: i64,
    pub(super) created: Revision,
    pub(super) key: Key,
    pub(super) value: Option<Bytes>,
}

impl LogRow {
    /// Reads a row of `SELECT id, created, key, value, sum`.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Unreadable> {
        let id: i64 = row.get(0)?;
        // In a damaged file a column may be of any type.
        let changed = |_| Unreadable::Changed(id);
        let created: i64 = row.get(1).map_err(changed)?;
        let key = blob(row, 2).map_err(changed)?.ok_or(Unreadable::Changed(id))?;
        let value = blob(row, 3).map_err(changed)?;
        let expected: i64 = row.get(4).map_err(changed)?;
        if id < 0 || created < 0 || i64::from(sum(id, created, key, value)) != expected {
            return Err(Unreadable::Changed(id));
        }
        Ok(Self {
            id,
            created: Revision::new(u64::try_from(created).unwrap_or(0)),
            key: Bytes::copy_from_slice(key).into(),
            value: value.map(Bytes::copy_from_slice),
        })
    }
}

fn blob<'a>(row: &'a Row<'_>, index: usize) -> Result<Option<&'a [u8]>, rusqlite::Error> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(Some(bytes)),
        other => Err(rusqlite::Error::InvalidColumnType(index, "a column of the log".into(), other.data_type())),
    }
}

/// Why rows can't be used.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// SQLite could not read them.
    Sqlite(rusqlite::Error),
    /// A row is not as it was written.
    Changed(i64),
    /// The revision up to which the log is compacted is not as it was written.
    Compacted,
    /// The row is not the one that follows those before it.
    Missing(i64),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Changed(id) => write!(f, "row {id} of its log is not as it was written"),
            Self::Compacted => f.write_str("where its history begins is not as it was written"),
            Self::Missing(id) => write!(f, "what came before row {id} of its log is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_a_revision_and_a_place_in_it() {
        for revision in [Revision::new(1), MAX_REVISION] {
            let id = id(revision, 99);
            assert_eq!((super::revision(id), index(id)), (revision, 99));
        }
        assert!(id(MAX_REVISION, 127) == i64::MAX);
    }

    #[test]
    fn every_part_of_a_row_is_in_its_checksum() {
        let sums = [
            sum(1, 2, b"key", Some(b"value")),
            sum(2, 2, b"key", Some(b"value")),
            sum(1, 3, b"key", Some(b"value")),
            sum(1, 2, b"keyv", Some(b"alue")),
            sum(1, 2, b"key", Some(b"valuf")),
            sum(1, 2, b"key", Some(b"")),
            sum(1, 2, b"key", None),
        ];
        let distinct: std::collections::BTreeSet<u32> = sums.into_iter().collect();
        assert_eq!(distinct.len(), sums.len());
    }
}
