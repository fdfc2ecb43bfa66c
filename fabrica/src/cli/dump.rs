//! `dump` and `load`: all objects as YAML, to read, and to move them.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app::print;
use super::apply::{Source, messages};
use super::args::{DumpArgs, LoadArgs};
use crate::client::{Exported, ImportDocument, ImportOptions, Imported, export, import};
use crate::store::{self, EmbeddedStore};
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
    let list = exported.unreadable.iter().map(|key| format!("\n  - {key}")).collect::<String>();
    let message = format!("everything was dumped but what is no JSON in {}:{list}", source.display());
    Err(Error::new(ErrorKind::Other, message))
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

fn document(object: &Value) -> Result<String> {
    let yaml = serde_saphyr::to_string(object)?;
    Ok(format!("---\n{}\n", yaml.trim_end()))
}

/// The program must not run.
pub(super) async fn load(args: &LoadArgs) -> Result<()> {
    let documents = read(&args.files)?;
    let file = args.data.file_to_be()?;
    let store = EmbeddedStore::open(&file)?;
    let imported = import(&store, documents, ImportOptions::default().overwrite(args.overwrite)).await;
    let Imported { created, overwritten, unchanged, .. } = imported.map_err(listed)?;
    print(&format!("{}: {created} created, {overwritten} overwritten, {unchanged} unchanged\n", file.display()))
}

/// All documents of all files, or every one that can't be read.
fn read(files: &[PathBuf]) -> Result<Vec<ImportDocument>> {
    let (mut documents, mut problems) = (Vec::new(), String::new());
    for file in files {
        let reading = Source::new(file)?.read();
        problems.extend(reading.problems.iter().map(|problem| format!("\n  - {problem}")));
        documents.extend(
            reading.documents.into_iter().map(|(place, object)| ImportDocument::new(place.to_string(), object)),
        );
    }
    if problems.is_empty() {
        return Ok(documents);
    }
    Err(Error::new(ErrorKind::Other, format!("nothing was loaded:{problems}")))
}

/// One line for each fault.
fn listed(error: Error) -> Error {
    if error.faults().is_empty() {
        return error.context("nothing was loaded, or not all of it");
    }
    let list = messages(&error).iter().map(|message| format!("\n  - {message}")).collect::<String>();
    Error::new(error.kind().clone(), format!("nothing was loaded:{list}"))
}
