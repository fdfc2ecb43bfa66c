//! Where things are kept.
//!
//! [`Store`] is a small contract: keys with values, guarded transactions that each make one [`Revision`],
//! lists at one revision, and watches without gaps. [`MemoryStore`] keeps everything in memory; the suite in
//! [`conformance`] checks any implementation.
//!
//! ```
//! use fabrica::store::{Guard, MemoryStore, Page, Store, StoreError, Transaction};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = MemoryStore::new();
//! let create = Transaction::new()
//!     .when(Guard::Absent("/devices/a".into()))
//!     .put("/devices/a", "running");
//! let revision = store.txn(create.clone()).await?;
//! assert!(matches!(store.txn(create).await, Err(StoreError::Conflict { index: 0, .. })));
//!
//! let devices = store.list(&"/devices/".into(), Page::all()).await?;
//! assert_eq!((devices.entries.len(), devices.revision), (1, revision));
//! # Ok(())
//! # }
//! ```

pub mod conformance;
mod contract;
#[cfg(feature = "embedded")]
mod embedded;
mod entry;
mod error;
mod feed;
mod image;
mod memory;
mod packed_map;
mod page;
mod revision;
mod transaction;
mod watch;

pub use contract::Store;
#[cfg(feature = "cli")]
pub(crate) use embedded::copy_of;
#[cfg(feature = "embedded")]
pub use embedded::{EmbeddedOptions, EmbeddedStats, EmbeddedStore, Restored, backup, restore};
pub use entry::{Entry, Key};
pub use error::StoreError;
pub use memory::{Fault, Faults, MemoryStore};
pub(crate) use packed_map::PackedMap;
pub use page::{ListPage, Page, PageToken};
pub use revision::Revision;
pub use transaction::{Guard, Limits, Op, Transaction};
pub use watch::{Batch, Change, Watch, WatchItem};
