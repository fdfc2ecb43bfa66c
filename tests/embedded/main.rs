//! The contract of the embedded store beyond that of every store: what is on the disk, and what becomes of it.
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod backups;
mod commits;
mod opening;
mod restart;
mod trouble;
mod views;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use fabrica::store::EmbeddedStore;
use fabrica::store::conformance::{Settings, TestStore, conformance};
use fabrica_tests::folder::Folder;

fn folder() -> Folder {
    Folder::new("embedded").unwrap()
}

/// For many small writes, which need no disk.
fn in_memory() -> Folder {
    Folder::in_memory("embedded").unwrap()
}

fn file(folder: &Folder) -> PathBuf {
    folder.path().join(EmbeddedStore::FILE_NAME)
}

fn open(folder: &Folder) -> EmbeddedStore {
    EmbeddedStore::open(file(folder)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_embedded_store_passes_the_suite() {
    let folder = folder();
    let made = AtomicUsize::new(0);
    conformance(async |settings: Settings| {
        let file = folder.path().join(format!("{}.db", made.fetch_add(1, Ordering::Relaxed)));
        let store = EmbeddedStore::options().watch_window(settings.watch_window).open(file).unwrap();
        let doubted = store.clone();
        TestStore::new(store).inject_unknown(move || doubted.doubt_next_commit())
    })
    .await
    .unwrap();
}
