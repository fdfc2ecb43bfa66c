//! What goes wrong with a file, in words that name the file and the way out.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

/// How to get out of a file that can't be used.
pub(super) const RESTORE: &str =
    "restore a backup with the subcommand `restore` or fabrica::store::restore, or move the file away to begin empty";

/// A file can't be opened.
pub(super) fn open(path: &Path, reason: &str, way_out: &str) -> Error {
    Error::new(ErrorKind::Startup, format!("the store {} can't be opened: {reason}; {way_out}", path.display()))
}

/// A file is there but what it holds is wrong.
pub(super) fn damaged(path: &Path, reason: &str) -> Error {
    open(path, &format!("it is damaged: {reason}"), RESTORE)
}

/// What SQLite found when it opened or read a file.
pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Error {
    let way_out = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            return open(
                path,
                "it is not a database of Fabrica",
                "give the path of another file, or move this one away",
            );
        }
        Some(ErrorCode::DatabaseCorrupt) => return damaged(path, &error.to_string()),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "make the folder and the file writable for this user"
        }
        Some(ErrorCode::DiskFull) => "free some space on its disk",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "close the program that writes to it",
        _ => "look at the disk and at the system's log",
    };
    open(path, &error.to_string(), way_out)
}
