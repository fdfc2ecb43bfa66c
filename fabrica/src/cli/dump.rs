//! `dump` and `load`: all objects as YAML, to read, and to move them.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app::print;
use super::apply::{Reading, messages};
use super::args::{DumpArgs, LoadArgs};
use super::copy;
use crate::client::{Exported, ImportDocument, ImportOptions, Imported, export, import};
use crate::store::{self, EmbeddedStore, Revision, copy_of};
use crate::{Error, ErrorKind, Result};

/// The program may run meanwhile: what is read is a copy, of one moment.
pub(super) async fn dump(args: &DumpArgs) -> Result<()> {
    let source = args.source.file()?;
    let (_folder, copied) = copy::of(&source)?;
    let exported = match args.out() {
        Some(path) => to_file(&copied, path).await?,
        None => to_stdout(&copied).await?,
    };
    if exported.unreadable.is_empty() {
        return Ok(());
    }
    let message = format!("everything was dumped but what is no object in {}", source.display());
    Err(Error::new(ErrorKind::Other, listed(message, &exported.unreadable)))
}

/// The file is there when all of it is.
async fn to_file(from: &EmbeddedStore, path: &Path) -> Result<Exported> {
    let failed = |error: io::Error| Error::from(error).context(format!("can't write {}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let message = format!("can't write {}: there is no folder {}; make it first", path.display(), folder.display());
        return Err(Error::new(ErrorKind::Other, message));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut out = BufWriter::new(file.as_file_mut());
    let exported = export(from, |object| out.write_all(document(&object)?.as_bytes()).map_err(failed)).await?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(exported)
}

async fn to_stdout(from: &EmbeddedStore) -> Result<Exported> {
    export(from, |object| print(&document(&object)?)).await
}

pub(super) fn document(object: &Value) -> Result<String> {
    let yaml = serde_saphyr::to_string(object)?;
    let end = if yaml.ends_with('\n') { "" } else { "\n" };
    Ok(format!("---\n{yaml}{end}"))
}

/// The program must not run: it is kept away, while everything is put into a copy of the data, which then takes the place
/// of the data as a backup does. So either all is loaded or nothing, however it ends; and who watched the data, or the
/// store that was dumped, must list again.
pub(super) async fn load(args: &LoadArgs) -> Result<()> {
    let documents = read(&args.files)?;
    let file = args.data.file_to_be()?;
    let held = if file.exists() { Some(EmbeddedStore::open(&file)?) } else { None };
    let (_folder, copy) = copy::temporary()?;
    if held.is_some() {
        copy_of(&file, &copy).map_err(|error| error.context("nothing was loaded"))?;
    }
    let store = EmbeddedStore::options().revision_at_least(newest(&documents)).open(&copy)?;
    let imported = import(&store, documents, ImportOptions::default().overwrite(args.overwrite)).await;
    let Imported { created, overwritten, unchanged, .. } = imported.map_err(|error| {
        if error.faults().is_empty() {
            return error.context("nothing was loaded");
        }
        Error::new(error.kind().clone(), listed("nothing was loaded", &messages(&error)))
    })?;
    drop((store, held));
    let mut kept = String::new();
    if created + overwritten > 0
        && let Some(path) = store::restore(&copy, &file)?.kept
    {
        kept = format!("; what was there is in {}", path.display());
    }
    let done = format!("{created} created, {overwritten} overwritten, {unchanged} unchanged{kept}");
    print(&format!("{}: {done}\n", file.display()))
}

/// No store comes this far: whoever says so has made it up, and it must not use up the revisions.
const NEWEST: Revision = Revision::new(1 << 50);

/// The greatest version that an object bears. What is none is reported with its document.
fn newest(documents: &[ImportDocument]) -> Revision {
    let version =
        |document: &ImportDocument| document.object.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok();
    documents.iter().filter_map(version).max().unwrap_or(Revision::ZERO).min(NEWEST)
}

/// All documents of all files; or everything that can't be read.
fn read(files: &[PathBuf]) -> Result<Vec<ImportDocument>> {
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let reading = Reading::of(file, file, "is not there; give the path of a dump");
        problems.extend(reading.problems.iter().map(ToString::to_string));
        let read = reading.documents.into_iter();
        documents.extend(read.map(|(place, object)| ImportDocument::new(place.to_string(), object)));
    }
    if problems.is_empty() {
        return Ok(documents);
    }
    Err(Error::new(ErrorKind::Other, listed("nothing was loaded", &problems)))
}

/// One line for each.
fn listed(message: impl fmt::Display, items: &[String]) -> String {
    format!("{message}:\n  - {}", items.join("\n  - "))
}
