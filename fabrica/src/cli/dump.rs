//! `dump` and `load`: all objects as YAML, to read, and to move them.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app::print;
use super::apply::{Source, messages};
use super::args::{DumpArgs, LoadArgs};
use crate::client::{Exported, ImportDocument, ImportOptions, Imported, export, import};
use crate::store::{self, EmbeddedStore, Revision, Store};
use crate::{Error, ErrorKind, Result};

/// The program may run meanwhile: what is read is a copy, of one moment.
pub(super) async fn dump(args: &DumpArgs) -> Result<()> {
    let source = args.source()?;
    let folder = tempfile::tempdir().map_err(|error| Error::from(error).context("can't make a temporary folder"))?;
    let copy = folder.path().join(EmbeddedStore::FILE_NAME);
    store::backup(&source, &copy)?;
    let copied = EmbeddedStore::open(&copy)?;
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

/// The program must not run.
pub(super) async fn load(args: &LoadArgs) -> Result<()> {
    let documents = read(&args.files)?;
    let file = args.data.file_to_be()?;
    let store = open_beyond(&file, newest(&documents)).await?;
    let imported = import(&store, documents, ImportOptions::default().overwrite(args.overwrite)).await;
    let Imported { created, overwritten, unchanged, .. } = imported.map_err(|error| {
        if error.faults().is_empty() {
            return error.context("nothing was loaded, or not all of it");
        }
        Error::new(error.kind().clone(), listed("nothing was loaded", &messages(&error)))
    })?;
    print(&format!("{}: {created} created, {overwritten} overwritten, {unchanged} unchanged\n", file.display()))
}

/// What the store that was dumped, or this one, has handed out since is surely less far away.
const JUMP: u64 = 1_000_000_000;

/// Opens the data with a revision beyond any that it, or the store that was dumped, has handed out: who watched one of the
/// two must list again.
async fn open_beyond(file: &Path, dumped: Revision) -> Result<EmbeddedStore> {
    let own = EmbeddedStore::open(file)?.revision().await?;
    let beyond = Revision::new(own.max(dumped).get().saturating_add(JUMP));
    EmbeddedStore::options().revision_at_least(beyond).open(file)
}

/// The greatest version that an object bears. What is none is reported with its document.
fn newest(documents: &[ImportDocument]) -> Revision {
    let version =
        |document: &ImportDocument| document.object.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok();
    documents.iter().filter_map(version).max().unwrap_or(Revision::ZERO)
}

/// All documents of all files; or everything that can't be read.
fn read(files: &[PathBuf]) -> Result<Vec<ImportDocument>> {
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let reading = Source::new(file)?.read();
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
