//! What goes wrong while a store runs.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use fabrica::store::{EmbeddedStore, Entry, Key, Page, Revision, Store, StoreError, Transaction, WatchItem};
use futures_util::future::{FutureExt as _, join_all};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::time::{Duration, timeout};

use crate::{Folder, file, folder, in_memory, open};

fn put(key: &str, value: impl Into<String>) -> Transaction {
    Transaction::new().put(key, value.into())
}

/// The answer is that the store is unavailable, with these words.
#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>, words: &[&str]) {
    let Err(StoreError::Unavailable(reason)) = answer else { panic!("it answered {answer:?}") };
    for word in words {
        assert!(reason.contains(word), "\"{word}\" is not in: {reason}");
    }
}

#[tokio::test]
async fn a_foreign_write_stops_the_store() {
    let folder = folder();
    let store = open(&folder);
    store.txn(put("/a", "1")).await.unwrap();
    let mut watch = store.watch(&Key::EVERYTHING, Revision::new(1)).await.unwrap();
    assert!(watch.next().now_or_never().is_none());
    Connection::open(file(&folder)).unwrap().execute("DELETE FROM log", []).unwrap();

    let words = ["fabrica.db", "another program has written to it"];
    unavailable(store.txn(put("/b", "1")).await, &words);
    unavailable(store.get(&"/a".into(), None).await, &words);
    unavailable(store.list(&Key::EVERYTHING, Page::all()).await, &words);
    unavailable(store.revision().await, &words);
    unavailable(store.txn(put("/c", "1")).await, &words);
    assert!(matches!(store.watch(&Key::EVERYTHING, Revision::ZERO).await, Err(StoreError::Unavailable(_))));
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn somebody_who_reads_stops_nothing() {
    let folder = folder();
    let store = open(&folder);
    let reader = Connection::open(file(&folder)).unwrap();
    for i in 0..10 {
        store.txn(put("/a", format!("{i}"))).await.unwrap();
        let read: String = reader.query_row("SELECT text FROM entries WHERE key = '/a'", [], |row| row.get(0)).unwrap();
        assert_eq!(read, format!("{i}"), "what was acknowledged is in the file");
    }
}

#[tokio::test]
async fn a_commit_in_doubt_is_unknown_and_then_the_truth_is_served() {
    let folder = folder();
    let store = open(&folder);
    let first = store.txn(put("/a", "1")).await.unwrap();
    let mut watch = store.watch(&Key::EVERYTHING, first).await.unwrap();
    store.doubt_next_commit();
    assert_eq!(store.txn(put("/a", "2")).await, Err(StoreError::Unknown));

    let (entry, revision) = store.get(&"/a".into(), None).await.unwrap();
    let entry = entry.unwrap();
    assert_eq!((entry.value, entry.created, revision), ("2".into(), first, first.next()));
    let Some(WatchItem::Batch(batch)) = watch.next().await else { panic!("the watch does not show it") };
    assert_eq!(batch.changes[0].previous.as_ref().unwrap().value, "1");
    let next = store.txn(put("/a", "3")).await.unwrap();
    assert_eq!(next, revision.next());
    drop(store);
    assert_eq!(open(&folder).revision().await, Ok(next));
}

struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a bug in whoever is woken")
    }
}

#[tokio::test]
async fn a_panic_in_the_thread_that_writes_leaves_nobody_waiting() {
    let folder = folder();
    let store = open(&folder);
    let mut watch = store.watch(&Key::EVERYTHING, Revision::ZERO).await.unwrap();
    let waker = Waker::from(Arc::new(Bomb));
    let mut first = store.txn(put("/a", "1"));
    assert!(first.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    let all = async {
        let others = join_all((0..100).map(|i| store.txn(put(&format!("/{i}"), "1")))).await;
        while watch.next().await.is_some() {}
        others
    };
    let others = timeout(Duration::from_secs(30), all).await.expect("somebody waits for ever");
    for answer in others {
        assert!(matches!(answer, Err(StoreError::Unknown | StoreError::Unavailable(_))), "{answer:?}");
    }
    assert_eq!(first.await, Ok(Revision::new(1)), "it was answered before");
    let words = ["fabrica.db", "has panicked", "start again"];
    unavailable(store.txn(put("/b", "1")).await, &words);
    unavailable(store.get(&"/a".into(), None).await, &words);
    drop(store);
    assert_eq!(open(&folder).get(&"/a".into(), None).await.unwrap().0.unwrap().value, "1");
}

/// Looks into the store as soon as it is woken.
struct Look(EmbeddedStore, Mutex<Vec<Seen>>);

type Seen = Result<(Option<Entry>, Revision), StoreError>;

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        self.1.lock().extend(self.0.get(&"/b".into(), None).now_or_never());
    }
}

/// It is on the disk, and a panic keeps it from being shown.
#[tokio::test]
async fn who_loses_an_answer_to_a_panic_is_not_served_what_was_before() {
    let folder = folder();
    let store = open(&folder);
    let look = Arc::new(Look(store.clone(), Mutex::default()));
    let (bomb, looker) = (Waker::from(Arc::new(Bomb)), Waker::from(look.clone()));
    // The first to come is written alone or with the second, and the bomb goes off at the one or the other.
    let mut watch = store.watch(&Key::EVERYTHING, Revision::ZERO).await.unwrap();
    assert!(Box::pin(watch.next()).poll_unpin(&mut Context::from_waker(&bomb)).is_pending());
    let mut first = store.txn(put("/a", "1"));
    let mut second = store.txn(put("/b", "1"));
    assert!(first.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    if second.poll_unpin(&mut Context::from_waker(&looker)).is_pending() {
        let seen = async {
            while look.1.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), seen).await.expect("nobody answers");
        unavailable(look.1.lock().remove(0), &["has panicked"]);
    }
}

/// A store with room for about a hundred large values.
fn small(folder: &Folder) -> EmbeddedStore {
    EmbeddedStore::options().max_bytes(1 << 20).open(file(folder)).unwrap()
}

async fn fill(store: &EmbeddedStore) -> usize {
    for i in 0..1000 {
        if let Err(error) = store.txn(put(&format!("/{i}"), "x".repeat(10_000))).await {
            unavailable::<Revision>(Err(error), &["fabrica.db", "full", "1048576 bytes"]);
            return i;
        }
    }
    panic!("it never was full");
}

/// Nothing fits any more, however small. Deletions do, and what they free can be used.
#[tokio::test]
async fn a_full_store_is_read_and_takes_writes_again_when_there_is_room() {
    let folder = in_memory();
    let store = small(&folder);
    let large = fill(&store).await;
    assert!(large > 50, "it was full after {large}");
    for (size, name) in [(1000, "medium"), (10, "small"), (0, "empty")] {
        let mut i = 0;
        while store.txn(put(&format!("/{name}/{i}"), "x".repeat(size))).await.is_ok() {
            i += 1;
        }
    }
    let full = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    unavailable(store.txn(put("/more", "x")).await, &["full"]);
    assert_eq!(store.list(&Key::EVERYTHING, Page::all()).await.unwrap(), full);

    for i in 0..large / 2 {
        store.txn(Transaction::new().delete(format!("/{i}"))).await.unwrap();
    }
    for i in 0..large / 2 - 8 {
        store.txn(put(&format!("/{i}"), "y".repeat(10_000))).await.unwrap();
    }
    let all = store.list(&Key::EVERYTHING, Page::all()).await.unwrap();
    assert_eq!(all.entries.len(), full.entries.len() - 8);
    drop(store);
    assert!(std::fs::metadata(file(&folder)).unwrap().len() <= (1 << 20) + 64 * 4096);
    assert_eq!(small(&folder).list(&Key::EVERYTHING, Page::all()).await.unwrap(), all);
}

#[tokio::test]
async fn a_full_store_gives_up_its_history_before_it_refuses() {
    let folder = in_memory();
    let store = small(&folder);
    let first = store.txn(put("/a", "first")).await.unwrap();
    for i in 0..1000 {
        store.txn(put("/a", format!("{i}{}", "x".repeat(10_000)))).await.unwrap();
    }
    let mut old = store.watch(&Key::EVERYTHING, first).await.unwrap();
    assert!(matches!(old.next().await, Some(WatchItem::Expired { .. })));
}

#[tokio::test]
async fn what_fits_gets_in_beside_what_does_not() {
    let folder = folder();
    let store = small(&folder);
    fill(&store).await;
    let (small, large) = (put("/small", "x"), put("/large", "x".repeat(500_000)));
    let (small, large) = tokio::join!(store.txn(small), store.txn(large));
    unavailable(large, &["full"]);
    assert!(small.is_ok(), "{small:?}");
}

#[tokio::test]
async fn more_room_can_be_given() {
    let folder = folder();
    let store = small(&folder);
    let held = fill(&store).await;
    drop(store);
    let store = EmbeddedStore::options().max_bytes(2 << 20).open(file(&folder)).unwrap();
    store.txn(put("/more", "x".repeat(10_000))).await.unwrap();
    assert_eq!(store.list(&Key::EVERYTHING, Page::all()).await.unwrap().entries.len(), held + 1);
}
