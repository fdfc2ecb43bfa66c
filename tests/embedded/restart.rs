//! What a store is after it was closed and opened again.

use fabrica::store::{
    Change, EmbeddedStore, Guard, Key, Page, Revision, Store, StoreError, Transaction, Watch, WatchItem,
};
use tokio::time::{Duration, timeout};

use crate::folder::Folder;

async fn put(store: &EmbeddedStore, key: &str, value: &str) -> Revision {
    store.txn(Transaction::new().put(key, value.to_owned())).await.unwrap()
}

async fn next(watch: &mut Watch) -> WatchItem {
    timeout(Duration::from_secs(10), watch.next()).await.unwrap().unwrap()
}

async fn changes(watch: &mut Watch, revision: Revision) -> Vec<Change> {
    match next(watch).await {
        WatchItem::Batch(batch) if batch.revision == revision => batch.changes.to_vec(),
        other => panic!("expected the batch of {revision}, got {other:?}"),
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new();
    let store = folder.open();
    put(&store, "/a", "1").await;
    put(&store, "/b", "1").await;
    put(&store, "/a", "2").await;
    put(&store, "/gone", "1").await;
    store.txn(Transaction::new().put("/c", "").delete("/gone")).await.unwrap();
    let before = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    drop(store);

    let store = folder.open();
    let after = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.entries.len(), 3);
    assert_eq!(store.revision().await, Ok(before.revision));
    let next = put(&store, "/d", "1").await;
    assert_eq!(next, before.revision.next());
    let stale = Transaction::new().when(Guard::Modified("/a".into(), Revision::new(1))).put("/a", "3");
    assert!(matches!(store.txn(stale).await, Err(StoreError::Conflict { index: 0, current: Some(_) })));
}

#[tokio::test]
async fn a_revision_survives_even_if_all_it_did_was_to_delete() {
    let folder = Folder::new();
    let store = folder.open();
    put(&store, "/a", "1").await;
    let last = store.txn(Transaction::new().delete("/a")).await.unwrap();
    drop(store);
    assert_eq!(folder.open().revision().await, Ok(last));
}

#[tokio::test]
async fn a_watch_goes_on_after_a_restart() {
    let folder = Folder::new();
    let store = folder.open();
    let first = put(&store, "/a", "1").await;
    let seen = put(&store, "/b", "1").await;
    let second = put(&store, "/a", "2").await;
    let both = store.txn(Transaction::new().delete("/b").put("/c", "1")).await.unwrap();
    let mut before = store.watch(&Key::EVERYTHING, Revision::ZERO).await.unwrap();
    let mut shown = Vec::new();
    for revision in [first, seen, second, both] {
        shown.push(changes(&mut before, revision).await);
    }
    drop((store, before));

    let store = folder.open();
    let mut watch = store.watch(&Key::EVERYTHING, seen).await.unwrap();
    assert_eq!(changes(&mut watch, second).await, shown[2]);
    assert_eq!(changes(&mut watch, both).await, shown[3]);
    let live = put(&store, "/c", "2").await;
    let change = changes(&mut watch, live).await.remove(0);
    assert_eq!(change.previous.unwrap().value, "1");
}

#[tokio::test]
async fn a_watch_from_before_the_window_expires_after_a_restart() {
    let folder = Folder::new();
    let store = EmbeddedStore::options().watch_window(3).open(folder.file()).unwrap();
    for i in 0..10 {
        put(&store, "/a", &format!("{i}")).await;
    }
    drop(store);
    let store = EmbeddedStore::options().watch_window(3).open(folder.file()).unwrap();
    let mut old = store.watch(&Key::EVERYTHING, Revision::new(6)).await.unwrap();
    let oldest = Revision::new(7);
    assert_eq!(next(&mut old).await, WatchItem::Expired { oldest });
    let mut kept = store.watch(&Key::EVERYTHING, oldest).await.unwrap();
    let change = changes(&mut kept, Revision::new(8)).await.remove(0);
    assert_eq!((change.entry.unwrap().value, change.previous.unwrap().value), ("7".into(), "6".into()));
}

#[tokio::test]
async fn a_store_that_was_not_closed_is_whole() {
    let folder = Folder::new();
    let store = folder.open();
    for i in 0..100 {
        put(&store, &format!("/{i}"), "1").await;
    }
    // What a killed process leaves behind: the file and its log, as they are now.
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", folder.file().display());
        std::fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
    }
    let copy = EmbeddedStore::open(copy).unwrap();
    let everything = copy.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    assert_eq!(everything, store.list(&Key::EVERYTHING, Page::all()).await.unwrap());
}
