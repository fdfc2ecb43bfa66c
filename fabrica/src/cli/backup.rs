//! `backup` and `restore`: the data as one file.

use super::app::print;
use super::args::{BackupArgs, RestoreArgs};
use crate::Result;
use crate::store;

/// The program may run meanwhile.
pub(super) fn backup(args: &BackupArgs) -> Result<()> {
    let source = args.data.existing_file()?;
    store::backup(&source, &args.file)?;
    print(&format!("{} holds all of {}\n", args.file.display(), source.display()))
}

/// The program must not run.
pub(super) fn restore(args: &RestoreArgs) -> Result<()> {
    let file = args.data.file_to_be()?;
    store::restore(&args.file, &file)?;
    print(&format!("{} holds what {} held\n", file.display(), args.file.display()))
}
