//! How transactions share commits, and how the file is kept small.

use bytes::Bytes;
use fabrica::store::{EmbeddedStore, Entry, Guard, Key, Page, Revision, Store, StoreError, Transaction, WatchItem};
use futures_util::future::{FutureExt as _, join_all};
use rusqlite::Connection;

use crate::{file, folder, in_memory, open};

#[tokio::test]
async fn concurrent_writers_share_commits() {
    let folder = folder();
    let store = open(&folder);
    let create = |i: usize| Transaction::new().when(Guard::Absent(format!("/{i}").into())).put(format!("/{i}"), "1");
    let answers = join_all((0..500).map(|i| store.txn(create(i)))).await;
    let mut revisions: Vec<Revision> = answers.into_iter().map(Result::unwrap).collect();
    revisions.dedup();
    assert_eq!(revisions.len(), 500, "each has a revision of its own");
    let stats = store.stats();
    assert_eq!(stats.transactions, 500);
    assert!(stats.commits <= 50, "500 transactions that came together took {} commits", stats.commits);
}

#[tokio::test]
async fn a_transaction_sees_those_of_its_own_group() {
    let folder = folder();
    let store = open(&folder);
    let claim = || Transaction::new().when(Guard::Absent("/claim".into())).put("/claim", "me");
    let answers = join_all((0..100).map(|_| store.txn(claim()))).await;
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        let StoreError::Conflict { index: 0, current: Some(current) } = lost else { panic!("it answered {lost}") };
        assert_eq!(current.modified, *won[0]);
    }
}

#[tokio::test]
async fn what_changes_nothing_needs_no_commit() {
    let folder = folder();
    let store = open(&folder);
    let revision = store.txn(Transaction::new().put("/a", "1")).await.unwrap();
    let before = store.stats();
    assert_eq!(store.txn(Transaction::new().put("/a", "1").delete("/b")).await, Ok(revision));
    assert_eq!(store.stats(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overwriting_does_not_grow_the_file_without_limit() {
    const KEYS: usize = 500;
    let folder = folder();
    let options = || EmbeddedStore::options().watch_window(100);
    let store = options().open(file(&folder)).unwrap();
    let round = async |n: usize| {
        let put = |i: usize| Transaction::new().put(format!("/{i}"), format!("{n} {}", "x".repeat(1200)));
        for answer in join_all((0..KEYS).map(|i| store.txn(put(i)))).await {
            answer.unwrap();
        }
    };
    for n in 0..100 {
        round(n).await;
        // Live rows, twice the window, and what is left alone, doubled by what comes while a pass goes on.
        assert!(store.stats().rows < 2 * (KEYS as u64 + 200 + 4096), "{:?}", store.stats());
    }
    let before = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    let after = Revision::new(before.revision.get() - 100);
    drop(store);
    // 100 rounds of 600 kB.
    let size = std::fs::metadata(file(&folder)).unwrap().len();
    assert!(size < 16 << 20, "the file has {size} bytes");

    let store = options().open(file(&folder)).unwrap();
    assert_eq!(store.list(&Key::EVERYTHING, Page::all()).await.unwrap(), before);
    let mut watch = store.watch(&Key::EVERYTHING, after).await.unwrap();
    for i in 1..=100 {
        let Some(WatchItem::Batch(batch)) = watch.next().await else { panic!("the history is not whole") };
        assert_eq!(batch.revision.get(), after.get() + i);
        let previous = batch.changes[0].previous.as_ref().unwrap();
        assert!(previous.value.starts_with(b"98 "), "the value before is {:?}", &previous.value[..3]);
    }
}

#[tokio::test]
async fn the_log_gives_back_the_room_that_a_reader_made_it_take() {
    let folder = in_memory();
    let store = EmbeddedStore::options().watch_window(1).open(file(&folder)).unwrap();
    let write = async |n: usize| {
        let value = format!("{n} {}", "x".repeat(1 << 19));
        store.txn(Transaction::new().put("/a", value)).await.unwrap()
    };
    let size = || std::fs::metadata(folder.path().join("fabrica.db-wal")).unwrap().len();
    write(0).await;
    let reader = Connection::open(file(&folder)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM log").unwrap();
    for n in 0..300 {
        write(n).await;
    }
    assert!(size() > 150 << 20, "the reader does not need it: {}", size());
    drop(reader);
    for n in 0..1000 {
        write(n).await;
        if size() <= 129 << 20 {
            return;
        }
    }
    panic!("it has {} bytes still", size());
}

#[tokio::test]
async fn what_was_deleted_stays_so_when_old_rows_are_removed() {
    let folder = folder();
    let options = || EmbeddedStore::options().watch_window(10);
    let store = options().open(file(&folder)).unwrap();
    for round in 0..20 {
        let turn = |i: usize| {
            let key = format!("/{i}");
            if round % 2 == 0 {
                Transaction::new().put(key, format!("{round}"))
            } else {
                Transaction::new().delete(key)
            }
        };
        for answer in join_all((0..1000).map(|i| store.txn(turn(i)))).await {
            answer.unwrap();
        }
    }
    let revision = store.txn(Transaction::new().put("/kept", "1")).await.unwrap();
    assert!(store.stats().rows < 15_000, "{:?}", store.stats());
    drop(store);
    let store = options().open(file(&folder)).unwrap();
    let all = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    assert_eq!((all.entries.len(), all.revision), (1, revision));
}

/// It is closed in the middle of the work, again and again, and each time everything is there that anybody may ask for.
#[tokio::test]
async fn what_is_needed_survives_the_removal_of_old_rows() {
    const WINDOW: usize = 5;
    let folder = in_memory();
    let options = || EmbeddedStore::options().eager();
    let (mut held, mut values) = (Vec::new(), Vec::<(Bytes, Option<Bytes>)>::new());
    for round in 0..40 {
        let store = options().watch_window(WINDOW).open(file(&folder)).unwrap();
        if round == 0 {
            store.txn(Transaction::new().put("/once", "1")).await.unwrap();
        }
        let now = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
        assert!(held.is_empty() || now.entries == held, "round {round}: {now:?} is not {held:?}");
        let first = now.revision.get() + 1 - values.len() as u64;
        let mut watch = store.watch(&Key::EVERYTHING, Revision::new(first - 1)).await.unwrap();
        for (revision, (value, previous)) in (first..).zip(&values) {
            let Some(WatchItem::Batch(batch)) = watch.next().await else {
                panic!("round {round}: no batch {revision}")
            };
            assert_eq!(batch.revision.get(), revision);
            let shown = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.value.clone());
            let change = &batch.changes[0];
            assert_eq!((shown(&change.entry), shown(&change.previous)), (Some(value.clone()), previous.clone()));
        }

        // Until old rows have just been removed, which is when what is needed of them would be missed.
        let mut swept = 0;
        for i in 0.. {
            // One key is written at every turn, ten at some, and each of a hundred not for long.
            for key in ["/often".to_owned(), format!("/some/{}", i % 10), format!("/rare/{}", (i + round) % 100)] {
                let previous = store.get(&key.as_str().into(), None).await.unwrap().0;
                let value = Bytes::from(format!("{round} {i}"));
                store.txn(Transaction::new().put(key, value.clone())).await.unwrap();
                values.push((value, previous.map(|entry| entry.value)));
            }
            let before = std::mem::replace(&mut swept, store.stats().sweeps);
            if i > 37 && swept > before {
                break;
            }
            assert!(i < 1000, "{:?}", store.stats());
        }
        values.drain(..values.len() - WINDOW);
        held = store.list(&Key::EVERYTHING, Page::all()).await.unwrap().entries;
    }
    // A larger window does not bring back what was removed.
    let store = options().watch_window(1_000_000).open(file(&folder)).unwrap();
    let mut old = store.watch(&Key::EVERYTHING, Revision::new(10)).await.unwrap();
    assert!(matches!(old.next().await, Some(WatchItem::Expired { .. })));
}

#[tokio::test]
async fn dropping_the_store_finishes_what_was_begun() {
    let folder = folder();
    let store = open(&folder);
    for i in 0..100 {
        // It is polled once, and then its caller goes away.
        let _ = store.txn(Transaction::new().put(format!("/{i}"), "1")).now_or_never();
    }
    drop(store);
    let store = open(&folder);
    assert_eq!(store.list(&Key::EVERYTHING, Page::all()).await.unwrap().entries.len(), 100);
}
