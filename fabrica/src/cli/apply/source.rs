//! Where manifests come from: a file, or the files of a folder.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::parse;
use crate::{Error, ErrorKind, Result};

/// One `--apply PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// As the user gave it, for messages.
    given: PathBuf,
    /// Absolute, so that the same words said in another folder mean another source. Links are not followed: what a
    /// link points at may change, and it is still the same source.
    path: PathBuf,
    name: String,
}

impl Source {
    pub(super) fn new(given: &Path) -> Result<Self> {
        let fail = |why: &dyn fmt::Display| {
            Error::new(ErrorKind::Startup, format!("`--apply {}` can't be used: {why}", given.display()))
        };
        // Collecting the components takes away what means nothing: `./` and a slash at the end.
        let path: PathBuf = std::path::absolute(given).map_err(|error| fail(&error))?.components().collect();
        let name =
            path.to_str().ok_or_else(|| fail(&"its path is not UTF-8, so that no object can name it"))?.to_owned();
        Ok(Self { given: given.to_owned(), path, name })
    }

    /// What objects are marked with.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything that is there now.
    pub(super) fn read(&self) -> Reading {
        Reading::of(&self.path, &self.given, "is not there; it is applied as soon as it is")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given.display().fmt(f)
    }
}

/// Files whose names begin with a dot are not looked at: editors and links of mounted volumes are called so.
fn is_manifest(name: &Path) -> bool {
    let hidden = name.to_string_lossy().starts_with('.');
    !hidden
        && name.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

/// What a source held when it was read.
#[derive(Debug, Default)]
pub(in super::super) struct Reading {
    pub(in super::super) documents: Vec<(Place, Value)>,
    pub(in super::super) problems: Vec<Problem>,
}

impl Reading {
    /// Reads a file, or the files of a folder. `shown` is its name in messages; `if_absent` says what it means if it is
    /// not there.
    pub(in super::super) fn of(path: &Path, shown: &Path, if_absent: &str) -> Self {
        let mut reading = Self::default();
        let read = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => reading.folder(path, shown),
            Ok(_) => {
                reading.file(path, shown);
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            let message = match error.kind() {
                io::ErrorKind::NotFound => if_absent.to_owned(),
                _ => format!("can't be read: {error}"),
            };
            let place = Place::file(shown.display().to_string());
            reading.problems.push(Problem { place, message, hides: true });
        }
        reading
    }

    fn folder(&mut self, path: &Path, shown: &Path) -> io::Result<()> {
        let names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        for name in names.iter().filter(|name| is_manifest(Path::new(name))) {
            self.file(&path.join(name), &shown.join(name));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, shown: &Path) {
        let file = shown.display().to_string();
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("can't be read: {error}");
                return self.problems.push(Problem { place: Place::file(file), message, hides: true });
            }
        };
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let documents = if is_json { parse::json(&text) } else { parse::yaml(&text) };
        for (index, document) in documents.into_iter().enumerate() {
            let place = Place { file: file.clone(), document: Some((index + 1, document.line)), item: None };
            match document.value {
                Ok(value) => self.documents.push((place, value)),
                Err(message) => self.problems.push(Problem { place, message, hides: true }),
            }
        }
    }
}

/// A pipe would be waited for, and could not be read a second time.
fn read_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    fs::read_to_string(path)
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Place {
    file: String,
    /// Its number in the file and its line, both from 1; `None` for the file as a whole.
    document: Option<(usize, usize)>,
    /// Its number in a list, from 1.
    item: Option<usize>,
}

impl Place {
    fn file(file: String) -> Self {
        Self { file, document: None, item: None }
    }

    pub(super) fn item(&self, item: usize) -> Self {
        Self { item: Some(item), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((number, line)) = self.document {
            write!(f, ", document {number} (line {line})")?;
        }
        self.item.map_or(Ok(()), |item| write!(f, ", item {item}"))
    }
}

/// Why something of a source can't be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Problem {
    pub(super) place: Place,
    pub(super) message: String,
    /// May there be an object behind it that nobody can name? Then none of the source is known to be absent.
    pub(super) hides: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A folder of the test's own, gone with it.
    pub(in super::super) struct Folder(pub(in super::super) PathBuf);

    impl Folder {
        pub(in super::super) fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("fabrica-{test}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(in super::super) fn write(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_manifests_of_a_folder_are_read_in_the_order_of_their_names() {
        let folder = Folder::new("order");
        folder.write("b.yml", "n: 2\n---\nn: 3\n");
        folder.write("a.yaml", "n: 1");
        folder.write("c.json", r#"{"n": 4}"#);
        folder.write("notes.txt", "n: 5");
        folder.write(".hidden.yaml", "n: 6");
        let reading = Source::new(&folder.0).unwrap().read();
        assert!(reading.problems.is_empty());
        let numbers: Vec<_> = reading.documents.iter().map(|(_, value)| value["n"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        let place = reading.documents[2].0.to_string();
        assert!(place.ends_with("b.yml, document 2 (line 3)"), "{place}");
    }

    #[test]
    fn what_is_not_there_or_no_file_hides_objects() {
        let folder = Folder::new("missing");
        let reading = Source::new(&folder.0.join("gone")).unwrap().read();
        assert!(reading.problems[0].hides);
        fs::create_dir(folder.0.join("folder.yaml")).unwrap();
        let reading = Source::new(&folder.0).unwrap().read();
        assert!(reading.problems[0].hides && reading.problems[0].to_string().contains("no regular file"));
    }

    #[test]
    fn a_source_has_one_name_however_it_is_written() {
        let name = |path: &str| Source::new(Path::new(path)).unwrap().name().to_owned();
        assert_eq!(name("manifests"), name("./manifests/"));
        assert!(Path::new(&name("manifests")).is_absolute());
    }
}
