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
    let restored = store::restore(&args.file, &file)?;
    let kept = restored.kept.map(|kept| format!("; what was there is in {}", kept.display())).unwrap_or_default();
    print(&format!("{} holds what {} holds{kept}\n", file.display(), args.file.display()))
}
