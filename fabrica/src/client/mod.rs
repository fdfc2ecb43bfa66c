//! How code reads and writes objects: the typed client, and the cache behind it.

mod cache;
mod cached;
mod create;
mod delete;
#[cfg(feature = "api")]
mod delete_versions;
mod deleting;
mod derived;
mod dry_run;
mod dynamic;
mod envelope;
mod export;
mod feed;
mod finalizers;
#[cfg(feature = "api")]
mod follow;
mod follower;
mod garbage;
#[cfg(feature = "api")]
mod history;
mod import;
#[cfg(feature = "api")]
mod json;
mod keys;
mod kinds;
mod lifecycle;
mod list;
mod merge;
mod observer;
mod operations;
mod own;
mod owned;
mod owners;
mod patch;
mod place;
mod preconditions;
mod progress;
mod replace;
mod select;
mod settings;
#[cfg(feature = "api")]
mod snapshot;
mod status;
mod subscription;
mod trouble;
mod typed;
mod update;
mod view;
mod watch;
mod write;

pub use delete::{DeleteOptions, Propagation};
pub use export::{Exported, export};
pub use import::{ImportDocument, ImportOptions, Imported, import};
pub use lifecycle::Client;
pub use list::{List, ListOptions};
pub use patch::Patch;
pub use settings::ClientSettings;
pub use update::Applied;
pub use view::View;
pub use watch::{Change, Changes, ObjectWatch, WatchOptions};

pub(crate) use cached::CachedObject;
#[cfg(feature = "api")]
pub(crate) use delete::Deleted;
#[cfg(feature = "api")]
pub(crate) use follow::{Follow, Followed};
#[cfg(feature = "api")]
pub(crate) use history::HistoryChange;
#[cfg(feature = "testing")]
pub(crate) use lifecycle::title_of;
pub(crate) use observer::{ObjectChange, Observer};
pub(crate) use own::{Owned, Owner};
#[cfg(feature = "api")]
pub(crate) use patch::{Part, UnknownFields};
#[cfg(feature = "api")]
pub(crate) use place::Place;
pub(crate) use replace::namespace_of;
#[cfg(feature = "api")]
pub(crate) use select::Selection;
#[cfg(feature = "api")]
pub(crate) use snapshot::{Snapshot, SnapshotOptions};
pub(crate) use status::Saved;
pub(crate) use typed::typed;

#[cfg(feature = "api")]
#[cfg(test)]
mod history_tests;
#[cfg(all(test, feature = "api"))]
mod patch_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod write_tests;
