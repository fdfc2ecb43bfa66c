//! Noticing that the files of a source changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::EventKind;
use notify::{Config, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use super::source::Source;

/// How long it must be quiet before a change is looked at: a file that is saved is emptied, moved or replaced first.
const QUIET: Duration = Duration::from_millis(100);
/// How long a change waits at most for it to become quiet.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often files are looked at where the system doesn't tell of changes.
const POLL: Duration = Duration::from_secs(2);

/// Watches the files of some sources.
pub(super) struct FileWatch {
    signal: Arc<Signal>,
    watcher: Option<Box<dyn Watcher + Send>>,
    watched: BTreeSet<PathBuf>,
    polls: bool,
}

#[derive(Default)]
struct Signal {
    changed: Notify,
    /// The paths of the sources, as the system may call them.
    sources: Mutex<BTreeSet<PathBuf>>,
}

impl FileWatch {
    pub(super) fn new() -> Self {
        Self { signal: Arc::default(), watcher: None, watched: BTreeSet::new(), polls: false }
    }

    /// Watches what there is to watch now: each source, and the folder it stands in, which knows when it comes or goes.
    ///
    /// Do it before each reading: a folder that was replaced is another one, and no change after this goes unnoticed.
    pub(super) fn arm(&mut self, sources: &[Source]) {
        let paths = sources.iter().map(Source::path);
        let names = paths.clone().map(Path::to_owned).chain(paths.clone().filter_map(|path| path.canonicalize().ok()));
        *self.signal.sources.lock() = names.collect();
        let wanted = paths.flat_map(to_watch).collect::<BTreeSet<_>>();
        let Err(error) = self.watch(&wanted) else { return };
        if !self.polls {
            warn!(
                "The system can't tell of changes to manifests ({error}): they are looked for every {POLL:?} instead"
            );
            self.polls = true;
            self.watcher = None;
            // A path that went away just now is found missing by the reading, and its folder is watched.
            let _ = self.watch(&wanted);
        }
    }

    fn watch(&mut self, wanted: &BTreeSet<PathBuf>) -> notify::Result<()> {
        let before = std::mem::take(&mut self.watched);
        let watcher = match &mut self.watcher {
            Some(made) => made,
            none => none.insert(make(&self.signal, self.polls)?),
        };
        for path in before {
            // It is not watched any more if it is gone.
            let _ = watcher.unwatch(&path);
        }
        for path in wanted {
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Err(error) if path.exists() => return Err(error),
                _ => drop(self.watched.insert(path.clone())),
            }
        }
        Ok(())
    }

    /// Waits until something changed and then nothing more did.
    pub(super) async fn changed(&self) {
        let changed = &self.signal.changed;
        changed.notified().await;
        let patience = Instant::now() + PATIENCE;
        let quiet = async { while timeout(QUIET, changed.notified()).await.is_ok() {} };
        // Out of patience: a file that never rests is looked at as it is.
        let _ = timeout_at(patience, quiet).await;
    }
}

fn make(signal: &Arc<Signal>, polls: bool) -> notify::Result<Box<dyn Watcher + Send>> {
    let signal = Arc::clone(signal);
    let told = move |event: notify::Result<Event>| {
        if event.map_or(true, |event| is_about(&event, &signal.sources.lock())) {
            signal.changed.notify_one();
        }
    };
    let config = Config::default().with_poll_interval(POLL);
    Ok(if polls { Box::new(PollWatcher::new(told, config)?) } else { Box::new(RecommendedWatcher::new(told, config)?) })
}

/// Is an event about a source? That somebody reads a file is none: the reading itself would be followed by another.
fn is_about(event: &Event, sources: &BTreeSet<PathBuf>) -> bool {
    let about = |path: &PathBuf| sources.iter().any(|source| path.starts_with(source) || source.starts_with(path));
    !matches!(event.kind, EventKind::Access(_)) && (event.need_rescan() || event.paths.iter().any(about))
}

/// The source itself if it is a folder, and the nearest folder above it that is there.
fn to_watch(source: &Path) -> Vec<PathBuf> {
    let folder = source.is_dir().then(|| source.to_owned());
    let above = source.ancestors().skip(1).find(|path| path.is_dir()).map(Path::to_owned);
    folder.into_iter().chain(above).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::source::tests::Folder;
    use super::*;

    async fn changed(watch: &FileWatch) {
        timeout(Duration::from_secs(30), watch.changed()).await.expect("no change was noticed");
    }

    #[tokio::test]
    async fn changes_and_the_coming_and_going_of_a_folder_are_noticed() {
        let folder = Folder::new("watch");
        let path = folder.0.join("manifests");
        let sources = [Source::new(&path).unwrap()];
        let mut watch = FileWatch::new();
        watch.arm(&sources);
        fs::create_dir(&path).unwrap();
        changed(&watch).await;
        watch.arm(&sources);
        fs::write(path.join("a.yaml"), "a: 1").unwrap();
        changed(&watch).await;
        watch.arm(&sources);
        fs::remove_dir_all(&path).unwrap();
        changed(&watch).await;
        watch.arm(&sources);
        fs::create_dir(&path).unwrap();
        changed(&watch).await;
    }

    #[test]
    fn reading_is_no_change_and_neither_is_a_neighbour() {
        use notify::event::{AccessKind, CreateKind};

        let sources = BTreeSet::from([PathBuf::from("/a/b")]);
        let event = |kind, path: &str| Event::new(kind).add_path(path.into());
        let created = EventKind::Create(CreateKind::Any);
        assert!(is_about(&event(created, "/a/b/c.yaml"), &sources));
        assert!(is_about(&event(created, "/a"), &sources));
        assert!(!is_about(&event(created, "/a/c"), &sources));
        assert!(!is_about(&event(EventKind::Access(AccessKind::Any), "/a/b/c.yaml"), &sources));
    }
}
