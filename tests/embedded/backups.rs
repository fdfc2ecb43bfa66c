//! Copies of a store, and the way back.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fabrica::store::{EmbeddedStore, Key, Page, Revision, Store, Transaction, WatchItem, backup, restore};
use rusqlite::Connection;

use crate::{file, folder, open};

async fn put(store: &EmbeddedStore, key: &str, value: &str) -> Revision {
    store.txn(Transaction::new().put(key, value.to_owned())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_of_one_moment() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/first", "0").await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                let value = format!("{n} {}", "x".repeat(3000));
                store.txn(Transaction::new().put("/a", value.clone()).put("/b", value)).await.unwrap();
            }
        }
    });
    let mut last = Revision::ZERO;
    for i in 0..5 {
        let copy = folder.path().join(format!("{i}.backup"));
        let known = store.revision().await.unwrap();
        let (source, dest) = (file(&folder), copy.clone());
        let revision = tokio::task::spawn_blocking(move || backup(source, dest)).await.unwrap().unwrap();
        assert!(revision >= known, "what was acknowledged at {known} is not in a backup of {revision}");
        assert!(revision >= last);
        last = revision;
        let copy = EmbeddedStore::open(&copy).unwrap();
        assert_eq!(copy.revision().await, Ok(revision));
        let get = async |key: &str| copy.get(&key.into(), None).await.unwrap().0;
        assert_eq!(get("/a").await.map(|e| e.value), get("/b").await.map(|e| e.value), "half a transaction");
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    put(&store, "/a", "the source goes on").await;
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "1").await;
    let copy = folder.path().join("copy");
    fs::write(&copy, "precious").unwrap();
    let error = backup(file(&folder), &copy).unwrap_err().to_string();
    assert!(error.contains("copy") && error.contains("exists already"), "{error}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");
}

#[tokio::test]
async fn a_backup_of_what_is_no_store_leaves_nothing_behind() {
    let folder = folder();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for source in [other, folder.path().join("none.db")] {
        let error = backup(&source, folder.path().join("copy")).unwrap_err().to_string();
        assert!(error.contains(source.file_name().unwrap().to_str().unwrap()), "{error}");
        assert!(!folder.path().join("copy").exists() && !folder.path().join("copy.unfinished").exists());
        assert!(!folder.path().join("none.db").exists());
    }
}

#[tokio::test]
async fn a_restore_brings_back_the_past_under_a_new_revision() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "kept").await;
    put(&store, "/a", "kept too").await;
    let copy = folder.path().join("copy");
    let revision = backup(file(&folder), &copy).unwrap();
    put(&store, "/a", "lost").await;
    let last = put(&store, "/b", "lost").await;
    drop(store);

    let restored = restore(&copy, file(&folder)).unwrap();
    assert!(restored.revision.get() >= last.get() + 1_000_000_000);
    let store = open(&folder);
    assert_eq!(store.revision().await, Ok(restored.revision));
    let all = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    assert_eq!(all.entries.len(), 1);
    assert_eq!(all.entries[0].value, "kept too");
    for old in [Revision::ZERO, revision, last] {
        let mut watch = store.watch(&Key::EVERYTHING, old).await.unwrap();
        assert_eq!(watch.next().await, Some(WatchItem::Expired { oldest: restored.revision }));
    }
    let mut now = store.watch(&Key::EVERYTHING, restored.revision).await.unwrap();
    let next = put(&store, "/a", "new").await;
    assert!(matches!(now.next().await, Some(WatchItem::Batch(batch)) if batch.revision == next));
    drop(store);
    assert_eq!(open(&folder).revision().await, Ok(next));

    // What was there before is there still.
    let before = EmbeddedStore::open(restored.kept.unwrap()).unwrap();
    assert_eq!(before.revision().await, Ok(last));
}

#[tokio::test]
async fn a_restore_of_a_damaged_backup_touches_nothing() {
    let folder = folder();
    let store = open(&folder);
    for i in 0..100 {
        put(&store, &format!("/{i}"), &"x".repeat(500)).await;
    }
    let copy = folder.path().join("copy");
    backup(file(&folder), &copy).unwrap();
    drop(store);
    let mut bytes = fs::read(&copy).unwrap();
    let place = bytes.windows(4).rposition(|part| part == b"xxxx").unwrap();
    bytes[place] = b'y';
    fs::write(&copy, bytes).unwrap();
    let before = fs::read(file(&folder)).unwrap();
    let error = restore(&copy, file(&folder)).unwrap_err().to_string();
    assert!(error.contains("fabrica.db was not restored"), "{error}");
    assert!(error.contains("copy can't be opened: it is damaged"), "{error}");
    assert!(!folder.path().join("fabrica.db.restored").exists());
    assert!(fs::read(file(&folder)).unwrap() == before);
    assert_eq!(open(&folder).revision().await, Ok(Revision::new(100)));
}

#[tokio::test]
async fn a_store_in_use_is_not_restored() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "1").await;
    let copy = folder.path().join("copy");
    backup(file(&folder), &copy).unwrap();
    let error = restore(&copy, file(&folder)).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
}

/// A part of it would be in its log still, which can't be moved away together with it.
#[tokio::test]
async fn a_store_that_somebody_reads_is_not_restored() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "1").await;
    let copy = folder.path().join("copy");
    backup(file(&folder), &copy).unwrap();
    let reader = Connection::open(file(&folder)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM log").unwrap();
    let last = put(&store, "/a", "2").await;
    drop(store);
    let error = restore(&copy, file(&folder)).unwrap_err().to_string();
    assert!(error.contains("fabrica.db was not restored") && error.contains("somebody reads it"), "{error}");
    assert!(!folder.path().join("fabrica.db.restored").exists());
    drop(reader);
    assert_eq!(open(&folder).revision().await, Ok(last));
    restore(&copy, file(&folder)).unwrap();
}

#[tokio::test]
async fn a_damaged_or_missing_store_is_restored() {
    let folder = folder();
    let store = open(&folder);
    let revision = put(&store, "/a", "1").await;
    let copy = folder.path().join("copy");
    assert_eq!(backup(file(&folder), &copy).unwrap(), revision);
    drop(store);

    fs::write(file(&folder), "damaged").unwrap();
    fs::write(folder.path().join("fabrica.db-wal"), "its log").unwrap();
    let restored = restore(&copy, file(&folder)).unwrap();
    let kept = restored.kept.unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "damaged");
    assert_eq!(fs::read_to_string(format!("{}-wal", kept.display())).unwrap(), "its log");
    assert_eq!(open(&folder).get(&"/a".into(), None).await.unwrap().0.unwrap().value, "1");

    fs::remove_file(file(&folder)).unwrap();
    assert_eq!(restore(&copy, file(&folder)).unwrap().kept, None);
    assert_eq!(open(&folder).get(&"/a".into(), None).await.unwrap().0.unwrap().value, "1");
}

/// A restore in its place must not begin where no revision is left.
#[tokio::test]
async fn what_a_damaged_row_says_its_revision_is_wears_out_no_store() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "1").await;
    let copy = folder.path().join("copy");
    backup(file(&folder), &copy).unwrap();
    drop(store);
    Connection::open(file(&folder)).unwrap().execute("UPDATE log SET id = 9223372036854775000", []).unwrap();

    restore(&copy, file(&folder)).unwrap();
    let store = open(&folder);
    assert_eq!(store.get(&"/a".into(), None).await.unwrap().0.unwrap().value, "1");
    let next = put(&store, "/a", "2").await;
    drop(store);
    assert_eq!(open(&folder).revision().await, Ok(next));
}

#[tokio::test]
async fn a_revision_can_be_put_forward() {
    let folder = folder();
    let store = open(&folder);
    put(&store, "/a", "1").await;
    drop(store);
    let far = Revision::new(5_000);
    let open_far = || EmbeddedStore::options().revision_at_least(far).open(file(&folder)).unwrap();
    assert_eq!(open_far().revision().await, Ok(far));
    let store = open(&folder);
    assert_eq!(store.revision().await, Ok(far));
    let mut old = store.watch(&Key::EVERYTHING, Revision::new(1)).await.unwrap();
    assert_eq!(old.next().await, Some(WatchItem::Expired { oldest: far }));
    let next = put(&store, "/a", "2").await;
    drop(store);
    assert_eq!(open_far().revision().await, Ok(next), "it is never put back");
}

/// What is written there must be found again, so there must be a there.
#[tokio::test]
async fn a_revision_is_not_put_where_none_comes_after_it() {
    let far = Revision::new(1 << 55);
    for beyond in [far.next(), Revision::new(1 << 56), Revision::new(u64::MAX)] {
        let folder = folder();
        let opened = EmbeddedStore::options().revision_at_least(beyond).open(file(&folder));
        let error = opened.expect_err("it was opened").to_string();
        assert!(error.contains("fabrica.db") && error.contains("ask for 36028797018963968 at most"), "{error}");
        assert!(!file(&folder).exists());
    }
    let folder = folder();
    let store = EmbeddedStore::options().revision_at_least(far).open(file(&folder)).unwrap();
    assert_eq!(put(&store, "/a", "1").await, far.next());
    drop(store);
    assert_eq!(open(&folder).revision().await, Ok(far.next()));
}
