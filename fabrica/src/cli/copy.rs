//! A copy of the data, of one moment: who reads it is in nobody's way.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::store::{EmbeddedStore, copy_of};
use crate::{Error, Result};

/// A copy of what a file holds, which a program may be writing to; it goes with the folder.
pub(super) fn of(source: &Path) -> Result<(TempDir, EmbeddedStore)> {
    let (folder, copy) = temporary()?;
    copy_of(source, &copy).map_err(|error| error.context(format!("{} can't be read", source.display())))?;
    Ok((folder, EmbeddedStore::open(&copy)?))
}

/// A path in a folder that goes with the answer.
pub(super) fn temporary() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().map_err(|error| Error::from(error).context("can't make a temporary folder"))?;
    let path = folder.path().join(EmbeddedStore::FILE_NAME);
    Ok((folder, path))
}
