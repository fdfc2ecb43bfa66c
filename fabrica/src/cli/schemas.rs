//! `schemas`: the JSON Schemas of the program's kinds as files, and whether the files are as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::app::print;
use super::args::SchemasArgs;
use super::crds::own_kinds;
use crate::registry::Registry;
use crate::{Error, ErrorKind, Result};

pub(super) fn schemas(registry: &Registry, args: &SchemasArgs) -> Result<()> {
    let wanted = files(registry, &args.out)?;
    let drift = drift(&wanted)?;
    if args.check {
        return report(&drift, wanted.len(), &args.out);
    }
    let mut text = String::new();
    for (path, state) in &drift {
        if let (State::Missing | State::Different, Some(schema)) = (state, wanted.get(path)) {
            let folder = path.parent().unwrap_or(&args.out);
            fs::create_dir_all(folder).map_err(|error| failed("create", folder, error))?;
            fs::write(path, schema).map_err(|error| failed("write", path, error))?;
            let _ = writeln!(text, "wrote {}", path.display());
        } else {
            fs::remove_file(path).map_err(|error| failed("remove", path, error))?;
            let _ = writeln!(text, "removed {}", path.display());
        }
    }
    let same = wanted.keys().filter(|path| !drift.contains_key(*path)).count();
    if same > 0 {
        let _ = writeln!(text, "{same} of {} were up to date", wanted.len());
    }
    print(&text)
}

/// What the files should hold. The same program always gives the same bytes.
fn files(registry: &Registry, out: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    for type_ in own_kinds(registry)? {
        let name = format!("{}_{}.json", type_.kind.to_lowercase(), type_.version);
        let schema = serde_json::to_string_pretty(&type_.schema())? + "\n";
        files.insert(out.join(type_.group).join(name), schema);
    }
    Ok(files)
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Missing,
    Different,
    /// It stands in the folder of one of the program's groups, and is of none of its kinds.
    Stale,
}

fn drift(wanted: &BTreeMap<PathBuf, String>) -> Result<BTreeMap<PathBuf, State>> {
    let mut drift = BTreeMap::new();
    for (path, schema) in wanted {
        match fs::read(path) {
            Ok(found) if found == schema.as_bytes() => {}
            Ok(_) => drop(drift.insert(path.clone(), State::Different)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(drift.insert(path.clone(), State::Missing)),
            Err(error) => return Err(failed("read", path, error)),
        }
    }
    let folders: BTreeSet<_> = wanted.keys().filter_map(|path| path.parent()).collect();
    for folder in folders {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| failed("read", folder, error))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| failed("read", folder, error))?.path();
            if is_schema(&path) && !wanted.contains_key(&path) {
                drift.insert(path, State::Stale);
            }
        }
    }
    Ok(drift)
}

/// Only what is called as `schemas` calls its files is ever removed.
fn is_schema(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let version = stem.split_once('_').is_some_and(|(_, version)| version.starts_with('v') && !version.contains('_'));
    version && path.extension().is_some_and(|extension| extension == "json")
}

fn report(drift: &BTreeMap<PathBuf, State>, total: usize, out: &Path) -> Result<()> {
    if drift.is_empty() {
        return print(&format!("{total} of {total} schemas in {} are up to date\n", out.display()));
    }
    let list = drift.iter().map(|(path, state)| {
        let word = match state {
            State::Missing => "is missing",
            State::Different => "is different",
            State::Stale => "is stale: the program has no such kind",
        };
        format!("\n  - {} {word}", path.display())
    });
    let program = std::env::args().next().unwrap_or_default();
    let mend = format!("\nto mend it: {program} schemas --out {}", out.display());
    let message = format!("the schemas are not up to date:{}{mend}", list.collect::<String>());
    Err(Error::new(ErrorKind::Other, message))
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::from(error).context(format_args!("can't {what} {}", path.display()))
}
