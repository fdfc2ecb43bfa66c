//! How code reads and writes objects: the typed client, and the cache behind it.

mod cache;
mod cached;
mod create;
mod delete;
#[cfg(feature = "api")]
mod delete_versions;
mod deleting;
mod derived;
mod dynamic;
mod envelope;
mod export;
mod feed;
mod finalizers;
mod follower;
mod garbage;
mod import;
mod keys;
mod kinds;
mod lifecycle;
mod list;
mod merge;
mod observer;
mod own;
mod owned;
mod owners;
mod patch;
mod progress;
mod replace;
mod select;
mod settings;
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
#[cfg(feature = "testing")]
pub(crate) use lifecycle::title_of;
pub(crate) use observer::{ObjectChange, Observer};
pub(crate) use own::{Owned, Owner};
pub(crate) use replace::namespace_of;
pub(crate) use status::Saved;
pub(crate) use typed::typed;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
