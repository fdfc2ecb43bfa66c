//! The store in one file: durable, and served from memory.

mod backup;
mod checkpoint;
mod database;
mod files;
mod group;
mod load;
mod log;
mod options;
mod recover;
mod row;
mod shared;
mod sweep;
mod trouble;
mod waiting;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use futures_util::future::{BoxFuture, FutureExt as _};

use super::feed::Feed;
use super::image::Image;
use super::{Entry, Key, Limits, ListPage, Page, Revision, Store, StoreError, Transaction, Watch};
use crate::Result;
#[cfg(feature = "cli")]
pub(crate) use backup::copy_of;
pub use backup::{Restored, backup, restore};
use database::Database;
use files::Files;
use load::Loaded;
use log::Log;
pub use options::EmbeddedOptions;
pub use shared::EmbeddedStats;
use shared::Shared;
use waiting::Submission;
use writer::Writer;

/// A store in one file, that survives the loss of the process and of power.
///
/// - **Durable before it answers.** A transaction is answered when it is on the disk. Those that come while the disk is
///   busy share the next wait for it, so many concurrent writers are much faster than one.
/// - **Reads never wait for the disk**: everything is held in memory.
/// - **The file** is an SQLite database: `sqlite3 fabrica.db 'SELECT * FROM objects'` shows what is in it, also while the
///   program runs. Nobody else may write to it: that is noticed, and stops the store.
/// - **History**: the last revisions are kept, also over a restart, for watches and pages that are behind. Older ones are
///   removed by and by.
///
/// A clone is the same store. Dropping the last one finishes what was begun and closes the file, for which it waits.
/// It needs no async runtime; its watches need tokio's timer.
///
/// ```
/// use fabrica::store::{EmbeddedStore, Store, Transaction};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("fabrica-embedded-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let file = folder.join(EmbeddedStore::FILE_NAME);
/// let store = EmbeddedStore::open(&file)?;
/// let written = store.txn(Transaction::new().put("/devices/a", "running")).await?;
/// drop(store);
///
/// let store = EmbeddedStore::open(&file)?;
/// let (entry, revision) = store.get(&"/devices/a".into(), None).await?;
/// assert_eq!((entry.unwrap().value, revision), ("running".into(), written));
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    path: PathBuf,
    limits: Limits,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedStore {
    /// The name of the file in a data folder.
    pub const FILE_NAME: &str = "fabrica.db";

    /// Opens the store in the file at `path`, or makes it if there is none. The folder must exist.
    ///
    /// It reads the whole file, about 100 MB in a quarter of a second, and blocks for that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Startup`](crate::ErrorKind::Startup) if the file is in use, damaged, of another program or of a newer
    /// format, or if it or its folder can't be written. The message names the file and the way out.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// Settings to open a store with.
    #[must_use]
    pub fn options() -> EmbeddedOptions {
        EmbeddedOptions::default()
    }

    fn open_with(path: &Path, options: EmbeddedOptions) -> Result<Self> {
        let files = Files::find(path)?;
        if let Some(revision) = options.revision.filter(|revision| *revision > row::FURTHEST) {
            return Err(trouble::open(
                files.path(),
                &format!("it was asked to begin at revision {revision}"),
                &format!("ask for {} at most", row::FURTHEST),
            ));
        }
        let lock = files.lock()?;
        let window = options.window;
        let database = Database { files, options };
        database.make()?;
        let log = Log::open(&database)?;
        log.secure(&database.files)?;
        let path = database.files.path().to_owned();
        let mut loaded = read(&database, &log)?;
        if let Some(revision) = database.options.revision.filter(|revision| loaded.revision < *revision) {
            database.jump(&log, revision)?;
            loaded.jump(revision);
        }
        let feed = Feed::resumed(loaded.revision, window, loaded.compacted, loaded.batches);
        let shared = Arc::new(Shared::new(Image::new(loaded.entries, feed)));
        let writer = Writer::new(database, shared.clone(), log, loaded.rows, lock);
        writer.count_rows();
        let thread = thread::Builder::new().name("fabrica-store".into()).spawn(move || writer.run_to_the_end());
        let thread =
            thread.map_err(|error| trouble::open(&path, &error.to_string(), "give the process more threads"))?;
        let inner = Inner { shared, path, limits: Limits::default(), writer: Some(thread) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> EmbeddedStats {
        self.inner.shared.counts.read()
    }

    /// Makes the outcome of the next commit unclear to the store, though it succeeds.
    #[doc(hidden)]
    pub fn doubt_next_commit(&self) {
        self.inner.shared.doubt_next.store(true, Ordering::Release);
    }
}

/// Reads and checks the file, the one beside the other: neither needs more than half of the time that may pass.
fn read(database: &Database, log: &Log) -> Result<Loaded> {
    let (path, window) = (database.files.path(), database.options.window);
    if database.options.vfs.is_some() {
        // Such a file has one connection.
        database::check_pages(log.conn(), path)?;
        return load::load(log.conn(), path, window);
    }
    thread::scope(|scope| {
        let check = scope.spawn(|| database::check_pages(&database.connect()?, path));
        let loaded = load::load(log.conn(), path, window);
        // What the rows say is more telling than what the pages say.
        let loaded = loaded?;
        check.join().unwrap_or_else(|_| Err(trouble::damaged(path, "its check ended in a panic")))?;
        Ok(loaded)
    })
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("path", &self.inner.path)
            .field("entries", &self.inner.shared.image.len())
            .field("revision", &self.inner.shared.image.revision())
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn txn(&self, txn: Transaction) -> Result<Revision, StoreError> {
        self.limits.check(&txn)?;
        self.shared.health.check()?;
        let (submission, answered) = Submission::new(txn);
        self.shared.line.submit(submission);
        // It goes without an answer only if the writer ends in a panic.
        answered.await.unwrap_or(Err(StoreError::Unknown))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.line.close();
        // The writer itself may drop the last clone, by waking a task that holds it.
        if let Some(writer) = self.writer.take()
            && writer.thread().id() != thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes {} ended in a panic", self.path.display());
        }
    }
}

impl Store for EmbeddedStore {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        // Nothing happens before the future is polled.
        self.inner.txn(txn).boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        async move {
            self.inner.shared.health.check()?;
            self.inner.shared.image.get(key, at_least)
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        async move {
            self.inner.shared.health.check()?;
            self.inner.shared.image.list(prefix, &page)
        }
        .boxed()
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        async move {
            self.inner.shared.health.check()?;
            self.inner.shared.image.watch(prefix, after)
        }
        .boxed()
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.inner.shared.health.check()?;
            Ok(self.inner.shared.image.revision())
        }
        .boxed()
    }

    fn limits(&self) -> Limits {
        self.inner.limits
    }
}
