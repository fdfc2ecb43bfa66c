//! How an embedded store is opened.

use std::path::Path;

use super::EmbeddedStore;
use crate::Result;
use crate::store::Revision;
use crate::store::feed::DEFAULT_WINDOW;

/// Settings of an [`EmbeddedStore`]: each has a default that suits most programs.
///
/// ```
/// use fabrica::store::EmbeddedStore;
///
/// # let folder = std::env::temp_dir().join(format!("fabrica-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let store = EmbeddedStore::options().watch_window(1_000).max_bytes(1 << 30).open(folder.join(EmbeddedStore::FILE_NAME))?;
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    pub(super) window: usize,
    pub(super) max_bytes: Option<u64>,
    pub(super) revision: Option<Revision>,
    pub(super) vfs: Option<String>,
    pub(super) synchronous_off: bool,
    pub(super) eager: bool,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            window: DEFAULT_WINDOW,
            max_bytes: None,
            revision: None,
            vfs: None,
            synchronous_off: false,
            eager: false,
        }
    }
}

impl EmbeddedOptions {
    /// How many revisions, at least one, are kept for watches and pages that are behind, also over a restart.
    /// Default: 10,000. Readers that fall further behind get `Expired`. Each kept revision costs the memory and the
    /// room in the file of its values and of the values that it replaced.
    #[must_use]
    pub fn watch_window(mut self, revisions: usize) -> Self {
        self.window = revisions.max(1);
        self
    }

    /// The greatest size of the database file. Default: as large as the disk allows.
    ///
    /// A write that needs more is [`Unavailable`](crate::store::StoreError::Unavailable), unless it only deletes.
    /// Before it is refused the store gives up its history, so that watches which are behind expire. Beside the file
    /// stands a write-ahead log, of some megabytes as a rule, which this does not count.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Puts the store's revision forward to this one, if it is behind, and forgets the history from before. Default: it
    /// stays.
    ///
    /// It is for a store that takes the place of another one: with a revision beyond any that the other handed out,
    /// whoever watched that one gets `Expired` rather than changes of another history. More than 2^55 is refused when it is
    /// opened: no store gets there, and this one is to get further.
    #[must_use]
    pub fn revision_at_least(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// Opens the file through a VFS that the process has registered with SQLite, so that a test may lose power.
    #[doc(hidden)]
    #[must_use]
    pub fn vfs(mut self, name: impl Into<String>) -> Self {
        self.vfs = Some(name.into());
        self
    }

    /// Answers before the disk has the write: a bug for the test of durability to find.
    #[doc(hidden)]
    #[must_use]
    pub fn synchronous_off(mut self) -> Self {
        self.synchronous_off = true;
        self
    }

    /// Moves the log and sweeps after a few writes, so that a test sees it often.
    #[doc(hidden)]
    #[must_use]
    pub fn eager(mut self) -> Self {
        self.eager = true;
        self
    }

    /// Opens the store in the file at `path`, or makes it if there is none: [`EmbeddedStore::open`] with these
    /// settings.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<EmbeddedStore> {
        EmbeddedStore::open_with(path.as_ref(), self)
    }
}
